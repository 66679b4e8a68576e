import type { AgencyFee, Booking, BookingEvent } from '../../schemas/booking-event.js';
import type { Instant } from '../../schemas/scalars.js';
import type { Transaction } from './order.js';
import type { Touched } from './touches.js';

/** How many transactions of each kind a life has had. */
export type Counts = Readonly<Record<string, number>>;

/** A life of the order as its next transaction finds it. */
export interface Life {
  readonly number: number;
  readonly firstBookedAt: Instant | null;
  readonly counts: Counts;
}

interface Bookings {
  readonly before: Booking | null;
  readonly after: Booking | null;
}

/** The event's own transaction. `deliveredBefore` is the booking whose delivered fees it is compared with. */
export function ownTransaction(event: BookingEvent, type: string, life: Life, touched: Touched, bookings: Bookings, deliveredBefore: Booking | null): Transaction {
  return transactionOf(event, type, false, life, touched, bookings, deliveredBefore?.agencyFees ?? []);
}

/** One that follows from what is new or gone after the event; done where, by whom and how the event was. It delivers nothing: the own one has. */
export function derivedTransaction(event: BookingEvent, type: 'booked' | 'cancelled', life: Life, touched: Touched, bookings: Bookings): Transaction {
  return transactionOf(event, type, true, life, touched, bookings, bookings.after?.agencyFees ?? []);
}

/** The booked transaction of a history that does not begin with one: none of the event's own fields is known to hold for it. */
export function impliedTransaction(at: Instant, booking: Booking | null, life: Life, touched: Touched): Transaction {
  const source = { eventId: 'implied:booked', occurredAt: at };
  return transactionOf(source, 'booked', false, life, touched, { before: null, after: booking }, []);
}

/** The fields of an event that a transaction takes over. */
type Cause = Pick<BookingEvent, 'eventId' | 'occurredAt' | 'orgUnit' | 'office' | 'agent' | 'channel' | 'initiator' | 'workMinutes' | 'refund'>;

/**
 * The ordinal is among all transactions of the kind in this life, derived and implied ones included:
 * fees.md calls them `booked` and `cancelled` transactions like any other and makes no exception for `nth`.
 * Written out field by field: spreading into a literal of this size costs ten times as much.
 */
function transactionOf(cause: Cause, type: string, derived: boolean, life: Life, touched: Touched, { before, after }: Bookings, deliveredBefore: readonly AgencyFee[]): Transaction {
  return {
    eventId: cause.eventId,
    type,
    derived,
    at: cause.occurredAt,
    life: life.number,
    nth: countOf(life.counts, type) + 1,
    firstBookedAt: life.firstBookedAt,
    orgUnit: cause.orgUnit ?? after?.orgUnit ?? null,
    office: cause.office ?? null,
    agent: cause.agent ?? null,
    channel: cause.channel ?? null,
    initiator: cause.initiator ?? null,
    workMinutes: cause.workMinutes ?? null,
    refund: cause.refund ?? null,
    touched,
    before,
    after,
    delivered: { before: deliveredBefore, after: after?.agencyFees ?? [] },
  };
}

/** The life after one more transaction of a kind. */
export const counted = (life: Life, type: string): Life => ({ ...life, counts: { ...life.counts, [type]: countOf(life.counts, type) + 1 } });

/** A source may declare a kind that is also the name of an object's own method. */
const countOf = (counts: Counts, type: string): number => (Object.hasOwn(counts, type) ? (counts[type] ?? 0) : 0);
