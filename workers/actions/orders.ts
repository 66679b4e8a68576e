import { toJson } from '../../schemas/json.js';
import { ledgerTotals } from '../domain/fees/ledger.js';
import type { LedgerEntry } from '../domain/fees/types.js';
import { foldAll } from '../domain/fold.js';
import { orderIdOf } from '../domain/ids.js';
import type { Transaction } from '../domain/order.js';
import { archivedSince } from '../store/archive.js';
import { currentLinks } from '../store/customers.js';
import type { Queryable } from '../store/database.js';
import { ledgerOf } from '../store/ledger.js';
import { listMessages } from '../store/messages.js';
import { findOrders, knownSources, listOrders, type OrderFilter, type StoredOrder } from '../store/orders.js';
import { historiesOf } from './settle/histories.js';
import type { Wire } from './settle/wire.js';
import { orderEvent } from './settle/rows.js';

/** The order that a person names cannot be found, or the name fits several. */
class OrderNotFound extends Error {
  override readonly name = 'OrderNotFound';
}

/**
 * Finds an order by `source:bookingRef`, by the bare booking reference while only one source has it, or by its id.
 * @throws OrderNotFound
 */
export async function findOrder(db: Queryable, ref: string): Promise<StoredOrder> {
  const sources = await knownSources(db);
  const named = sources.filter((source) => ref.startsWith(`${source}:`)).map((source) => orderIdOf(source, ref.slice(source.length + 1)));
  const bare = sources.map((source) => orderIdOf(source, ref));
  const own = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(ref) ? [ref] : [];
  const found = await findOrders(db, [...named, ...bare, ...own]);
  const [order, ...others] = found;
  if (order === undefined) throw new OrderNotFound(`there is no order ${ref}; name it source:bookingRef (known sources: ${sources.join(', ') || 'none'})`);
  if (others.length > 0) throw new OrderNotFound(`${ref} is in several sources; say ${found.map((one) => `${one.source}:${one.bookingRef}`).join(' or ')}`);
  return order;
}

/** Everything about one order. */
export async function showOrder(db: Queryable, wire: Wire, ref: string) {
  const order = await findOrder(db, ref);
  const [ledgers, links, messages, transactions, archived] = await Promise.all([
    ledgerOf(db, [order.id]), currentLinks(db, [order.id]), listMessages(db, { order: order.id, limit: 1_000 }),
    order.archive === null ? transactionsOf(db, wire, order.id) : [], archivedSince(db, [order.id]),
  ]);
  const ledger = ledgers.get(order.id) ?? [];
  return {
    ...summary(order, ledger),
    /** Not null: the events, and so the transactions, are in that file. */
    archived: archived.get(order.id) ?? null,
    booking: bookingJson(order),
    transactions: transactions.map(transactionJson),
    ledger: ledger.toSorted((a, b) => a.occurredAt - b.occurredAt).map((entry) => ({ ...entry, occurredAt: new Date(entry.occurredAt).toISOString() })),
    links: links.map(({ role, position, decision, customerId, decidedBy, evidence }) => ({ role, position, decision, customerId, decidedBy, evidence })),
    messages,
  };
}

export type ShownOrder = Awaited<ReturnType<typeof showOrder>>;

/** Folds the stored history again: transactions are not stored, they follow from the events. */
async function transactionsOf(db: Queryable, wire: Wire, orderId: string): Promise<readonly Transaction[]> {
  return foldAll((await historiesOf(db, wire, [orderId])).get(orderId) ?? []).transactions;
}

/** Orders page by page, each as `orders list` prints it. */
export async function* listedOrders(db: Queryable, filter: Omit<OrderFilter, 'after' | 'limit'>, most: number) {
  let after: string | undefined;
  for (let left = most; left > 0;) {
    const page = await listOrders(db, { ...filter, ...(after !== undefined && { after }), limit: Math.min(left, pageSize) });
    const ledgers = await ledgerOf(db, page.map((order) => order.id));
    for (const order of page) {
      const { items, documents } = order.state.booking ?? {};
      yield {
        ...summary(order, ledgers.get(order.id) ?? []),
        items: (items ?? []).map(({ id, status }) => ({ id, status: status ?? null })),
        documents: (documents ?? []).map(({ id }) => id),
      };
    }
    left -= page.length;
    after = page.at(-1)?.id;
    if (page.length < pageSize) return;
  }
}

const pageSize = 500;

/** The order in the shape of an order event. */
function summary(order: StoredOrder, ledger: readonly LedgerEntry[]) {
  const event = orderEvent({
    id: order.id, source: order.source, bookingRef: order.bookingRef, stored: order, revision: order.revision, state: order.state,
    link: order.link, customerId: order.customerId, corporateAccountId: order.corporateAccountId, orgUnit: order.orgUnit,
    ledger, appended: [], causeEventId: order.state.last.eventId, causeType: 'stored',
  }, order.updatedAt.getTime());
  const { causeEventId: _cause, causeType: _type, feeEntries: _entries, ...facts } = event;
  return { ...facts, fees: ledgerTotals(ledger), at: order.updatedAt.toISOString() };
}

const bookingJson = (order: StoredOrder): unknown => (order.state.booking === null ? null : toJson('Booking', order.state.booking));

export function transactionJson({ eventId, type, derived, at, life, nth, touched, orgUnit, office, agent, channel, initiator }: Transaction) {
  return { eventId, type, derived, at: new Date(at).toISOString(), life, nth, touched, orgUnit, office, agent, channel, initiator };
}
