import { refusedFunctions } from '../mapping.js';
import type { Note } from './finding.js';
import { calledBy, childrenOf, leftOf, namesOf, startOf, type Node } from './syntax-tree.js';

/** A variable of an expression: what it was set to; null: a parameter, or set from outside. */
export interface Definition {
  readonly name: string;
  readonly node: Node | null;
  /** Where it is set. */
  readonly offset: number;
  /** It counts the items of a list. */
  isPosition: boolean;
  isUsed: boolean;
}

/** What each use of a variable means. */
export type Meanings = ReadonlyMap<Node, Definition>;

type Scope = ReadonlyMap<string, Definition>;

/** JSONata's own functions. */
const builtIn = new Set((
  'sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad match contains replace split join '
  + 'formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt power boolean not map zip filter single reduce sift keys lookup append '
  + 'exists spread merge reverse each error assert type sort distinct base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl '
  + 'toMillis fromMillis clone now millis random shuffle eval'
).split(' '));
const ours = new Set(['decimal', 'times', 'sum', 'round', 'plusDays', 'local', 'hash', 'received']);
/** Functions that call another for each item: item first, its place second. */
const perItem = new Set(['map', 'filter', 'single', 'reduce', 'each', 'sift']);

export const isFunctionName = (name: string): boolean => builtIn.has(name) || ours.has(name);

/** Where a node stands. */
interface Context {
  readonly scope: Map<string, Definition>;
  /** The lambda whose context names are read of; undefined inside a path, where the context is the item. */
  readonly lambda: Node | undefined;
  /** It decides, and its value goes nowhere. */
  readonly decides: boolean;
}

/**
 * Finds what every variable of an expression means, and notes what is wrong whatever the expression is for: unknown and forbidden names, and the
 * three ways in which careful maps lost data.
 * @param tables names of the map's tables; @returns meanings, and the tables that are used
 */
