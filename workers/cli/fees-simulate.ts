import { type Command, InvalidArgumentError } from 'commander';
import { findLeakage, type Leakage } from '../actions/leakage.js';
import { periodOf } from '../actions/fee-tables.js';
import { simulate, type Simulated } from '../actions/simulate.js';
import type { LeakGroup } from '../domain/fees/leakage-report.js';
import { customerNames } from '../store/customer-view.js';
import { dayOf, wholeNumber } from './arguments.js';
import { withDatabase } from './connect.js';
import { readTable } from './fees-tables.js';
import { wireOf } from './orders.js';
import { examples, formatTable, printResult } from './output.js';
import { advancing } from './progress.js';

interface PeriodOptions {
  readonly from?: string;
  readonly until?: string;
  readonly json?: boolean;
}

interface SimulateOptions extends PeriodOptions {
  readonly version?: number;
  readonly file?: string;
  readonly insteadOf?: string;
}

/** Lines that a person reads of a long list; all of them are in the JSON. */
const shown = 20;

export function registerSimulate(fees: Command): void {
  fees
    .command('simulate')
    .description('what a version of a fee table would have charged for the stored bookings, compared with what stands; nothing is written')
    .argument('[table]', 'name of the fee table: its draft, else its newest version; not with --file')
    .option('--version <number>', 'this version', wholeNumber)
    .option('--file <file>', 'a table straight from a file: YAML, JSON or CSV')
    .option('--instead-of <table>', 'put it in the place of this table, wherever that is assigned')
    .option('--from <day>', 'only transactions from this day on', dayOf)
    .option('--until <day>', 'only transactions up to this day; without days: all that is stored, of an approved version the time in which it is valid', dayOf)
    .option('--json', 'print one JSON document, with every order that changes')
    .addHelpText('after', examples(
      'midline fees simulate corporate-2027 --from 2026-01-01 --until 2026-12-31', 'midline fees simulate --file leisure.yaml --from 2026-01-01', 'midline fees simulate corporate-2027 --instead-of corporate-2026 --json',
    ))
    .action(async (table: string | undefined, { version, file, insteadOf, from, until, json }: SimulateOptions) => {
      const named = file === undefined ? table : (await readTable(file)).table;
      if (named === undefined || (file !== undefined && table !== undefined)) throw new InvalidArgumentError('say which table: midline fees simulate TABLE, or --file FILE');
      await withDatabase(async (database) => {
        const period = await periodOf(database, from, until);
        const simulated = await advancing('orders rated', (onProgress) => simulate(database, wireOf(), { table: named, version, insteadOf, period }, onProgress));
        const names = await customerNames(database, simulated.byCustomer.slice(0, shown).flatMap(({ customer }) => customer ?? []));
        printResult(simulated, { json }, () => simulatedText(simulated, names));
      });
    });
}

function simulatedText(simulated: Simulated, names: ReadonlyMap<string, string>): string {
  const { table, version, insteadOf, from, until, orders, changedOrders, archived, total, byCustomer, byCharge, byRule, changes } = simulated;
  const money = ({ currency, before, after, difference }: { readonly currency: string; readonly before: string; readonly after: string; readonly difference: string }) => [currency, before, after, difference];
  const heading = ['', 'before', 'after', 'difference'];
  const part = (title: string, list: readonly unknown[], text: string): string => `${title}${list.length > shown ? ` (the ${shown} with the largest difference of ${list.length})` : ''}\n${text}`;
  return [
    `${table} version ${version}${insteadOf === table ? '' : ` in the place of ${insteadOf}`}, ${from === null && until === null ? 'over everything stored' : `${from === null ? '' : `from ${from} `}${until === null ? '' : `until ${until}`}`.trim()}: ${changedOrders} of ${orders} orders would cost something else.${archived === 0 ? '' : ` ${archived} are archived and were left out.`}`,
    part('In all', total, formatTable(heading, total.map(money), 'No fees.')),
    part('By customer', byCustomer, formatTable(['customer', ...heading, 'orders changed'], byCustomer.slice(0, shown).map((one) => [customerText(one.customer, names), ...money(one), one.changedOrders]), 'No fees.')),
    part('By charge', byCharge, formatTable(['charge', ...heading, 'orders changed'], byCharge.slice(0, shown).map((one) => [one.charge, ...money(one), one.changedOrders]), 'No fees.')),
    part('By rule', byRule, formatTable(['charge', 'table', 'rule', ...heading, 'orders changed'], byRule.slice(0, shown).map((one) => [one.charge, one.table, one.rule, ...money(one), one.changedOrders]), 'No fees.')),
    part('Orders that change', changes, formatTable(['order', ...heading], changes.slice(0, shown).map((one) => [one.order, ...money(one)]), 'None.')),
  ].join('\n\n');
}

const customerText = (id: string | null, names: ReadonlyMap<string, string>): string => (id === null ? 'nobody' : `${id} ${names.get(id) ?? ''}`.trim());

export function registerLeakage(fees: Command): void {
  fees
    .command('leakage')
    .description('bookings that matched no rule, and what they would have paid by the next table')
    .option('--from <day>', 'only transactions from this day on', dayOf)
    .option('--until <day>', 'only transactions up to this day', dayOf)
    .option('--json', 'print one JSON document, with every fee point that matched no rule')
    .addHelpText('after', examples('midline fees leakage --from 2026-01-01', 'midline fees leakage --json'))
    .action(async ({ from, until, json }: PeriodOptions) => {
      await withDatabase(async (database) => {
        const period = await periodOf(database, from, until);
        const leakage = await advancing('orders looked at', (onProgress) => findLeakage(database, wireOf(), period, onProgress));
        const names = await customerNames(database, leakage.byCustomer.slice(0, shown).flatMap(({ customer }) => customer ?? []));
        printResult(leakage, { json }, () => leakageText(leakage, names));
      });
    });
}

function leakageText({ orders, archived, byReason, byProduct, bySource, byCustomer, leaks }: Leakage, names: ReadonlyMap<string, string>): string {
  const numbers = ({ leaks: count, orders: of, wouldBe }: LeakGroup): readonly [number, number, string] => [count, of, Object.entries(wouldBe).map(([currency, sum]) => `${sum} ${currency}`).join(', ')];
  const heading = ['leaks', 'orders', 'the next table says'];
  return [
    `${orders} orders were looked at.${archived === 0 ? '' : ` ${archived} of them are archived and were left out.`}`,
    formatTable(['reason', 'transaction', 'charge', ...heading], byReason.map((one) => [one.reason, one.type, one.charge, ...numbers(one)]), 'Everything matched a rule.'),
    ...(leaks.length === 0 ? [] : [
      formatTable(['product', ...heading], byProduct.slice(0, shown).map((one) => [one.product ?? 'none', ...numbers(one)])),
      formatTable(['source', ...heading], bySource.slice(0, shown).map((one) => [one.source, ...numbers(one)])),
      formatTable(['customer', ...heading], byCustomer.slice(0, shown).map((one) => [customerText(one.customer, names), ...numbers(one)])),
    ]),
  ].join('\n\n');
}
