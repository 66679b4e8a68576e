import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { parseSync } from '@swc/core';

/** One import of a file: static, dynamic, re-export or type; `names` are the imported ones, where they are named. */
export interface Import {
  readonly from: string;
  /** A path of the project for a relative one, else the specifier. */
  readonly to: string;
  readonly names: readonly string[];
}

export interface ParsedFile {
  readonly path: string;
  readonly imports: readonly Import[];
  /** What reads clock, chance, environment or network without an import. */
  readonly impurities: readonly string[];
}

/** All TypeScript files of the folders, as paths from the root. */
export function sourceFiles(root: string, folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.[cm]?tsx?$/.test(file))
      .map((file) => posix.join(folder, file)),
  );
}

export const parseFile = (root: string, path: string): ParsedFile => parseSource(path, readFileSync(join(root, path), 'utf8'));

export function parseSource(path: string, source: string): ParsedFile {
  const imports: Import[] = [];
  const impurities: string[] = [];
  for (const node of nodesOf(parseSync(source, { syntax: 'typescript', target: 'es2022' }))) {
    const found = importOf(node);
    if (found !== null) imports.push({ from: path, to: resolved(path, found.to), names: found.names });
    const impurity = impurityOf(node);
    if (impurity !== null) impurities.push(impurity);
  }
  return { path, imports, impurities };
}

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** The syntax tree, node by node; names of properties and types are no uses of globals, so those are left out. */
function* nodesOf(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const each of value) yield* nodesOf(each);
  if (!isNode(value) || Array.isArray(value)) return;
  yield value;
  for (const [name, child] of Object.entries(value)) {
    const isName = (name === 'property' && isNode(child) && child['type'] === 'Identifier') || (name === 'key' && isNode(child) && child['type'] === 'Identifier');
    if (!isName) yield* nodesOf(child);
  }
}

/** A path that is put together at run time is an import of `?`: nobody can say where it leads. */
function importOf(node: Node): { readonly to: string; readonly names: readonly string[] } | null {
  const { type } = node;
  if ((type === 'ImportDeclaration' || type === 'ExportNamedDeclaration' || type === 'ExportAllDeclaration') && isNode(node['source'])) {
    return { to: textOf(node['source']), names: namesOf(node['specifiers']) };
  }
  if (type === 'TsImportType') return { to: textOf(node['argument']), names: [] };
  if (type === 'CallExpression' && isNode(node['callee']) && (node['callee']['type'] === 'Import' || node['callee']['value'] === 'require')) {
    const [argument] = Array.isArray(node['arguments']) ? (node['arguments'] as readonly unknown[]) : [];
    return { to: textOf(isNode(argument) ? argument['expression'] : undefined), names: [] };
  }
  return null;
}

const textOf = (node: unknown): string => (isNode(node) && node['type'] === 'StringLiteral' && typeof node['value'] === 'string' ? node['value'] : '?');

function namesOf(specifiers: unknown): readonly string[] {
  if (!Array.isArray(specifiers)) return ['*'];
  return specifiers.map((specifier: unknown) => {
    const name = isNode(specifier) ? (specifier['imported'] ?? specifier['orig'] ?? (specifier['type'] === 'ImportSpecifier' ? specifier['local'] : undefined)) : undefined;
    return isNode(name) && typeof name['value'] === 'string' ? name['value'] : '*';
  });
}

const resolved = (from: string, to: string): string => (to.startsWith('.') ? posix.join(posix.dirname(from), to).replace(/\.js$/, '.ts') : to);

const impureGlobals = new Set(['process', 'performance', 'crypto', 'fetch', 'console', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'globalThis']);
const impureMembers = new Set(['Date.now', 'Math.random', 'DateTime.now', 'Temporal.Now']);

function impurityOf(node: Node): string | null {
  const { type } = node;
  if (type === 'Identifier' && typeof node['value'] === 'string' && impureGlobals.has(node['value'])) return node['value'];
  if (type === 'MetaProperty') return 'import.meta';
  if (type === 'MemberExpression' && isNode(node['object']) && isNode(node['property'])) {
    const member = `${String(node['object']['value'])}.${String(node['property']['value'])}`;
    return impureMembers.has(member) ? member : null;
  }
  if ((type === 'NewExpression' || type === 'CallExpression') && isNode(node['callee']) && node['callee']['value'] === 'Date') {
    const given = Array.isArray(node['arguments']) ? node['arguments'].length : 0;
    if (type === 'CallExpression' || given === 0) return type === 'CallExpression' ? 'Date()' : 'new Date()';
  }
  if (type === 'CallExpression' && isNode(node['callee']) && node['callee']['type'] === 'MemberExpression') {
    const { object, property } = node['callee'];
    const call = isNode(object) && isNode(property) ? `${String(object['value'])}.${String(property['value'])}` : '';
    const given = Array.isArray(node['arguments']) ? node['arguments'].length : 0;
    if ((call === 'DateTime.local' || call === 'DateTime.utc') && given === 0) return `${call}()`;
  }
  return null;
}