export function resolve(root: Node, tables: readonly string[], note: Note): { readonly meanings: Meanings; readonly usedTables: ReadonlySet<string> } {
  const meanings = new Map<Node, Definition>();
  const defined: Definition[] = [];
  const parameters = new Map<Node, readonly Definition[]>();
  const bareNames = new Map<Node, Node[]>();
  const itemLambdas = new Set<Node>();
  const outer = new Map(tables.map((name) => [name, definition(name, null, 0)]));
  const row = definition('row', null, 0);

  function walk(node: Node, at: Context): void {
    switch (node.type) {
      case 'block': return walkAll(node.expressions ?? [], { ...at, scope: new Map(at.scope) });
      case 'bind': return walkBinding(node, at);
      case 'lambda': return walkLambda(node, at);
      case 'variable': return walkVariable(node, at.scope);
      case 'function': return walkCall(node, at);
      case 'path': return walkPath(node, at);
      case 'condition': return walkCondition(node, at);
      case 'filter': return walkAll(childrenOf(node), { ...at, lambda: undefined, decides: true });
      case 'binary': noteUnequal(node); break;
      case 'wildcard': case 'descendant':
        note('wildcard', startOf(node), `${String(node.value)} takes whatever stands there, also what the source will add one day`, 'name the fields'); break;
      default:
    }
    walkAll(childrenOf(node), at);
  }

  const walkAll = (nodes: readonly Node[], at: Context): void => { for (const node of nodes) walk(node, at); };

  function walkBinding(node: Node, at: Context): void {
    const name = String(leftOf(node)?.value);
    const { rhs } = node;
    if (rhs === undefined) return;
    const bound = definition(name, rhs, startOf(leftOf(node) ?? node));
    defined.push(bound);
    // A function may call itself; any other value must not.
    if (rhs.type === 'lambda') at.scope.set(name, bound);
    walk(rhs, at);
    at.scope.set(name, bound);
  }

  function walkLambda(node: Node, at: Context): void {
    if (node.thunk === true) return walkAll(childrenOf(node), at);
    const own = (node.arguments ?? []).map(({ value }) => definition(String(value), null, 0));
    parameters.set(node, own);
    if (node.body !== undefined) walk(node.body, { scope: new Map([...at.scope, ...own.map((one) => [one.name, one] as const)]), lambda: node, decides: false });
  }

  function walkVariable(node: Node, scope: Scope): void {
    const name = String(node.value);
    if (name === '' || name === '$') return;
    const found = scope.get(name) ?? outer.get(name) ?? (name === 'row' ? row : undefined);
    if (found !== undefined) {
      found.isUsed = true;
      meanings.set(node, found);
    } else if (!isFunctionName(name)) {
      note('unknown-variable', startOf(node), `$${name} is set nowhere before`, `set it with $${name} := …, or write the name of one that is`);
    }
  }

  function walkCall(node: Node, at: Context): void {
    const name = calledBy(node);
    const args = node.arguments ?? [];
    const isOwn = name === undefined || at.scope.has(name) || outer.has(name);
    if (isOwn && node.procedure !== undefined) walk(node.procedure, at);
    if (!isOwn && refusedFunctions.includes(name)) note('forbidden-function', startOf(node), `$${name} would give another event the next time`, 'take what the record says; for the time of arrival $received()');
    else if (!isOwn && !isFunctionName(name)) note('unknown-function', startOf(node), `there is no function $${name}`, 'see the list of functions in docs/sources.md and of JSONata');
    const [first] = args;
    if (name === 'not' && first?.type === 'path' && namesOf(first).length === first.steps?.length) {
      note('not-of-missing', startOf(node), `$not(${namesOf(first).join('.')}) is missing, not true, where ${namesOf(first).join('.')} is missing`, `write $not($exists(${namesOf(first).join('.')}))`);
    }
    walkAll(args, name === 'exists' ? { ...at, decides: true } : at);
    if (name !== undefined && perItem.has(name)) markItemLambda(args[1]);
  }

  /** Its second parameter is a place in a list. */
  function markItemLambda(node: Node | undefined): void {
    const lambda = node?.type === 'variable' ? meanings.get(node)?.node : node;
    if (lambda?.type !== 'lambda') return;
    itemLambdas.add(lambda);
    const place = parameters.get(lambda)?.[1];
    if (place !== undefined) place.isPosition = true;
  }

  function walkPath(node: Node, at: Context): void {
    const [first, ...rest] = node.steps ?? [];
    noteSecret(node, at);
    if (first?.type === 'name' && at.lambda !== undefined) bareNames.set(at.lambda, [...(bareNames.get(at.lambda) ?? []), first]);
    if (first !== undefined) walk(first, { ...at, decides: at.decides });
    const inside: Context = { ...at, scope: new Map(at.scope), lambda: undefined };
    for (const step of node.steps ?? []) bindStep(step, inside.scope);
    walkAll(rest, inside);
    if (node.group !== undefined) walkAll(childrenOf(node.group), inside);
  }

  function bindStep({ focus, index }: Node, scope: Map<string, Definition>): void {
    if (focus !== undefined) scope.set(focus, definition(focus, null, 0));
    if (index !== undefined) scope.set(index, { ...definition(index, null, 0), isPosition: true });
  }

  function walkCondition(node: Node, at: Context): void {
    if (node.condition !== undefined) walk(node.condition, { ...at, decides: true });
    walkAll([node.then, node.else].filter((branch) => branch !== undefined), at);
  }

  function noteUnequal(node: Node): void {
    const side = [leftOf(node), node.rhs].find((each) => each?.type === 'path' && namesOf(each).length > 0);
    if (node.value !== '!=' || side === undefined) return;
    note('unequal-to-missing', startOf(node), `!= is false where ${namesOf(side).join('.')} is missing`, 'write $not(… = …), which is true then');
  }

  function noteSecret(node: Node, { decides }: Context): void {
    const names = namesOf(node);
    if (decides || !isSecret(names)) return;
    note('card-or-identity', startOf(node), `${names.join('.')} looks like the number of a card or of an identity document, which no event may carry`, 'leave it out, and name it under ignore');
  }

  const scope = new Map<string, Definition>();
  walk(root, { scope, lambda: undefined, decides: false });
  for (const lambda of itemLambdas) {
    for (const name of bareNames.get(lambda) ?? []) {
      const parameter = parameters.get(lambda)?.[0]?.name ?? 'item';
      note('context-in-lambda', startOf(name), `${String(name.value)} is read of the record, not of the item: inside a function the context does not move`, `write $${parameter}.${String(name.value)} if the item's is meant, or set a variable before if the record's is`);
    }
  }
  for (const { name, offset, isUsed } of defined) {
    if (!isUsed) note('unused-variable', offset, `$${name} is never used`, 'use it or take it out');
  }
  return { meanings, usedTables: new Set([...outer].filter(([, { isUsed }]) => isUsed).map(([name]) => name)) };
}

const definition = (name: string, node: Node | null, offset: number): Definition => ({ name, node, offset, isPosition: false, isUsed: false });

const secretName = /^(cc|(credit|debit|payment)?_?card)_?(number|num|no)$|^pan$|^(cvv|cvc|csc)2?$|^(card_?)?security_?code$|^track_?[12]$|^passport(_?(number|no))?$|^(identity|id)_?(card|document)(_?(number|no))?$|^national_?id$|^ssn$/i;
const holderName = /^(card_?number|passport|(identity|travel)_?documents?)$/i;

/** By the last name, or by what the last but one says of a number below it. */
function isSecret(names: readonly string[]): boolean {
  const last = names.at(-1);
  if (last === undefined) return false;
  return secretName.test(last) || (/^(number|plain_?text|value|expir)/i.test(last) && names.slice(0, -1).some((name) => holderName.test(name)));
}
