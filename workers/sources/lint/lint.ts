import { type Document, isScalar, LineCounter, parseDocument } from 'yaml';
import type { SourceMapFile } from '../../../schemas/source-map.js';
import { expressionError } from '../mapping.js';
import { parseSourceMap } from '../source-map.js';
import { findingLevels, type Finding, type FindingKind } from './finding.js';
import { isFunctionName, resolve } from './scope.js';
import { checkShape } from './shape.js';
import { treeOf } from './syntax-tree.js';

/**
 * Finds what is wrong or risky in a map before it runs, in the order of its lines. Pure.
 * @param sampleFields the fields of sample records, dots for depth: then entries of `ignore` that match none of them are found; null: without samples
 */
export function lintSourceMap(text: string, origin: string, sampleFields: ReadonlySet<string> | null = null): readonly Finding[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const placeOf = createPlaces(text, document, lines);
  const findings: Finding[] = [];
  const note = (kind: FindingKind, offset: number, problem: string, remedy: string): void => {
    findings.push({ kind, level: findingLevels[kind], ...placeOf(offset), problem, remedy });
  };
  const parsed = parseSourceMap(text, origin);
  if ('map' in parsed) {
    const { map } = parsed;
    const tables = Object.keys(map.tables);
    const tree = treeOf(map.events);
    const { meanings, usedTables } = resolve(tree, tables, note);
    checkShape(tree, { ...map, saysTimeZone: document.has('timeZone') }, meanings, note);
    findings.push(...headFindings(map, usedTables, sampleFields, (path) => lineAt(document, lines, path)));
  } else {
    const syntax = syntaxFinding(document, placeOf);
    findings.push(...(syntax === undefined ? parsed.problems.map(({ field, problem, line }): Finding => ({ kind: 'wrong-map', level: 'error', line, column: null, problem: `${field} ${problem}`, remedy: 'see docs/sources.md' })) : [syntax]));
  }
  return findings.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

type PlaceOf = (offset: number) => { readonly line: number | null; readonly column: number | null };

/** Where offsets of the expression are in the file. Of a text over several lines that is not written with `|` only the line is known where it begins. */
function createPlaces(text: string, document: Document, lines: LineCounter): PlaceOf {
  const node = document.get('events', true);
  if (!isScalar(node) || typeof node.value !== 'string' || node.range == null) return () => ({ line: null, column: null });
  const [begin] = node.range;
  const { line, col } = lines.linePos(begin);
  const expression = node.value;
  if (node.type === 'BLOCK_LITERAL') {
    const rows = text.split('\n');
    const first = rows.findIndex((row, index) => index >= line && row.trim() !== '');
    const indent = /^ */.exec(rows[first] ?? '')?.[0].length ?? 0;
    return (offset) => {
      const before = expression.slice(0, offset).split('\n');
      return { line: line + before.length, column: indent + (before.at(-1)?.length ?? 0) + 1 };
    };
  }
  const quote = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE' ? 1 : 0;
  return expression.includes('\n') ? () => ({ line, column: null }) : (offset) => ({ line, column: col + quote + offset });
}

/** An expression that does not compile, with line and column. */
function syntaxFinding(document: Document, placeOf: PlaceOf): Finding | undefined {
  const events = document.errors.length > 0 ? undefined : document.get('events');
  const error = typeof events === 'string' ? expressionError(events) : undefined;
  if (error === undefined) return undefined;
  return { kind: 'syntax', level: 'error', ...placeOf(error.offset), problem: `events is no JSONata: ${error.message}`, remedy: 'see docs.jsonata.org' };
}

function headFindings({ tables, ignore }: SourceMapFile, usedTables: ReadonlySet<string>, sampleFields: ReadonlySet<string> | null, lineOf: (path: readonly (string | number)[]) => number | null): readonly Finding[] {
  const finding = (kind: FindingKind, path: readonly (string | number)[], problem: string, remedy: string): Finding => ({ kind, level: findingLevels[kind], line: lineOf(path), column: null, problem, remedy });
  return [
    ...Object.keys(tables).flatMap((name) => [
      ...(usedTables.has(name) ? [] : [finding('unused-table', ['tables', name], `the table ${name} is never used`, `use it with $lookup($${name}, …), or take it out`)]),
      ...(isFunctionName(name) ? [finding('table-hides-function', ['tables', name], `the table ${name} has the name of the function $${name}, and one hides the other`, 'give it another name')] : []),
    ]),
    ...ignore.flatMap((field, index) => {
      const wider = ignore.find((other, place) => place !== index && (field.startsWith(`${other}.`) || (field === other && place < index)));
      if (wider !== undefined) return [finding('unused-ignore', ['ignore', index], `${field} is ignored already by ${wider}`, 'take it out')];
      const isThere = sampleFields === null || [...sampleFields].some((known) => known === field || known.startsWith(`${field}.`));
      return isThere ? [] : [finding('unused-ignore', ['ignore', index], `no sample has a field ${field}`, 'look for a typing error, or take it out')];
    }),
  ];
}

function lineAt(document: Document, lines: LineCounter, path: readonly (string | number)[]): number | null {
  const node: unknown = document.getIn(path, true);
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range) && typeof node.range[0] === 'number' ? lines.linePos(node.range[0]).line : null;
}
