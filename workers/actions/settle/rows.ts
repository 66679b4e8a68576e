import type { Item, Price } from '../../../schemas/booking-event.js';
import type { OrderEvent } from '../../../schemas/order-event.js';
import { isCancelled, itemEnd, travelDates } from '../../domain/booking.js';
import { ledgerTotals } from '../../domain/fees/ledger.js';
import type { LedgerEntry } from '../../domain/fees/types.js';
import type { OrderState } from '../../domain/order.js';
import { saySame } from '../../domain/stored-booking.js';
import type { LinkStatus, StoredOrder } from '../../store/orders.js';
import type { ItemRow, OrderRow } from '../../store/settlement.js';

/** An order as a settlement, or an action that links or rates it again, leaves it. */
export interface SettledOrder {
  readonly id: string;
  readonly source: string;
  readonly bookingRef: string;
  readonly stored: StoredOrder | null;
  /** The one that it gets now. */
  readonly revision: number;
  readonly state: OrderState;
  readonly link: LinkStatus;
  readonly customerId: string | null;
  readonly corporateAccountId: string | null;
  readonly orgUnit: string | null;
  /** What stood in the ledger before, and what is appended. */
  readonly ledger: readonly LedgerEntry[];
  readonly appended: readonly LedgerEntry[];
  readonly causeEventId: string | null;
  /** The event's type or the action's name. */
  readonly causeType: string;
}

export function orderRow(order: SettledOrder): OrderRow {
  const { state } = order;
  const dates = travelDates(state.booking);
  const bookedAt = state.booking?.bookedAt ?? state.firstBookedAt;
  return {
    id: order.id, source: order.source, booking_ref: order.bookingRef, revision: order.revision, status: state.status,
    link: order.link, customer_id: order.customerId ?? undefined, corporate_account_id: order.corporateAccountId ?? undefined, org_unit: order.orgUnit ?? undefined,
    travel_from: dates.from ?? undefined, travel_until: dates.until ?? undefined, currency: state.price?.currency, total: state.price?.total,
    booked_at: bookedAt === null ? undefined : new Date(bookedAt).toISOString(),
  };
}

/** The items that differ from what is stored; one that is gone stays, as cancelled. */
export function itemRows({ id, stored, state }: SettledOrder): readonly ItemRow[] {
  const before = new Map(countedItems(stored?.state ?? null).map((item) => [item.id, item]));
  const after = countedItems(state);
  const ids = new Set(after.map((item) => item.id));
  const gone = [...before.values()].filter((item) => !ids.has(item.id) && !isCancelled(item)).map((item) => ({ ...item, status: 'cancelled' }));
  return [...after.filter((item) => !sameRow(before.get(item.id), item)), ...gone]
    .map((item) => itemRow(id, item))
    .sort((a, b) => (a.item_id < b.item_id ? -1 : 1));
}

const sameRow = (before: Item | undefined, after: Item): boolean => before !== undefined && saySame(before, after);

function countedItems(state: OrderState | null): readonly Item[] {
  const items = state?.booking?.items ?? [];
  return state?.status === 'cancelled' && state.ended ? items.map((item) => ({ ...item, status: 'cancelled' })) : items;
}

function itemRow(orderId: string, item: Item): ItemRow {
  return {
    order_id: orderId, item_id: item.id, product: item.product, status: item.status ?? undefined, supplier: item.supplier ?? undefined,
    start_date: item.start ?? undefined, end_date: itemEnd(item) ?? undefined, currency: item.price?.currency, total: item.price?.total,
  };
}

/** What the outbox says of the order; ids only. */
export function orderEvent(order: SettledOrder, at: number): OrderEvent {
  const { state, appended, id } = order;
  const dates = travelDates(state.booking);
  return {
    orderId: id, revision: order.revision, source: order.source, bookingRef: order.bookingRef, status: state.status,
    causeEventId: order.causeEventId, causeType: order.causeType, customerId: order.customerId, link: order.link,
    corporateAccountId: order.corporateAccountId, orgUnit: order.orgUnit, travelFrom: dates.from, travelUntil: dates.until,
    price: state.price === null ? null : fullPrice(state.price),
    fees: ledgerTotals([...order.ledger, ...appended]),
    feeEntries: appended.map((entry) => ({
      entryId: entryId(id, entry), type: entry.type, charge: entry.charge, unit: entry.unit, rule: entry.rule, table: entry.table, version: entry.version,
      net: entry.net, vat: entry.vat, gross: entry.gross, currency: entry.currency, account: entry.account,
    })),
    at,
  };
}

const fullPrice = ({ currency, total, base, taxes, commission }: Price): Price => ({ currency, total, base: base ?? null, taxes: taxes ?? null, commission: commission ?? null });

/** A ledger line is named by what makes it unique. */
const entryId = (orderId: string, entry: LedgerEntry): string =>
  [orderId, entry.charge, entry.eventId, entry.transactionType, entry.unit, entry.seq].join('/');
