import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { FeeCase } from '../../schemas/fee-case.js';
import { type CaseResult, parseCase, runCase } from '../domain/fees/case.js';
import { caseOutput, compareCase } from '../domain/fees/case-compare.js';
import { formatExplanation } from '../domain/fees/explain.js';
import { examples, formatTable, printResult } from './output.js';

interface RateOptions {
  readonly json?: boolean;
  readonly explain?: boolean;
}

/** Of both commands: 0 all is well, 1 something differs from what a case expects, 2 a case or its tables cannot be used. */
const differs = 1;
const unusable = 2;

/** Adds the commands of `midline fees` that need files alone, no database: `rate` and `test`. */
export function registerFeeFileCommands(fees: Command): void {
  fees
    .command('rate')
    .description('rate the order of a case file against the tables it names, and print its ledger; no database')
    .argument('<case>', 'case file, YAML or JSON (docs/fees.md)')
    .option('--explain', 'tell why: tables asked, every rule with what it lacked, the arithmetic')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees rate cases/void-same-day.yaml', 'midline fees rate cases/void-same-day.yaml --explain', 'midline fees rate cases/void-same-day.yaml --json'))
    .action((file: string, options: RateOptions) => {
      const { result } = playFile(file);
      if (result.kind !== 'rated') process.exitCode = unusable;
      printResult(options.explain === true && result.kind === 'rated' ? { ...caseOutput(result), trace: result.trace } : caseOutput(result), options, () => resultText(result, options.explain === true));
    });

  fees
    .command('test')
    .description('play case files and compare each with what it expects; differences are told with their explanation')
    .argument('<case...>', 'case files, YAML or JSON (docs/fees.md)')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline fees test cases/*.yaml', 'midline fees test cases/void-same-day.yaml --json'))
    .action((files: readonly string[], options: RateOptions) => {
      const verdicts = files.map(testFile);
      process.exitCode = verdicts.some(({ invalid }) => invalid) ? unusable : verdicts.some(({ ok }) => !ok) ? differs : 0;
      printResult(verdicts, options, () => [...verdicts.map(verdictText), summaryText(verdicts)].join('\n'));
    });
}

interface Played {
  readonly feeCase: FeeCase | null;
  readonly result: CaseResult;
}

/** Tables named by the case are read beside it. */
function playFile(file: string): Played {
  const parsed = parseCase(readFileSync(file, 'utf8'));
  if ('problems' in parsed) return { feeCase: null, result: { kind: 'invalid', case: file, problems: parsed.problems } };
  return { feeCase: parsed.case, result: runCase(parsed.case, (name) => readFileSync(resolve(dirname(file), name), 'utf8')) };
}

function resultText(result: CaseResult, explained: boolean): string {
  if (result.kind !== 'rated') return [`${result.case}: ${result.kind === 'refused' ? 'the tables are refused' : 'the case is invalid'}`, ...result.problems.map((problem) => `  ${problem}`)].join('\n');
  const rows = result.standing.map((entry) => [entry.eventId, entry.kind === 'charge' ? entry.transactionType : entry.kind, entry.unit, entry.charge, entry.rule, entry.table === null ? null : `${entry.table} ${entry.version ?? ''}`, entry.net, entry.vat, entry.gross, entry.currency]);
  const ledger = formatTable(['transaction', 'type', 'unit', 'charge', 'rule', 'table', 'net', 'VAT', 'gross', ''], rows, 'No fees.');
  return explained ? `${ledger}\n\n${formatExplanation(result.trace)}` : ledger;
}

interface Verdict {
  readonly file: string;
  readonly case: string;
  readonly ok: boolean;
  readonly invalid: boolean;
  readonly differences: readonly string[];
  /** Of what came out, where it differs. */
  readonly explanation: string | null;
}

function testFile(file: string): Verdict {
  const { feeCase, result } = playFile(file);
  if (feeCase === null || result.kind === 'invalid') return { file, case: result.case, ok: false, invalid: true, differences: result.kind === 'rated' ? [] : result.problems, explanation: null };
  const differences = compareCase(feeCase, result);
  const explanation = differences.length > 0 && result.kind === 'rated' ? formatExplanation(result.trace) : null;
  return { file, case: feeCase.case, ok: differences.length === 0, invalid: false, differences, explanation };
}

function verdictText({ file, case: name, ok, differences, explanation }: Verdict): string {
  if (ok) return `✓ ${name}`;
  return [`✗ ${name} (${file})`, ...differences.map((difference) => `    ${difference}`), ...(explanation === null ? [] : [explanation.replaceAll(/^/gm, '    ')])].join('\n');
}

const summaryText = (verdicts: readonly Verdict[]): string => `${verdicts.filter(({ ok }) => ok).length} of ${verdicts.length} cases as expected`;
