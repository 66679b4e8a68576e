import type { AgencyFee, Booking, Price, Refund } from '../../schemas/booking-event.js';
import type { Instant } from '../../schemas/scalars.js';

/** The ten event types of the contract; a source may declare further kinds. */
export const eventTypes = [
  'booked', 'confirmed', 'changed', 'ticketed', 'reissued', 'refunded', 'voided', 'cancelled', 'no-show', 'travelled',
] as const;

export type OrderStatus = 'booked' | 'option' | 'ticketed' | 'cancelled' | 'no-show' | 'travelled';

/** Where an event stands in the fold: see `compareEvents` for the order itself. */
export interface EventPlace {
  readonly version: number | null;
  readonly rank: number;
  readonly occurredAt: Instant;
  readonly eventId: string;
}

/**
 * The order as the fold over its events leaves it; stored as `orders.state` (jsonb).
 * Everything the next in-order event needs is in here, so that the fast path reads no history.
 * `booking` never holds `sensitive`.
 */
export interface OrderState {
  readonly status: OrderStatus;
  /** Every event of the booking so far has a version: then versions order the fold, else time does. */
  readonly versioned: boolean;
  /** The place of the last event in fold order. */
  readonly last: EventPlace;
  /** After the last event; null until a body has arrived. Ended orders keep the items as they were: `ended` says that they count as cancelled. */
  readonly booking: Booking | null;
  readonly ended: boolean;
  /** 1, 2, …: a new life begins with `booked` after an end by cancellation. */
  readonly life: number;
  /** Time of the first booked transaction of this life. */
  readonly firstBookedAt: Instant | null;
  /** How many transactions of each kind this life has had. */
  readonly counts: Readonly<Record<string, number>>;
  /** The booking as the last transaction left it, kept only where a `ticketed` without a new document has moved `booking` on: the next transaction is compared with it. */
  readonly before: { readonly booking: Booking | null } | null;
  /** Documents of this life that a `voided` event touched: with those whose own status says so, they are the voided ones. */
  readonly voidedDocuments: readonly string[];
  /** Of the order: the booking's, else the sum of its items; an ended order keeps the one it ended with. */
  readonly price: Price | null;
  readonly eventCount: number;
}

/**
 * One transaction of an order: what fees and messages hang on (fees.md, 2).
 * `before` and `after` are the bookings around it; items that count as cancelled (an ended order's) have status `cancelled` in them.
 */
export interface Transaction {
  /** The causing event's id; `implied:booked` for the implied one. */
  readonly eventId: string;
  readonly type: string;
  /** A derived `booked` (new items) or `cancelled` (gone items): yields fees for scopes item, traveller and document only, and no message. */
  readonly derived: boolean;
  readonly at: Instant;
  readonly life: number;
  /** The ordinal among the transactions of its kind in this life, from 1. */
  readonly nth: number;
  readonly firstBookedAt: Instant | null;
  readonly orgUnit: string | null;
  readonly office: string | null;
  readonly agent: string | null;
  readonly channel: string | null;
  readonly initiator: string | null;
  readonly workMinutes: number | null;
  readonly refund: Refund | null;
  /** Ids in the order of the lists of the booking after it, then of those only before it. */
  readonly touched: { readonly items: readonly string[]; readonly documents: readonly string[]; readonly travellers: readonly string[] };
  /** Null at the first event (also after an implied booked): nothing is known to have changed. */
  readonly before: Booking | null;
  readonly after: Booking | null;
  /** The fees that the source delivers as they stood before and stand after: the difference is what this transaction delivers. */
  readonly delivered: { readonly before: readonly AgencyFee[]; readonly after: readonly AgencyFee[] };
}

export interface FoldResult {
  readonly state: OrderState;
  /** The transactions of the folded events, in fold order: of all events for `foldAll`, of the one for `foldNext`. */
  readonly transactions: readonly Transaction[];
}
