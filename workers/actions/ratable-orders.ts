import type { OrderFacts } from '../domain/fees/types.js';
import type { FeeWorld } from '../domain/fees/world.js';
import { foldAll } from '../domain/fold.js';
import type { Transaction } from '../domain/order.js';
import type { Queryable } from '../store/database.js';
import { customerFeeFacts } from '../store/fee-facts.js';
import { manualFeesOf } from '../store/manual-fees.js';
import type { StoredOrder } from '../store/orders.js';
import { historiesOf } from './settle/histories.js';
import type { Wire } from './settle/wire.js';

/** What rating an order from scratch needs. */
export interface RatableOrder {
  readonly stored: StoredOrder;
  readonly facts: OrderFacts;
  readonly transactions: readonly Transaction[];
}

/** Folds open orders anew and reads the facts of their customers. @returns the worlds with them, in the given order */
export async function ratableOrders(tx: Queryable, wire: Wire, stored: readonly StoredOrder[], ...worlds: readonly FeeWorld[]): Promise<{ readonly orders: readonly RatableOrder[]; readonly worlds: readonly FeeWorld[] }> {
  const histories = await historiesOf(tx, wire, stored.map(({ id }) => id));
  const customers = await customerFeeFacts(tx, stored.flatMap(({ customerId }) => customerId ?? []), stored.flatMap(({ corporateAccountId }) => corporateAccountId ?? []));
  const manualFees = await manualFeesOf(tx, stored.map(({ id }) => id));
  return {
    worlds: worlds.map((world) => world.withCustomers(customers)),
    orders: stored.map((order) => ({
      stored: order,
      facts: { ...(manualFees.has(order.id) && { manual: manualFees.get(order.id) ?? [] }), orderId: order.id, source: order.source, customerId: order.customerId, companyId: order.corporateAccountId, orgUnit: worlds[0]?.defaultOrgUnit(order.source) ?? null },
      transactions: foldAll(histories.get(order.id) ?? []).transactions,
    })),
  };
}
