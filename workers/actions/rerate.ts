import { foldAll } from '../domain/fold.js';
import { Exact, moneyText } from '../domain/money.js';
import type { Database, Queryable } from '../store/database.js';
import { shareFacts } from '../store/facts-lock.js';
import { staleOrders, unmarkStale } from '../store/fee-tables.js';
import { ledgerOf } from '../store/ledger.js';
import { factsVersion } from '../store/fence.js';
import { lockOrders, type StoredOrder } from '../store/orders.js';
import type { Codec } from '../topics/codec.js';
import type { Facts, FactsCache } from './settle/facts.js';
import { historiesOf } from './settle/histories.js';
import { type LinkedOrder, type OrderOwner, relink } from './settle/link-orders.js';
import { rateOrders } from './settle/rate-orders.js';
import type { SettledOrder } from './settle/rows.js';
import { saveDecisions } from './settle/save.js';
import type { Wire } from './settle/wire.js';

export interface RerateDependencies {
  readonly database: Database;
  readonly codec: Codec;
  readonly wire: Wire;
  readonly factsAt: FactsCache;
}

export interface Rerated {
  readonly orders: number;
  /** Those of `orders` that are archived: they keep their ledger. */
  readonly archived: number;
  /** Orders whose ledger changed. */
  readonly changed: number;
  /** What was appended, in sum, by currency. */
  readonly difference: Readonly<Record<string, string>>;
}

const chunk = 500;

/**
 * Rates stale orders again, in chunks under the shared facts lock, until none is left; the entries' reason is what made them stale.
 * Runs of several processes share the work: an order is locked while it is rated.
 */
export async function rerateStale(dependencies: RerateDependencies, now: () => number, onProgress: (orders: number) => void = () => undefined): Promise<Rerated> {
  const { database } = dependencies;
  const differences = createDifferences();
  let [orders, archived] = [0, 0];
  let after: string | null = null;
  for (;;) {
    const stale: Awaited<ReturnType<typeof staleOrders>> = await staleOrders(database, after, chunk);
    if (stale.length === 0) return { orders, archived, ...differences.total() };
    for (const [cause, ids] of byCause(stale)) {
      const rerated = await database.transaction((tx) => rerateWithin(tx, dependencies, ids, cause, now()));
      rerated.changed.forEach(differences.add);
      archived += rerated.archived;
    }
    orders += stale.length;
    after = stale.at(-1)?.id ?? null;
    onProgress(orders);
  }
}

async function rerateWithin(tx: Queryable, { codec, wire, factsAt }: RerateDependencies, ids: readonly string[], cause: string, now: number) {
  await shareFacts(tx);
  const facts = await factsAt(tx, await factsVersion(tx));
  const orders = await lockOrders(tx, ids);
  const open = orders.filter(isOpen);
  const rated = await rateAgain(tx, wire, facts, open, cause);
  const changed = [...rated, ...await archivedAgain(tx, facts, orders.filter((order) => !isOpen(order)))].filter((order) => order.appended.length > 0 || order.causeType === 'merge');
  await saveDecisions(tx, { orders: changed, links: { drafts: [], links: [], contacts: [] }, events: [], messages: [] }, wire, codec, now);
  await unmarkStale(tx, ids);
  return { changed, archived: orders.length - open.length };
}

/** Whether the events of an order are here: without them it cannot be rated. */
export const isOpen = (order: StoredOrder): boolean => order.archive === null;

/** An archived order keeps its ledger, whoever's it is. */
async function archivedAgain(tx: Queryable, facts: Facts, orders: readonly StoredOrder[]): Promise<readonly SettledOrder[]> {
  if (orders.length === 0) return [];
  const [owners, ledgers] = [await relink(tx, orders.map(({ id }) => id)), await ledgerOf(tx, orders.map(({ id }) => id))];
  return orders.map((stored): SettledOrder => {
    const owner = owners.get(stored.id) ?? stored;
    return {
      id: stored.id, source: stored.source, bookingRef: stored.bookingRef, stored, revision: stored.revision + 1, state: stored.state,
      link: owner.link, customerId: owner.customerId, corporateAccountId: owner.corporateAccountId,
      orgUnit: stored.orgUnit ?? facts.feeWorld.defaultOrgUnit(stored.source), ledger: ledgers.get(stored.id) ?? [], appended: [], causeEventId: null, causeType: causeOf(stored, owner),
    };
  });
}

const causeOf = (stored: OrderOwner, owner: OrderOwner): string =>
  (stored.link === owner.link && stored.customerId === owner.customerId && stored.corporateAccountId === owner.corporateAccountId ? 'rerate' : 'merge');

/** What rating these open orders from scratch, with the facts as they are now, for whoever's they are now, would append to their ledgers. */
export async function rateAgain(tx: Queryable, wire: Wire, facts: Facts, orders: readonly StoredOrder[], reason: string | null): Promise<readonly SettledOrder[]> {
  const histories = await historiesOf(tx, wire, orders.map((order) => order.id));
  const owners = await relink(tx, orders.map((order) => order.id));
  const linked = orders.map((stored): LinkedOrder => ({
    folded: {
      id: stored.id, source: stored.source, bookingRef: stored.bookingRef, stored, complete: true, newEvents: [], lateCount: 0,
      ...foldAll(histories.get(stored.id) ?? []),
    },
    ...(owners.get(stored.id) ?? { link: stored.link, customerId: stored.customerId, corporateAccountId: stored.corporateAccountId }),
  }));
  const rated = await rateOrders(tx, linked, facts, () => Promise.resolve(new Map()), reason);
  return rated.map((order) => (order.stored === null ? order : { ...order, causeType: causeOf(order.stored, order) }));
}

function byCause(stale: readonly { readonly id: string; readonly cause: string }[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const { id, cause } of stale) groups.set(cause, [...(groups.get(cause) ?? []), id]);
  return groups;
}

/** Adds up what ratings append. */
export function createDifferences() {
  const byCurrency = new Map<string, Exact>();
  let changed = 0;
  return {
    add({ appended }: SettledOrder): void {
      if (appended.length > 0) changed += 1;
      for (const { currency, gross } of appended) byCurrency.set(currency, (byCurrency.get(currency) ?? new Exact(0)).plus(gross));
    },
    total: () => ({ changed, difference: Object.fromEntries([...byCurrency].map(([currency, sum]) => [currency, moneyText(sum, currency)])) }),
  };
}
