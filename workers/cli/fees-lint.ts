import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { FeeTable } from '../../schemas/fee-table.js';
import { FeeTableRefused, problemCount, showFeeTable } from '../actions/fee-tables.js';
import { formatOf } from '../domain/fees/case.js';
import { checkFeeTable } from '../domain/fees/check-references.js';
import { tableDifferences, type TableDifference } from '../domain/fees/difference.js';
import type { FeeFinding } from '../domain/fees/lint/finding.js';
import { lintFeeTable } from '../domain/fees/lint/lint.js';
import { lineFinder, parseFeeTable, problemText } from '../domain/fees/parse.js';
import { wholeNumber } from './arguments.js';
import { withDatabase } from './connect.js';
import { readTable } from './fees-tables.js';
import { examples, printResult } from './output.js';

interface JsonOption {
  readonly json?: boolean;
}

/** Of both commands: 0 nothing, 1 something was found or differs; of lint 2: a file cannot be used. */
const found = 1;
const unusable = 2;

export function registerLint(fees: Command): void {
  fees
    .command('lint')
    .description('find rules that never win, ties, exemptions that are beaten, unreachable bands, contradictions and unknown codes; no database. Exit code 1: something was found, 2: a file is no fee table')
    .argument('<file...>', 'fee tables: YAML, JSON or CSV; with the tables that they extend')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees lint corporate-2027.yaml', 'midline fees lint standard.yaml berlin.yaml --json'))
    .action(async (files: readonly string[], options: JsonOption) => {
      const read = await Promise.all(files.map(readForLint));
      const byName = new Map(read.flatMap(({ table }) => (table === null ? [] : [[table.feeTable, table] as const])));
      const results = read.map((one) => lintOne(one, byName));
      process.exitCode = results.some(({ problems }) => problems.length > 0) ? unusable : results.some(({ findings }) => findings.length > 0) ? found : 0;
      printResult(results, options, () => results.map(lintText).join('\n'));
    });
}

interface Read {
  readonly file: string;
  readonly text: string;
  readonly table: FeeTable | null;
  readonly problems: readonly string[];
}

async function readForLint(file: string): Promise<Read> {
  const text = await readFile(file, 'utf8');
  const parsed = parseFeeTable(text, formatOf(file), basename(file));
  return 'table' in parsed ? { file, text, table: parsed.table, problems: [] } : { file, text, table: null, problems: parsed.problems.map(problemText) };
}

interface Linted {
  readonly file: string;
  readonly problems: readonly string[];
  readonly findings: readonly (FeeFinding & { readonly line: number | null })[];
}

function lintOne({ file, text, table, problems }: Read, byName: ReadonlyMap<string, FeeTable>): Linted {
  if (table === null) return { file, problems, findings: [] };
  const wrong = checkFeeTable(table, { base: (name) => byName.get(name) ?? null });
  if (wrong.length > 0) return { file, problems: wrong.map(({ field, ...problem }) => `${problemText({ ...problem, field })}${field === 'extends' ? '; give its file too' : ''}`), findings: [] };
  const bases: FeeTable[] = [];
  for (let next = table.extends; next !== undefined; next = bases.at(-1)?.extends) {
    const base = byName.get(next);
    if (base === undefined) break;
    bases.push(base);
  }
  const lineOf = lineFinder(text, formatOf(file));
  return { file, problems: [], findings: lintFeeTable(table, bases).map((finding) => ({ ...finding, line: lineOf(finding.rule, finding.field) })) };
}

function lintText({ file, problems, findings }: Linted): string {
  if (problems.length > 0) return [`${file} has ${problemCount(problems)}:`, ...problems.map((problem) => `  ${problem}`)].join('\n');
  return findings.length === 0 ? `${file}: nothing found` : findings.map(({ kind, level, rule, field, line, problem, remedy }) =>
    `${file}${line === null ? '' : `:${line}`}: ${level}: ${rule === null ? field : `rule ${rule}, ${field}`}: ${problem}; ${remedy} [${kind}]`).join('\n');
}

export function registerDiff(fees: Command): void {
  fees
    .command('diff')
    .description('what one version of a fee table says otherwise than another. Exit code 1: they differ')
    .argument('<table>', 'name of the fee table, or a file')
    .argument('[other]', 'another file, to compare two files without a database')
    .option('--from <number>', 'the earlier version (else the newest approved one, or the one before the other)', wholeNumber)
    .option('--to <number>', 'the later version (else the newest); not with a file', wholeNumber)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees diff corporate-2027', 'midline fees diff corporate-2027 --from 1 --to 3', 'midline fees diff corporate-2027.yaml', 'midline fees diff old.yaml new.yaml'))
    .action(async (table: string, other: string | undefined, { from, to, json }: JsonOption & { readonly from?: number; readonly to?: number }) => {
      const [before, after] = other === undefined ? await storedPair(table, from, to) : [await fromFile(table), await fromFile(other)];
      const differences = tableDifferences(before.table, after.table);
      if (differences.length > 0) process.exitCode = found;
      printResult({ before: before.name, after: after.name, differences }, { json }, () => [`${before.name} → ${after.name}: ${differences.length === 0 ? 'no difference' : ''}`.trim(), ...differences.map(differenceText)].join('\n'));
    });
}

interface Side {
  readonly name: string;
  readonly table: FeeTable;
}

const isFile = (name: string): boolean => /\.(ya?ml|json|csv)$/i.test(name);

const fromFile = async (file: string): Promise<Side> => ({ name: file, table: (await readTable(file)).table });

async function storedPair(name: string, from: number | undefined, to: number | undefined): Promise<readonly [Side, Side]> {
  const file = isFile(name) ? await fromFile(name) : null;
  const { versions } = await withDatabase((database) => showFeeTable(database, file?.table.feeTable ?? name));
  const side = (version: (typeof versions)[number] | undefined, missing: string): Side => {
    if (version === undefined) throw new FeeTableRefused(missing);
    return { name: `${version.table} version ${version.version}${version.state === 'draft' ? ' (draft)' : ''}`, table: version.definition };
  };
  const later = to === undefined ? versions[0] : versions.find(({ version }) => version === to);
  const after = file ?? side(later, `fee table ${name} has no version ${to}`);
  const earlier = versions.filter(({ version }) => file !== null || version < (later?.version ?? 0));
  const before = from === undefined ? (earlier.find(({ state }) => state === 'approved') ?? earlier[0]) : versions.find(({ version }) => version === from);
  return [side(before, from === undefined ? `fee table ${after.table.feeTable} has no earlier version to compare with` : `fee table ${name} has no version ${from}`), after];
}

function differenceText({ part, change, field, before, after }: TableDifference): string {
  switch (change) {
    case 'added': return `+ ${part} ${after ?? ''}`;
    case 'removed': return `- ${part} ${before ?? ''}`;
    default: return `~ ${part}${field === null ? '' : ` ${field}`}: ${before ?? '(nothing)'} → ${after ?? '(nothing)'}`;
  }
}
