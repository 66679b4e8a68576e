import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { parseSourceCases, runSourceCase, type CaseVerdict } from '../sources/source-cases.js';
import type { Finding } from '../sources/lint/finding.js';
import { lintSourceMap } from '../sources/lint/lint.js';
import { readRecords } from '../sources/read-records.js';
import { loadSourceMap, parseSourceMap, readSourceMap } from '../sources/source-map.js';
import { unpack } from '../sources/unpack.js';
import { fieldsOf } from '../sources/unread-fields.js';
import { examples, printResult } from './output.js';

interface JsonOption {
  readonly json?: boolean;
}

/** Adds the commands of `midline sources` that need files alone, no server: `test` and `lint`. */
export function registerSourceFileCommands(sources: Command): void {
  sources
    .command('test')
    .description('play files of map tests: what a partner sends, and the events that must come out; exit code 1 where something differs')
    .argument('<file...>', 'map tests, YAML or JSON (docs/sources.md)')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline sources test our-crs.cases.yaml', 'midline sources test cases/*.yaml --json'))
    .action(async (files: readonly string[], options: JsonOption) => {
      const results: FileResult[] = [];
      for (const file of files) results.push(await testFile(file));
      if (results.some((result) => result.problems.length > 0 || result.cases.some(({ differences }) => differences.length > 0))) process.exitCode = 1;
      printResult(results, options, () => [...results.flatMap(resultLines), summaryText(results)].join('\n'));
    });

  sources
    .command('lint')
    .description('find what is wrong or risky in maps before they run; exit code 1 where something is an error, not for warnings alone')
    .argument('<map...>', 'shipped maps by name, or paths of map files')
    .option('--sample <file...>', 'files in the format of the maps: then entries of ignore that match no field of them are found')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline sources lint ./our-crs.yaml', 'midline sources lint ./our-crs.yaml --sample export.csv', 'midline sources lint hotel-pms --json'))
    .action(async (names: readonly string[], options: LintOptions) => {
      const results: LintResult[] = [];
      for (const map of names) results.push({ map, findings: lintSourceMap(await readSourceMap(map), map, await sampleFields(map, options.sample ?? [])) });
      const findings = results.flatMap((result) => result.findings);
      const errors = findings.filter(({ level }) => level === 'error').length;
      if (errors > 0) process.exitCode = 1;
      printResult(results, options, () => [...results.flatMap(findingLines), `${errors} errors, ${findings.length - errors} warnings in ${names.length} ${names.length === 1 ? 'map' : 'maps'}`].join('\n'));
    });
}

interface LintOptions extends JsonOption {
  readonly sample?: readonly string[];
}

interface LintResult {
  readonly map: string;
  readonly findings: readonly Finding[];
}

/** The fields of all sample records; null without samples, or where the map is too wrong to read them. */
async function sampleFields(name: string, files: readonly string[]): Promise<ReadonlySet<string> | null> {
  if (files.length === 0) return null;
  const parsed = parseSourceMap(await readSourceMap(name), name);
  if ('problems' in parsed) return null;
  const fields = new Set<string>();
  for (const file of files) {
    for await (const { bytes } of unpack(file, createReadStream(file))) {
      for await (const record of readRecords(bytes, parsed.map)) if ('value' in record) for (const field of fieldsOf(record.value)) fields.add(field);
    }
  }
  return fields;
}

const findingLines = ({ map, findings }: LintResult): readonly string[] =>
  findings.map(({ kind, level, line, column, problem, remedy }) => `${map}${line === null ? '' : `:${line}`}${column === null ? '' : `:${column}`}: ${level}: ${problem}; ${remedy} [${kind}]`);

interface FileResult {
  readonly file: string;
  /** Why the file cannot be played. */
  readonly problems: readonly string[];
  readonly cases: readonly CaseVerdict[];
}

/** A map and samples that a case file names by path are looked for beside it. */
async function testFile(file: string): Promise<FileResult> {
  const parsed = parseSourceCases(await readFile(file, 'utf8'));
  if ('problems' in parsed) return { file, problems: parsed.problems, cases: [] };
  const { map: name, cases } = parsed.cases;
  const beside = (path: string): string => resolve(dirname(file), path);
  const map = await loadSourceMap(/^[\w-]+$/.test(name) ? name : beside(name));
  const verdicts: CaseVerdict[] = [];
  for (const one of cases) verdicts.push(await runSourceCase(map, one, (path) => createReadStream(beside(path))));
  return { file, problems: [], cases: verdicts };
}

const resultLines = ({ file, problems, cases }: FileResult): readonly string[] => [
  ...problems.map((problem) => `✗ ${file}: ${problem}`),
  ...cases.map(({ case: name, differences }) => (differences.length === 0 ? `✓ ${name}` : [`✗ ${name} (${file})`, ...differences.map((difference) => `    ${difference}`)].join('\n'))),
];

function summaryText(results: readonly FileResult[]): string {
  const verdicts = results.flatMap(({ cases }) => cases);
  return `${verdicts.filter(({ differences }) => differences.length === 0).length} of ${verdicts.length} cases as expected`;
}
