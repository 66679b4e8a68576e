import { formatTable } from '../../workers/cli/output.js';
import type { FeeBenchResult } from './run.js';

/** For people: a row an engine. */
export function feeReportText({ machine, settings, points, orders, winners, engines }: FeeBenchResult): string {
  const { cpu, cores, memoryGiB, system, loadBefore, versions } = machine;
  return [
    `${cores} cores (${cpu}), ${memoryGiB} GiB, ${system}; load before: ${loadBefore.toFixed(2)}${loadBefore > 0.5 ? ' (somebody else was at work: compare, but do not quote)' : ''}`,
    Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', '),
    `${settings.rules} rules, ${points} fee points of ${orders} orders, the same winner in all engines at each of them (${winners} different rules win); ${settings.rounds} rounds`,
    '',
    formatTable(['engine', 'fee points a second', 'lowest', 'highest', 'midline is'], engines.map(({ engine, pointsPerSecond: { median, low, high }, ratio }) => [engine, median, low, high, engine === 'midline' ? '' : `${ratio} × as fast`])),
  ].join('\n');
}
