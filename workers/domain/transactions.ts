import type { Booking, BookingEvent } from '../../schemas/booking-event.js';
import type { Transaction } from './order.js';
import type { Touched } from './touches.js';

/** How many transactions of each kind a life has had. */
export type Counts = Readonly<Record<string, number>>;

/** A life of the order as its next transaction finds it. */
export interface Life {
  readonly number: number;
  readonly firstBookedAt: number | null;
  readonly counts: Counts;
}

interface Bookings {
  readonly before: Booking | null;
  readonly after: Booking | null;
}

/** The event's own transaction. `deliveredBefore` is the booking whose delivered fees it is compared with. */
export function ownTransaction(event: BookingEvent, type: string, life: Life, touched: Touched, bookings: Bookings, deliveredBefore: Booking | null): Transaction {
  return {
    ...circumstances(event, bookings.after),
    eventId: event.eventId,
    type,
    derived: false,
    at: event.occurredAt,
    ...ordinal(life, type),
    touched,
    ...bookings,
    delivered: { before: deliveredBefore?.agencyFees ?? [], after: bookings.after?.agencyFees ?? [] },
  };
}

/** One that follows from what is new or gone after the event; done where, by whom and how the event was. It delivers nothing: the own one has. */
export function derivedTransaction(event: BookingEvent, type: 'booked' | 'cancelled', life: Life, touched: Touched, bookings: Bookings): Transaction {
  const fees = bookings.after?.agencyFees ?? [];
  return { ...ownTransaction(event, type, life, touched, bookings, null), derived: true, delivered: { before: fees, after: fees } };
}

/** The booked transaction of a history that does not begin with one: none of the event's own fields is known to hold for it. */
export function impliedTransaction(booking: Booking | null, life: Life, touched: Touched): Transaction {
  return {
    orgUnit: booking?.orgUnit ?? null, office: null, agent: null, channel: null, initiator: null, workMinutes: null, refund: null,
    eventId: 'implied:booked',
    type: 'booked',
    derived: false,
    at: life.firstBookedAt ?? 0,
    ...ordinal(life, 'booked'),
    touched,
    before: null,
    after: booking,
    delivered: { before: [], after: booking?.agencyFees ?? [] },
  };
}

/** The life after one more transaction of a kind. */
export const counted = (life: Life, type: string): Life => ({ ...life, counts: { ...life.counts, [type]: countOf(life.counts, type) + 1 } });

/**
 * The ordinal is among all transactions of the kind in this life, derived and implied ones included:
 * fees.md calls them `booked` and `cancelled` transactions like any other and makes no exception for `nth`.
 */
function ordinal(life: Life, type: string): Pick<Transaction, 'life' | 'nth' | 'firstBookedAt'> {
  return { life: life.number, nth: countOf(life.counts, type) + 1, firstBookedAt: life.firstBookedAt };
}

/** A source may declare a kind that is also the name of an object's own method. */
const countOf = (counts: Counts, type: string): number => (Object.hasOwn(counts, type) ? (counts[type] ?? 0) : 0);

function circumstances(event: BookingEvent, after: Booking | null): Pick<Transaction, 'orgUnit' | 'office' | 'agent' | 'channel' | 'initiator' | 'workMinutes' | 'refund'> {
  return {
    orgUnit: event.orgUnit ?? after?.orgUnit ?? null,
    office: event.office ?? null,
    agent: event.agent ?? null,
    channel: event.channel ?? null,
    initiator: event.initiator ?? null,
    workMinutes: event.workMinutes ?? null,
    refund: event.refund ?? null,
  };
}
