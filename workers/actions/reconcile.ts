import { foldAll } from '../domain/fold.js';
import { saySame } from '../domain/stored-booking.js';
import { readAtOneMoment, type Database, type Queryable } from '../store/database.js';
import { shareFacts } from '../store/facts-lock.js';
import { factsVersion } from '../store/fence.js';
import { listOrders, type StoredOrder } from '../store/orders.js';
import { reconcileDatabase, type Check } from '../store/reconcile.js';
import { isOpen, rateAgain } from './rerate.js';
import { createFactsCache, type Facts } from './settle/facts.js';
import { historiesOf } from './settle/histories.js';
import type { Wire } from './settle/wire.js';

export interface Reconciliation {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

const page = 500;
const examples = 3;

/**
 * Proves the database: what must hold in its tables, and that every order is the fold over its stored events and every ledger what rating from scratch gives;
 * of archived orders, that they are what they were when they were archived.
 * May run beside workers: each page of orders is read in a transaction of its own, as of one moment.
 */
export async function reconcile(database: Database, wire: Wire, onProgress: (orders: number) => void = () => undefined): Promise<Reconciliation> {
  const tables = await reconcileDatabase(database);
  const wrongStates: string[] = [];
  const wrongLedgers: string[] = [];
  let orders = 0;
  for (let after: string | undefined; ;) {
    const found = await database.transaction((tx) => checkPage(tx, wire, after));
    wrongStates.push(...found.wrongStates);
    wrongLedgers.push(...found.wrongLedgers);
    orders += found.orders;
    onProgress(orders);
    if (found.last === undefined) break;
    after = found.last;
  }
  const checks = [
    ...tables,
    checkOf('state-is-the-fold', 'the state of every order that is not archived is the fold over its stored events', orders, wrongStates),
    checkOf('ledger-is-the-rating', 'what stands in the ledger of every order that is not archived is what rating from scratch gives (stale orders are told)', orders, wrongLedgers),
  ];
  return { ok: checks.every((check) => check.ok), checks };
}

function checkOf(name: string, meaning: string, orders: number, wrong: readonly string[]): Check {
  const ok = wrong.length === 0;
  return { name, ok, detail: ok ? `${meaning}; ${orders} orders` : `${wrong.length} of ${orders} violate: ${meaning}; for example ${wrong.slice(0, examples).join(' | ')}` };
}

async function checkPage(tx: Queryable, wire: Wire, after: string | undefined) {
  await readAtOneMoment(tx);
  await shareFacts(tx);
  const facts = await createFactsCache()(tx, await factsVersion(tx));
  const orders = await listOrders(tx, { limit: page, ...(after !== undefined && { after }) });
  const open = orders.filter(isOpen);
  const histories = await historiesOf(tx, wire, open.map((order) => order.id));
  const folded = open.filter((order) => (histories.get(order.id) ?? []).length > 0);
  return {
    orders: open.length,
    last: orders.length < page ? undefined : orders.at(-1)?.id,
    wrongStates: folded.filter((order) => !saySame(order.state, foldAll(histories.get(order.id) ?? []).state)).map(nameOf),
    wrongLedgers: await wrongLedgers(tx, wire, facts, folded),
  };
}

async function wrongLedgers(tx: Queryable, wire: Wire, facts: Facts, orders: readonly StoredOrder[]): Promise<readonly string[]> {
  const rated = await rateAgain(tx, wire, facts, orders, null);
  return rated.filter((order) => order.appended.length > 0).map((order) => `${order.source}:${order.bookingRef}`);
}

const nameOf = (order: StoredOrder): string => `${order.source}:${order.bookingRef}`;
