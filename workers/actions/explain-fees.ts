import { explain } from '../domain/fees/explain.js';
import type { ManualFee, RatingTrace } from '../domain/fees/types.js';
import { archivedSince } from '../store/archive.js';
import type { Database } from '../store/database.js';
import { shareFacts } from '../store/facts-lock.js';
import { factsVersion } from '../store/fence.js';
import { ledgerOf } from '../store/ledger.js';
import { archivedText } from './archive/archived.js';
import { findOrder } from './orders.js';
import { ratableOrders } from './ratable-orders.js';
import { createFactsCache } from './settle/facts.js';
import type { Wire } from './settle/wire.js';

export interface FeeExplanation extends RatingTrace {
  readonly order: string;
  /** What stands in the ledger, by currency, for comparison. */
  readonly ledgerLines: number;
  /** Waivers and manual charges that people added. */
  readonly manual: readonly ManualFee[];
}

/** Why an order's fees are what they are, rated from scratch with the facts as they are now. */
export async function explainFees(database: Database, wire: Wire, ref: string): Promise<FeeExplanation> {
  return database.transaction(async (tx) => {
    await shareFacts(tx);
    const facts = await createFactsCache()(tx, await factsVersion(tx));
    const order = await findOrder(tx, ref);
    const since = order.archive === null ? undefined : (await archivedSince(tx, [order.id])).get(order.id);
    if (since !== undefined) throw new Error(`${order.source}:${order.bookingRef} is ${archivedText(order, since)}`);
    const { orders: [ratable], worlds: [world] } = await ratableOrders(tx, wire, [order], facts.feeWorld);
    const trace = ratable === undefined || world === undefined ? { transactions: [] } : explain(ratable.facts, ratable.transactions, world);
    const ledger = (await ledgerOf(tx, [order.id])).get(order.id) ?? [];
    return { order: `${order.source}:${order.bookingRef}`, ledgerLines: ledger.length, manual: ratable?.facts.manual ?? [], ...trace };
  });
}
