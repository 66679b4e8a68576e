import { formatTable } from '../workers/cli/output.js';
import type { PersistRun } from './persist.js';
import type { BenchResult, WayRun } from './run.js';
import { spreadOf, type Spread } from './statistics.js';
import type { Steady } from './steady.js';

/** One way over all its runs: medians, and for the speed the range too. */
export interface WaySummary {
  readonly way: string;
  readonly perSecond: Spread;
  /** Microseconds of CPU time per event, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Of all processes together; null where nothing could be read. */
  readonly cpuTotal: number | null;
  /** Microseconds per event between begin and end of a step. */
  readonly steps: Readonly<Record<string, number>>;
  /** Rows inserted or updated per event. */
  readonly rows: number;
}

/** The ways in the order in which they ran. */
export function summarize({ runs }: Pick<BenchResult, 'runs'>): readonly WaySummary[] {
  return [...new Set(runs.map(({ way }) => way))].map((way) => summaryOf(way, runs.filter((run) => run.way === way)));
}

function summaryOf(way: string, runs: readonly WayRun[]): WaySummary {
  const cpu = mediansOf(runs.map((run) => run.cpu));
  const parts = Object.values(cpu);
  return {
    way, perSecond: spreadOf(runs.map(({ perSecond }) => perSecond)),
    cpu, cpuTotal: parts.length === 0 ? null : parts.reduce((sum, part) => sum + part, 0),
    steps: mediansOf(runs.map((run) => run.steps)),
    rows: spreadOf(runs.map(({ rows }) => rows.reduce((sum, { inserted, updated }) => sum + inserted + updated, 0))).median,
  };
}

function mediansOf(records: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
  return Object.fromEntries(names.map((name) => [name, spreadOf(records.flatMap((record) => record[name] ?? [])).median]));
}

/** Everything for people: tables and a sentence for what has none. */
export function reportText(result: BenchResult): string {
  const ways = summarize(result);
  return [
    machineText(result), '',
    ...(ways.length > 0 ? [speedTable(ways), '', cpuTable(ways, result.machine.cores), '', stepTable(ways), ''] : []),
    ...(result.persist.length > 0 ? [persistTable(result.persist), ''] : []),
    ...(result.steady === null ? [] : [steadyText(result.steady), '']),
    ...(result.long === null ? [] : [longText(result), '']),
  ].join('\n').trimEnd();
}

function machineText({ machine, settings, eventBytes }: BenchResult): string {
  const { cpu, cores, memoryGiB, system, loadBefore, versions } = machine;
  return [
    `${cores} cores (${cpu}), ${memoryGiB} GiB, ${system}; load before: ${loadBefore.toFixed(2)}${loadBefore > 0.5 ? ' (somebody else was at work: compare, but do not quote)' : ''}`,
    Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', '),
    `${settings.runs} runs of ${settings.events} events (${eventBytes.avro} B Avro, ${eventBytes.json} B JSON), ${settings.runUp} before each to warm up, ${settings.customers} customers, ${settings.history} earlier events`,
  ].join('\n');
}

function speedTable(ways: readonly WaySummary[]): string {
  const naive = ways.filter(({ way }) => way.startsWith('naive'));
  return formatTable(
    ['way', 'events/s', 'range', ...naive.map(({ way }) => `× ${way}`)],
    ways.map(({ way, perSecond }) => [way, Math.round(perSecond.median), rangeText(perSecond), ...naive.map((other) => decimals(perSecond.median / other.perSecond.median, 2))]),
  );
}

/** What all cores could do if nothing waited: the ceiling that the speed is compared with. */
function cpuTable(ways: readonly WaySummary[], cores: number): string {
  const processes = [...new Set(ways.flatMap(({ cpu }) => Object.keys(cpu)))];
  return formatTable(
    ['CPU µs/event', ...processes, 'all', 'rows/event', 'µs/row', 'ceiling events/s', 'reached'],
    ways.map(({ way, cpu, cpuTotal, rows, perSecond }) => {
      const ceiling = cpuTotal === null ? null : (cores * 1e6) / cpuTotal;
      return [
        way, ...processes.map((name) => (cpu[name] === undefined ? '' : Math.round(cpu[name]))), cpuTotal === null ? '' : Math.round(cpuTotal), decimals(rows, 1),
        cpuTotal === null ? '' : decimals(cpuTotal / rows, 1), ceiling === null ? '' : Math.round(ceiling), ceiling === null ? '' : `${Math.round((perSecond.median / ceiling) * 100)} %`,
      ];
    }),
  );
}

function stepTable(ways: readonly WaySummary[]): string {
  const counted = ways.filter(({ steps }) => Object.keys(steps).length > 0);
  const names = [...new Set(counted.flatMap(({ steps }) => Object.keys(steps)))];
  return formatTable(
    ['step, µs/event from begin to end', ...counted.map(({ way }) => way)],
    names.map((name) => [name, ...counted.map(({ steps }) => decimals(steps[name] ?? 0, 1))]), 'No steps were counted.',
  );
}

function persistTable(runs: readonly PersistRun[]): string {
  const laneCounts = [...new Set(runs.map(({ lanes }) => lanes))];
  return formatTable(['only writing new bookings', 'events/s', 'range', 'rows/s', '× COPY'], laneCounts.flatMap((lanes) => {
    const copy = spreadOf(perSecondOf(runs, 'copy', lanes));
    return (['settlement', 'copy'] as const).map((way) => {
      const speed = spreadOf(perSecondOf(runs, way, lanes));
      const rows = spreadOf(runs.filter((run) => run.way === way && run.lanes === lanes).map(({ rowsPerSecond }) => rowsPerSecond));
      return [`${way === 'copy' ? 'COPY into the tables' : 'one statement a batch'}, ${lanes} ${lanes === 1 ? 'lane' : 'lanes'}`, Math.round(speed.median), rangeText(speed), Math.round(rows.median), decimals(speed.median / copy.median, 2)];
    });
  }));
}

const perSecondOf = (runs: readonly PersistRun[], way: PersistRun['way'], lanes: number): readonly number[] => runs.filter((run) => run.way === way && run.lanes === lanes).map(({ perSecond }) => perSecond);

const steadyText = ({ rate, events, p50, p90, p99, most }: Steady): string =>
  `Steady load of ${rate} events/s, ${events} events, from publishing to the job in the queue: p50 ${Math.round(p50)} ms, p90 ${Math.round(p90)} ms, p99 ${Math.round(p99)} ms, most ${Math.round(most)} ms`;

function longText({ long, settings }: BenchResult): string {
  if (long === null) return '';
  const { memory, quarters } = long;
  return [
    `Long run of ${long.events} events (${settings.lanes[0] ?? 2} lanes): ${Math.round(long.perSecond)} events/s; first quarter ${Math.round(quarters.first)}, last quarter ${Math.round(quarters.last)} (× ${(quarters.last / quarters.first).toFixed(2)})`,
    ...(memory === null ? [] : [`Memory of the ingest process: first quarter ${Math.round(memory.first)} MiB, last quarter ${Math.round(memory.last)} MiB, most ${Math.round(memory.most)} MiB`]),
  ].join('\n');
}

const rangeText = ({ low, high }: Spread): string => `${Math.round(low)}–${Math.round(high)}`;

const decimals = (value: number, digits: number): string => value.toFixed(digits);
