import { parse as parseCsv } from 'csv-parse/sync';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Document } from 'yaml';
import { aliasProblem } from '../yaml-aliases.js';

/** Plain data as a file writes it: numbers are their text, so that no amount passes through a float. */
export type Plain = string | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

export type Path = readonly (string | number)[];

interface SourceProblem {
  readonly path: Path;
  readonly allowed: string;
  readonly line: number | null;
}

/** A file's data, where each part stands, and what is wrong with the text itself. */
export interface SourceText {
  readonly value: Plain;
  /** Line of the field at a path, else of the nearest part around it; from 1. */
  readonly lineOf: (path: Path) => number | null;
  readonly problems: readonly SourceProblem[];
}

const deepest = 60;

/** Reads YAML 1.2 (core schema) or JSON: a key written twice is a problem, `NO` and `09:00` are text, `on` is a key. */
export function readYaml(text: string): SourceText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', schema: 'core', prettyErrors: false });
  const problems: SourceProblem[] = document.errors.map((error) => ({ path: [], allowed: syntaxText(error.code, error.message), line: lines.linePos(error.pos[0]).line }));
  const wrongAlias = aliasProblem(document);
  if (wrongAlias !== undefined) problems.push({ path: [], allowed: `readable text: ${wrongAlias.problem}`, line: lineOfNode(wrongAlias.alias, lines) });
  const value = wrongAlias !== undefined || (problems.length > 0 && document.contents === null) ? null : plainOf(document.contents, document, [], (path, allowed, node) => problems.push({ path, allowed, line: lineOfNode(node, lines) }));
  return { value, problems, lineOf: (path) => lineOfPath(document, path, lines) };
}

/** JSON is read as the YAML that it is; tabs are only space between its tokens. */
export const readJson = (text: string): SourceText => readYaml(text.replaceAll('\t', ' '));

const syntaxText = (code: string, message: string): string => (code === 'DUPLICATE_KEY' ? 'each key once: this one is written twice' : `readable text: ${message}`);

type Report = (path: Path, allowed: string, node: Node) => void;

function plainOf(node: unknown, document: Document, path: Path, report: Report): Plain {
  if (path.length > deepest) return null;
  if (isAlias(node)) return plainOf(node.resolve(document), document, path, report);
  if (isSeq(node)) return node.items.map((item, index) => plainOf(item, document, [...path, index], report));
  if (isMap(node)) {
    return Object.fromEntries(node.items.map(({ key, value }) => {
      const name = keyText(key);
      return [name, plainOf(value, document, [...path, name], report)] as const;
    }));
  }
  if (!isScalar(node)) return null;
  if (typeof node.value === 'number' || typeof node.value === 'bigint') return numberText(node.source ?? String(node.value), (allowed) => report(path, allowed, node));
  return typeof node.value === 'boolean' || typeof node.value === 'string' ? node.value : null;
}

const keyText = (key: unknown): string => (isScalar(key) ? (key.source ?? String(key.value)) : String(key));

/** `007` would be the number 7: whoever means the code writes it in quotes. */
function numberText(source: string, report: (allowed: string) => void): string {
  if (/^[-+]?0\d/.test(source)) report(`the code in quotes ("${source}"), or the number without leading zeros`);
  return source;
}

function lineOfNode(node: unknown, lines: LineCounter): number | null {
  return (isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) && node.range != null ? lines.linePos(node.range[0]).line : null;
}

function lineOfPath(document: Document, path: Path, lines: LineCounter): number | null {
  let node: unknown = document.contents;
  let line = lineOfNode(node, lines);
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => keyText(key) === String(step));
      if (pair === undefined) break;
      line = lineOfNode(pair.key, lines) ?? line;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      line = lineOfNode(node, lines) ?? line;
    } else break;
  }
  return line;
}

/**
 * Reads rules from CSV rows: one column a field, dots for depth (`when.price.from`, `amount.bands.1.upTo`), lists by `|`, an empty cell is absent.
 * The head of the table stands above the rows as YAML behind `#`.
 */
export function readCsv(text: string): SourceText {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const isHead = (line: string): boolean => /^"?#/.test(line);
  const head = readYaml(lines.map((line) => (isHead(line) ? headText(line) : '')).join('\n'));
  const rows = readRows(lines.map((line) => (isHead(line) ? '' : line)).join('\n'));
  if ('problem' in rows) return { value: head.value, problems: [...head.problems, rows.problem], lineOf: head.lineOf };
  const [columns, ...records] = rows.records;
  const rules = records.map(({ cells }) => ruleOf(columns?.cells ?? [], cells));
  const value = isRecord(head.value) ? { ...head.value, ...(rules.length === 0 ? {} : { rules }) } : { rules };
  return {
    value, problems: head.problems,
    lineOf: (path) => (path[0] === 'rules' && typeof path[1] === 'number' ? (records[path[1]]?.line ?? null) : head.lineOf(path)),
  };
}

/** Spreadsheets quote such a line, and pad it with empty cells. */
function headText(line: string): string {
  const quoted = /^"((?:[^"]|"")*)"/.exec(line)?.[1]?.replaceAll('""', '"');
  return (quoted ?? line.replace(/[,;]+$/, '')).replace(/^# ?/, '');
}

const isRecord = (value: Plain): value is { readonly [key: string]: Plain } => typeof value === 'object' && value !== null && !Array.isArray(value);

interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

function readRows(text: string): { readonly records: readonly Row[] } | { readonly problem: SourceProblem } {
  const header = text.split('\n').find((line) => line.trim() !== '') ?? '';
  const records: Row[] = [];
  try {
    parseCsv(text, {
      delimiter: header.includes(';') && !header.includes(',') ? ';' : ',', relax_column_count: true, skip_empty_lines: true, skip_records_with_empty_values: true, trim: true,
      on_record: (record: string[], { lines }: { readonly lines: number }) => {
        records.push({ cells: record, line: lines });
        return null;
      },
    });
    return { records };
  } catch (error) {
    return { problem: { path: ['rules'], allowed: `readable rows: ${error instanceof Error ? error.message : String(error)}`, line: null } };
  }
}

/** Cells of these columns are one text, whatever they hold. */
const texts = new Set(['id', 'name', 'when.hours', 'when.outsideHours']);

interface Branch {
  readonly children: Map<string, Branch | Plain>;
}

function ruleOf(columns: readonly string[], cells: readonly string[]): Plain {
  const root: Branch = { children: new Map() };
  cells.forEach((cell, index) => {
    const column = columns[index] ?? `column ${index + 1}`;
    if (cell !== '') plant(root, column.split('.'), !texts.has(column) && cell.includes('|') ? cell.split('|').map((part) => part.trim()) : cell);
  });
  return harvest(root);
}

function plant({ children }: Branch, [step = '', ...rest]: readonly string[], value: Plain): void {
  if (rest.length === 0) {
    children.set(step, value);
    return;
  }
  const known = children.get(step);
  const branch: Branch = isBranch(known) ? known : { children: new Map() };
  children.set(step, branch);
  plant(branch, rest, value);
}

const isBranch = (value: Branch | Plain | undefined): value is Branch => typeof value === 'object' && value !== null && 'children' in value && value.children instanceof Map;

/** Branches whose steps count from 1 are lists. */
function harvest({ children }: Branch): Plain {
  const entries = [...children].map(([step, value]) => [step, isBranch(value) ? harvest(value) : value] as const);
  if (entries.every(([step]) => /^[1-9]\d*$/.test(step))) return entries.sort(([left], [right]) => Number(left) - Number(right)).map(([, value]) => value);
  return Object.fromEntries(entries);
}
