import type { BookingEvent } from '../../../schemas/booking-event.js';
import { appendedEntries, ledgerDifference, standingOf } from '../../domain/fees/ledger.js';
import { rateTransactions } from '../../domain/fees/rate.js';
import { foldAll } from '../../domain/fold.js';
import type { Transaction } from '../../domain/order.js';
import type { Queryable } from '../../store/database.js';
import { customerFeeFacts } from '../../store/fee-facts.js';
import { ledgerOf } from '../../store/ledger.js';
import { manualFeesOf } from '../../store/manual-fees.js';
import type { Facts } from './facts.js';
import type { LinkedOrder } from './link-orders.js';
import type { SettledOrder } from './rows.js';

/** Reads the stored histories of orders, decoded. */
export type Histories = (orderIds: readonly string[]) => Promise<ReadonlyMap<string, readonly BookingEvent[]>>;

/**
 * What each order's ledger gets: the difference between what should stand and what stands.
 * New transactions at the end are rated alone, with what stands already as given; the whole order is rated anew where an event came late
 * or where the customer or the corporate account is another one than before.
 */
export async function rateOrders(tx: Queryable, orders: readonly LinkedOrder[], facts: Facts, historiesOf: Histories, reason: string | null = null): Promise<readonly SettledOrder[]> {
  const known = orders.flatMap((order) => (order.folded.stored === null ? [] : [order.folded.id]));
  const ledgers = await ledgerOf(tx, known);
  const manualFees = await manualFeesOf(tx, known);
  const relinked = orders.filter(({ folded, customerId, corporateAccountId }) => !folded.complete && folded.stored !== null
    && (folded.stored.customerId !== customerId || folded.stored.corporateAccountId !== corporateAccountId));
  const histories = await historiesOf(relinked.map((order) => order.folded.id));
  const customers = orders.flatMap(({ customerId }) => customerId ?? []);
  const accounts = orders.flatMap(({ corporateAccountId }) => corporateAccountId ?? []);
  const world = facts.feeWorld.withCustomers(await customerFeeFacts(tx, customers, accounts));

  return orders.map((order): SettledOrder => {
    const { folded } = order;
    const ledger = ledgers.get(folded.id) ?? [];
    const history = histories.get(folded.id);
    const whole: readonly Transaction[] | null = history !== undefined ? foldAll([...history, ...folded.newEvents]).transactions : folded.complete ? folded.transactions : null;
    const sourceUnit = world.defaultOrgUnit(folded.source);
    const manual = manualFees.get(folded.id);
    const orderFacts = { orderId: folded.id, source: folded.source, customerId: order.customerId, companyId: order.corporateAccountId, orgUnit: sourceUnit, ...(manual !== undefined && { manual }) };
    const { entries } = rateTransactions(orderFacts, whole ?? folded.transactions, world, whole === null ? standingOf(ledger) : []);
    const difference = whole === null ? appendedEntries(entries, ledger) : ledgerDifference(entries, ledger);
    const appended = reason === null ? difference : difference.map((entry) => ({ ...entry, reason }));
    const cause = folded.newEvents.at(-1);
    return {
      id: folded.id, source: folded.source, bookingRef: folded.bookingRef, stored: folded.stored,
      revision: (folded.stored?.revision ?? facts.revisionBase) + 1, state: folded.state,
      link: order.link, customerId: order.customerId, corporateAccountId: order.corporateAccountId,
      orgUnit: folded.state.booking?.orgUnit ?? sourceUnit,
      ledger, appended, causeEventId: cause?.eventId ?? null, causeType: cause?.type ?? 'rerate',
    };
  });
}
