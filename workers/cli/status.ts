import type { Command } from 'commander';
import { readStatus, type Status } from '../actions/status.js';
import type { Outcomes } from '../store/fence.js';
import { consumerLag } from '../topics/lag.js';
import { bookingEventsTopic } from '../topics/names.js';
import { withDatabase } from './connect.js';
import { examples, formatTable, printResult } from './output.js';
import { withAdmin } from './topics.js';

/** `midline status` */
export function registerStatus(program: Command): void {
  program
    .command('status')
    .description('how many events became what, orders, customers, fees, messages, lag and workers')
    .option('--group <name>', 'the consumer group whose events and lag are meant', 'midline')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline status', 'midline status --group replay --json'))
    .action(async (options: { readonly group: string; readonly json?: boolean }) => {
      const status = await withDatabase((database) => readStatus(database, options.group, bookingEventsTopic, (positions) => withAdmin(async (admin) => {
        const { messages, seconds } = await consumerLag(admin, options.group, bookingEventsTopic, positions, Date.now());
        return { messages, seconds };
      })));
      printResult(status, options, statusText);
    });
}

export function statusText({ group, events, customerEvents, rawRecords, orders, customers, links, fees, messages, outbox, deadLetters, lag, workers }: Status): string {
  const counts = (values: Readonly<Record<string, number | string>>): string => Object.entries(values).map(([name, value]) => `${value} ${name}`).join(', ');
  const totals = Object.entries(fees.byCurrency).map(([currency, { net, vat, gross }]) => `${gross} ${currency} (net ${net}, VAT ${vat})`);
  const outcomes = ({ read, applied, duplicate, late, deadLettered }: Outcomes): string => counts({ read, applied, duplicate, late, 'dead-lettered': deadLettered });
  return formatTable(['', ''], [
    ['events', `${outcomes(events)} (group ${group})`],
    ...(customerEvents.read === 0 ? [] : [['customer events', outcomes(customerEvents)]]),
    ...Object.entries(rawRecords).map(([topic, records]) => [topic, outcomes(records)]),
    ['orders', `${orders.total}${orders.total > 0 ? `: ${counts(orders.byStatus)}; ${orders.withCorporateAccount} with corporate account` : ''}`],
    ['customers', `${customers.total}; orders ${counts({ ...links })}`],
    ['fees', `${counts({ charges: fees.charges, reversals: fees.reversals, waivers: fees.waivers })}${totals.length > 0 ? `; ${totals.join('; ')}` : ''}`],
    ['messages', counts({ ...messages })],
    ['outbox', `${outbox.pending} pending`],
    ['dead letters', counts({ ...deadLetters })],
    ['lag', lag === null ? 'unknown: Kafka did not answer' : `${lag.messages} messages, ${lag.seconds} s`],
    ['workers', workers.length === 0 ? 'none seen' : workers.map(workerText).join(', ')],
  ]).trim();
}

/** Workers sign every five seconds: one that has not for a while was killed. */
function workerText({ kind, seenAt }: Status['workers'][number]): string {
  const silent = Math.round((Date.now() - seenAt.getTime()) / 1_000);
  return silent > 30 ? `${kind} (not seen for ${silent} s)` : kind;
}
