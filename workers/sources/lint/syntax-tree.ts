import jsonata from 'jsonata';

/** A node of JSONata's syntax tree, as far as lint looks at it; what a node has depends on its type. */
export interface Node {
  readonly type: string;
  readonly value?: unknown;
  /** Offset behind the node's token. */
  readonly position?: number;
  readonly steps?: readonly Node[];
  readonly expressions?: readonly Node[];
  readonly arguments?: readonly Node[];
  readonly procedure?: Node;
  readonly body?: Node;
  /** Of a lambda: nobody wrote it; JSONata wraps the last call of a function in it. */
  readonly thunk?: boolean;
  readonly condition?: Node;
  readonly then?: Node;
  readonly else?: Node;
  readonly lhs?: Node | readonly (readonly [Node, Node])[];
  readonly rhs?: Node;
  /** Of a path: what groups its results into an object. */
  readonly group?: object;
  /** Names that a step binds: its item, its place. */
  readonly focus?: string;
  readonly index?: string;
  readonly keepArray?: boolean;
  readonly keepSingletonArray?: boolean;
}

/** @throws as JSONata does where the expression does not compile */
export const treeOf = (expression: string): Node => jsonata(expression).ast() as Node;

/** The nodes directly below a node, whatever holds them. */
export function childrenOf(node: object): readonly Node[] {
  return Object.values(node).flatMap((value: unknown): readonly Node[] => {
    if (typeof value !== 'object' || value === null) return [];
    return isNode(value) ? [value] : childrenOf(value);
  });
}

const isNode = (value: object): value is Node => 'type' in value && typeof value.type === 'string';

/** The keys and values of an object constructor. */
export const pairsOf = ({ lhs }: Node): readonly (readonly [Node, Node])[] => (isPairs(lhs) ? lhs : []);

const isPairs = (lhs: Node['lhs']): lhs is readonly (readonly [Node, Node])[] => Array.isArray(lhs);

export const leftOf = ({ lhs }: Node): Node | undefined => (isPairs(lhs) ? undefined : lhs);

/** Offset of a node's first character. */
export function startOf(node: Node): number {
  if (node.type === 'path') return startOf(node.steps?.[0] ?? { type: 'none' });
  if (node.type === 'function' && node.procedure?.position !== undefined) return startOf(node.procedure);
  if (node.type === 'condition' && node.condition !== undefined) return startOf(node.condition);
  if (node.type === 'binary' && leftOf(node) !== undefined) return startOf(leftOf(node) ?? node);
  const text = typeof node.value === 'string' ? node.value : typeof node.value === 'number' ? String(node.value) : '(';
  const marks = node.type === 'variable' ? 1 : node.type === 'string' ? 2 : 0;
  return Math.max(0, (node.position ?? 0) - text.length - marks);
}

/** The function that a node calls, by its name; undefined for anything else. */
export const calledBy = (node: Node): string | undefined => (node.type === 'function' && node.procedure?.type === 'variable' ? String(node.procedure.value) : undefined);

/** The names of a path's steps, without what stands in between. */
export const namesOf = ({ steps = [] }: Node): readonly string[] => steps.flatMap(({ type, value }) => (type === 'name' ? [String(value)] : []));
