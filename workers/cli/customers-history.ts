import { type Command, InvalidArgumentError } from 'commander';
import { customerHistory, type CustomerHistory } from '../actions/customer-history.js';
import type { Count, Sum } from '../store/customer-history.js';
import { wholeNumber } from './arguments.js';
import { withDatabase } from './connect.js';
import { namedCustomer } from './named-customer.js';
import { examples, formatTable, printResult } from './output.js';

interface HistoryOptions {
  readonly withSubsidiaries?: boolean;
  readonly limit: number;
  readonly page: number;
  readonly json?: boolean;
}

/** `midline customers history` */
export function registerHistory(customers: Command): void {
  customers
    .command('history')
    .description('every order in which a customer has a place, the newest booking first, and what they come to')
    .argument('<customer>', 'customer id, or an external id as source:id')
    .option('--with-subsidiaries', 'of a company: with those that stand below it today (at most 200)')
    .option('--limit <number>', 'so many orders a page', wholeNumber, 20)
    .option('--page <number>', 'which page of the orders', wholeNumber, 1)
    .option('--json', 'print one JSON document')
    .addHelpText('after', `
Sums are over the customer's own orders (as payer, booker or corporate account) that were not cancelled; fees are what stands in the ledger.
${examples('midline customers history crm:K-4711', 'midline customers history crm:ACME --with-subsidiaries --page 2', 'midline customers history 17 --json')}`)
    .action(async (customer: string, { withSubsidiaries, limit, page, ...options }: HistoryOptions) => {
      if (limit < 1 || page < 1) throw new InvalidArgumentError('--limit and --page begin at 1.');
      printResult(await withDatabase(async (database) => customerHistory(database, {
        customer: await namedCustomer(database, customer), withSubsidiaries: withSubsidiaries === true, limit, page, now: new Date(),
      })), options, historyText);
    });
}

const counted = (counts: readonly Count[]): string => counts.map(({ value, orders }) => `${value} ${orders}`).join(', ');
const summed = (sums: readonly Sum[]): string => sums.map(({ currency, orders, total }) => `${total} ${currency} in ${orders}`).join(', ');
const share = (value: number | null): string => (value === null ? '' : `${(value * 100).toFixed(1)} %`);

function historyText({ customers, statistics: s, orders, page, pages }: CustomerHistory): string {
  if (s.orders === 0) return 'No orders.';
  const lines: readonly (readonly [string, string])[] = [
    ['orders', `${s.orders} (${counted(s.byRole)})`], ['status', counted(s.byStatus)], ['price', summed(s.prices)], ['fees', summed(s.fees)],
    ['travel', [['first', s.firstTravel], ['last', s.lastTravel], ['next', s.nextTravel]].flatMap(([name, day]) => (day === null ? [] : [`${name} ${day}`])).join(', ')],
    ['destinations', counted(s.destinations)], ['nights', s.nights === 0 ? '' : `${s.nights}, ${s.averageNights ?? 0} on average`],
    ['booked ahead', s.medianLeadDays === null ? '' : `${s.medianLeadDays} days in the median`], ['sources', counted(s.sources)], ['comes from', counted(s.origins)],
    ['cancelled', share(s.cancelledShare)], ['no-show', share(s.noShowShare)],
  ];
  return [
    ...(customers.length > 1 ? [`Customer ${customers[0] ?? ''} and ${customers.length - 1} below it`] : []),
    ...lines.flatMap(([name, value]) => (value === '' ? [] : [`${name.padEnd(13)} ${value}`])),
    '', formatTable(['year', 'orders', 'cancelled', 'nights', 'price'], s.years.map(({ year, orders: count, cancelled, nights, prices }) => [year, count, cancelled, nights, prices.map(({ total, currency }) => `${total} ${currency}`).join(', ')]), 'No trip has a date.'),
    '', formatTable(['order', 'status', 'as', 'travel from', 'until', 'price'], orders.map((order) => [order.order, order.status, order.roles.join(', '), order.travelFrom, order.travelUntil, order.total === null ? '' : `${order.total} ${order.currency ?? ''}`]), 'No orders on this page.'),
    ...(pages > 1 ? [`page ${page} of ${pages}`] : []),
  ].join('\n');
}
