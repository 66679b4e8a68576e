import { Option, type Command } from 'commander';
import { archivedText } from '../actions/archive/archived.js';
import { listedOrders, showOrder, type ShownOrder } from '../actions/orders.js';
import { createWire } from '../actions/settle/wire.js';
import type { Database } from '../store/database.js';
import { createCodec } from '../topics/codec.js';
import { wholeNumber } from './arguments.js';
import { configOf, encryptionOf, withDatabase } from './connect.js';
import { examples, formatTable, printResult } from './output.js';

interface ListOptions {
  readonly source?: string;
  readonly status?: string;
  readonly customer?: string;
  readonly limit?: number;
  readonly json?: boolean;
}

/** `midline orders …` */
export function registerOrders(program: Command): void {
  const orders = program.command('orders').description('look at orders');
  orders
    .command('show')
    .description('one order: booking, transactions, ledger, links and messages')
    .argument('<ref>', 'source:bookingRef, or the bare booking reference while only one source has it')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline orders show hotel-pms:HB-000001', 'midline orders show HB-000001 --json'))
    .action(async (ref: string, options: { readonly json?: boolean }) => {
      printResult(await withDatabase((database) => showOrder(database, wireOf(), ref)), options, orderText);
    });
  orders
    .command('list')
    .description('orders, a line each (with --json one JSON document a line)')
    .option('--source <id>', 'of this source')
    .addOption(new Option('--status <status>', 'only these').choices(['booked', 'option', 'ticketed', 'cancelled', 'no-show', 'travelled']))
    .option('--customer <id>', 'of this customer')
    .option('--limit <number>', 'at most so many (all with --json, else 50)', wholeNumber)
    .option('--json', 'print one JSON document a line')
    .addHelpText('after', examples('midline orders list --status booked', 'midline orders list --json > orders.ndjson'))
    .action(async (options: ListOptions) => { await withDatabase((database) => printList(database, options)); });
}

/** How stored events are read: with the registry's schemas, and the key where one is configured. */
export const wireOf = () => createWire(createCodec({ registryUrl: configOf('SCHEMA_REGISTRY_URL').SCHEMA_REGISTRY_URL }), encryptionOf());

async function printList(database: Database, { source, status, customer, limit, json }: ListOptions): Promise<void> {
  const filter = { ...(source !== undefined && { source }), ...(status !== undefined && { status }), ...(customer !== undefined && { customerId: customer }) };
  const orders = listedOrders(database, filter, limit ?? (json === true ? Number.MAX_SAFE_INTEGER : 50));
  if (json === true) {
    for await (const order of orders) process.stdout.write(`${JSON.stringify(order)}\n`);
    return;
  }
  const rows: (string | null)[][] = [];
  for await (const order of orders) {
    rows.push([
      `${order.source}:${order.bookingRef}`, order.status, order.link ?? '', order.customerId ?? '', order.travelFrom ?? '',
      order.price == null ? '' : `${order.price.total} ${order.price.currency}`, (order.fees ?? []).map((fee) => `${fee.gross} ${fee.currency}`).join(', '),
    ]);
  }
  process.stdout.write(`${formatTable(['order', 'status', 'link', 'customer', 'travel from', 'price', 'fees'], rows, 'No orders.')}\n`);
}

function orderText(order: ShownOrder): string {
  const money = (price: { readonly total: string; readonly currency: string } | null | undefined): string => (price == null ? 'unknown' : `${price.total} ${price.currency}`);
  return [
    `${order.source}:${order.bookingRef}  ${order.status}  (revision ${order.revision}, order ${order.orderId})`,
    `price ${money(order.price)} · travel ${order.travelFrom ?? '?'} to ${order.travelUntil ?? '?'} · customer ${order.customerId ?? 'none'} (${order.link})${order.corporateAccountId == null ? '' : ` · corporate account ${order.corporateAccountId}`}`,
    ...(order.archived === null ? [] : [archivedText(order, order.archived)]),
    '', 'Transactions', formatTable(['at', 'type', 'event', 'touches'], order.transactions.map((transaction) => [
      transaction.at, transaction.derived ? `${transaction.type} (derived)` : transaction.type, transaction.eventId,
      [...transaction.touched.items, ...transaction.touched.documents, ...transaction.touched.travellers].join(' '),
    ]), order.archived === null ? undefined : 'In the archive, with the events.'),
    '', 'Ledger', formatTable(['at', 'type', 'charge', 'unit', 'rule', 'table', 'net', 'VAT', 'gross', ''], order.ledger.map((entry) => [
      entry.occurredAt, entry.type, entry.charge, entry.unit, entry.rule, entry.table === null ? '' : `${entry.table} ${entry.version ?? ''}`, entry.net, entry.vat, entry.gross, entry.currency,
    ]), 'No fees.'),
    '', 'Links', formatTable(['role', 'decision', 'customer', 'decided by'], order.links.map((link) => [`${link.role} ${link.position}`.trim(), link.decision, link.customerId, link.decidedBy]), 'No links.'),
    '', 'Messages', formatTable(['trigger', 'state', 'reason'], order.messages.map((message) => [message.trigger, message.state, message.reason]), 'No messages.'),
  ].join('\n');
}
