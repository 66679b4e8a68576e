import { type Command, InvalidArgumentError } from 'commander';
import type { BenchSettings } from '../../bench/settings.js';
import { localEnvironment } from '../../services/local.js';
import { examples, printResult } from './output.js';
import { wholeNumber } from './arguments.js';

interface BenchOptions {
  readonly quick?: boolean;
  readonly runs?: number;
  readonly events?: number;
  readonly customers?: number;
  readonly lanes: readonly number[];
  readonly long?: number;
  readonly rate?: number;
  readonly only?: BenchSettings['only'];
  readonly profile?: string;
  readonly json?: boolean;
}

const whole = { runs: 5, events: 30_000, customers: 300_000, longEvents: 200_000 };
const quick = { runs: 1, events: 6_000, customers: 20_000, longEvents: 0 };

/** `midline bench` */
export function registerBench(program: Command): void {
  const bench = program
    .command('bench')
    .description('measure the pipeline against a naive consumer on the same broker, and against what Postgres can do at best')
    .option('--quick', 'one short run of everything, within two minutes')
    .option('--runs <n>', `of every way, taken in turns (${whole.runs})`, wholeNumber)
    .option('--events <n>', `of a run (${whole.events})`, wholeNumber)
    .option('--customers <n>', `in the customer master (${whole.customers})`, wholeNumber)
    .option('--lanes <list>', 'partitions that the ingest process handles at once; each number is measured', lanes, [2, 4])
    .option('--long <n>', `events of the long run at the end, 0 for none (${whole.longEvents})`, wholeNumber)
    .option('--rate <n>', 'events a second of the steady load; left out: three times what the naive consumer does', wholeNumber)
    .option('--only <what>', 'naive, pipeline or persist', only)
    .option('--profile <folder>', "write Node's CPU profiles of the pipeline there")
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline bench --quick', 'midline bench --runs 3 --events 50000', 'midline bench --only pipeline --lanes 2 --runs 1 --profile profiles'))
    .action(async ({ json, ...options }: BenchOptions) => {
      const { runBench, saveResult } = await import('../../bench/run.js');
      const { reportText, summarize } = await import('../../bench/report.js');
      const say = (text: string): void => { process.stderr.write(`${text}\n`); };
      const result = await runBench(settingsOf(options), ownServers(), say);
      const file = await saveResult(result);
      printResult({ ...result, summary: summarize(result), file }, { json }, () => `${reportText(result)}\n\nWritten to ${file}`);
    });
  registerBenchFees(bench);
}

function registerBenchFees(bench: Command): void {
  bench
    .command('fees')
    .description('measure how many fee points a second midline, json-rules-engine and @gorules/zen-engine decide by the same rules; no server')
    .option('--rules <n>', 'of the fee table', wholeNumber, 1_000)
    .option('--points <n>', 'items that are charged', wholeNumber, 2_000)
    .option('--rounds <n>', 'of all engines, taken in turns', wholeNumber, 5)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline bench fees', 'midline bench fees --rules 100 --rounds 1'))
    .action(async ({ json, ...settings }: { readonly json?: boolean; readonly rules: number; readonly points: number; readonly rounds: number }) => {
      const { benchFees, saveFeeBench } = await import('../../bench/fees/run.js');
      const { feeReportText } = await import('../../bench/fees/report.js');
      const result = await benchFees({ ...settings, seed: 1 }, (text) => { process.stderr.write(`${text}\n`); });
      const file = await saveFeeBench(result);
      printResult({ ...result, file }, { json }, () => `${feeReportText(result)}\n\nWritten to ${file}`);
    });
}

function settingsOf({ quick: isQuick = false, runs, events, customers, lanes: laneCounts, long, rate, only: part, profile }: Omit<BenchOptions, 'json'>): BenchSettings {
  const defaults = isQuick ? quick : whole;
  const measured = events ?? defaults.events;
  return {
    seed: 1, events: measured, runUp: Math.ceil(measured / 4), history: Math.ceil(measured * 2 / 3), persistEvents: measured, lanes: laneCounts, only: part ?? null, profileFolder: profile ?? null,
    runs: runs ?? defaults.runs, customers: customers ?? defaults.customers, longEvents: long ?? defaults.longEvents, rate: rate ?? null,
  };
}

/** The addresses of servers of the user's own. The set that `midline services up` keeps is none: it holds data, and what is measured wants empty servers. */
function ownServers(): NodeJS.ProcessEnv {
  const kept = localEnvironment();
  return Object.fromEntries(Object.entries(process.env).filter(([name, value]) => kept[name] === undefined || kept[name] !== value));
}

function lanes(text: string): readonly number[] {
  return text.split(',').map((part) => Math.max(1, wholeNumber(part.trim())));
}

function only(text: string): BenchSettings['only'] {
  if (text === 'naive' || text === 'pipeline' || text === 'persist') return text;
  throw new InvalidArgumentError('Naive, pipeline or persist can be measured alone.');
}
