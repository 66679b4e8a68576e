import type { Booking, BookingEvent, Price } from '../../schemas/booking-event.js';
import { bookingPrice, uncancelledItems, withItemsCancelled } from './booking.js';
import { compareEvents, placeOf } from './event-order.js';
import type { FoldResult, OrderState, Transaction } from './order.js';
import { bookedStatus, statusAfter } from './order-status.js';
import { saySame, storedBooking } from './stored-booking.js';
import { allOf, except, goneThings, newDocuments, newThings, touchedByEvent, touchesNothing, type Touched } from './touches.js';
import { counted, derivedTransaction, impliedTransaction, ownTransaction, type Life } from './transactions.js';

/**
 * Folds a booking's whole history: sorts it into fold order, whatever the order of arrival, and takes event after event.
 * Each event id stands in it once. The result is that of `foldNext` over the same events in order.
 */
export function foldAll(events: readonly BookingEvent[]): FoldResult {
  const versioned = events.every((event) => event.version != null);
  const transactions: Transaction[] = [];
  let state: OrderState | null = null;
  for (const event of events.toSorted(compareEvents(versioned))) {
    const next: FoldResult = foldNext(state, event);
    state = next.state;
    transactions.push(...next.transactions);
  }
  if (state === null) throw new Error('a history without events has no state');
  return { state, transactions };
}

/**
 * Folds one event that is in order (`isInOrder`; for a later one fold the whole history again) and returns the transactions of this event alone:
 * the implied booked one if the history does not begin with `booked`, the event's own, a derived `booked` and a derived `cancelled`.
 * None at all is possible: a `booked` that repeats what is known, a `ticketed` without a new document.
 */
export function foldNext(state: OrderState | null, event: BookingEvent): FoldResult {
  const body = event.booking == null ? null : storedBooking(event.booking);
  if (state !== null || event.type === 'booked') return fold(state, event, body);
  const implied = foldImplied(event, body);
  const first = fold(implied.state, event, body);
  return { state: first.state, transactions: [...implied.transactions, ...first.transactions] };
}

/** The event in the light of what was before it. */
interface Step {
  /** Begins a life: `booked` on nothing or after a cancellation. */
  readonly begins: boolean;
  /** The kind of the event's own transaction: `booked` on a living order counts as changed. */
  readonly type: string;
  /** As the last transaction left it, and as the event leaves it, as they are stored. */
  readonly base: Booking | null;
  readonly booking: Booking | null;
}

function fold(state: OrderState | null, event: BookingEvent, body: Booking | null): FoldResult {
  const step = stepOf(state, event, body);
  if (state !== null && isSilent(event, step)) return silently(state, event, step);
  const before = state?.ended === true ? asEnded(step.base) : step.base;
  const wasEnded = state?.ended === true && !step.begins;
  const afterIfAlive = wasEnded ? asEnded(step.booking) : step.booking;
  const touched = touchedByEvent(step.type, event.touches, { before, after: afterIfAlive, wasEnded });
  const endedByOwn = wasEnded || (step.type === 'cancelled' && !leavesAnItem(step.booking, touched));
  const after = endedByOwn ? asEnded(step.booking) : afterIfAlive;
  const bookings = { before: isFirst(state) ? null : before, after };
  const life = lifeOf(state, event, step);

  const transactions = [ownTransaction(event, step.type, life, touched, bookings, step.base)];
  const derived = step.begins || endedByOwn ? [] : derive(event, { before, after, wasEnded }, { type: step.type, touched });
  let lived = counted(life, step.type);
  for (const { type, touched: things } of derived) {
    transactions.push(derivedTransaction(event, type, lived, things, bookings));
    lived = counted(lived, type);
  }
  const ended = endedByOwn || (derived.some(({ type }) => type === 'cancelled') && uncancelledItems(after).length === 0);
  return { state: stateAfter(state, event, step, { touched, ended, life: lived, body }), transactions };
}

function stepOf(state: OrderState | null, event: BookingEvent, body: Booking | null): Step {
  const begins = event.type === 'booked' && (state === null || state.ended);
  return {
    begins,
    type: event.type === 'booked' && !begins ? 'changed' : event.type,
    base: state === null ? null : state.before === null ? state.booking : state.before.booking,
    booking: body ?? state?.booking ?? null,
  };
}

/** Only the state that implies a booking has taken no event yet. */
const isFirst = (state: OrderState | null): boolean => state === null || state.eventCount === 0;

/** Without a transaction of its own: nothing follows from it either. */
function isSilent(event: BookingEvent, { begins, base, booking }: Step): boolean {
  if (event.type === 'ticketed') return newDocuments({ before: base, after: booking }).length === 0;
  return event.type === 'booked' && !begins && saySame(base, booking);
}

function silently(state: OrderState, event: BookingEvent, { base, booking }: Step): FoldResult {
  const { ended, voidedDocuments } = state;
  return {
    state: {
      ...state,
      status: statusAfter(state, event, { begun: false, ended, booking, voidedDocuments }),
      versioned: state.versioned && event.version != null,
      last: placeOf(event),
      eventCount: state.eventCount + 1,
      booking,
      before: saySame(booking, base) ? null : { booking: base },
      price: ended ? (state.price ?? bookingPrice(booking)) : bookingPrice(booking),
    },
    transactions: [],
  };
}

/** Whether a `cancelled` leaves an item that it does not touch, and so lets the order live. */
function leavesAnItem(booking: Booking | null, touched: Touched): boolean {
  const cancelled = new Set(touched.items);
  return uncancelledItems(booking).some((item) => !cancelled.has(item.id));
}

const asEnded = (booking: Booking | null): Booking | null => (booking === null ? null : withItemsCancelled(booking));

/**
 * No fee leaks through a change: what is new is also booked, what is gone also cancelled.
 * What the event's own `cancelled` touches is cancelled once, not twice.
 */
function derive(event: BookingEvent, around: Parameters<typeof newThings>[0], own: { readonly type: string; readonly touched: Touched }) {
  if (event.booking == null && around.before === around.after) return [];
  const gone = goneThings(around);
  return [
    { type: 'booked', touched: newThings(around) } as const,
    { type: 'cancelled', touched: own.type === 'cancelled' ? except(gone, own.touched) : gone } as const,
  ].filter(({ touched }) => !touchesNothing(touched));
}

function lifeOf(state: OrderState | null, event: BookingEvent, { begins }: Step): Life {
  if (state === null || begins) return { number: (state?.life ?? 0) + 1, firstBookedAt: event.occurredAt, counts: {} };
  return { number: state.life, firstBookedAt: state.firstBookedAt, counts: state.counts };
}

interface Outcome {
  readonly touched: Touched;
  readonly ended: boolean;
  readonly life: Life;
  readonly body: Booking | null;
}

function stateAfter(state: OrderState | null, event: BookingEvent, { begins, booking }: Step, { touched, ended, life, body }: Outcome): OrderState {
  const voidedBefore = begins ? [] : (state?.voidedDocuments ?? []);
  const voidedDocuments = event.type === 'voided' ? [...new Set([...voidedBefore, ...touched.documents])] : voidedBefore;
  return {
    status: statusAfter(state, event, { begun: begins, ended, booking, voidedDocuments }),
    versioned: (state?.versioned ?? true) && event.version != null,
    last: placeOf(event),
    eventCount: (state?.eventCount ?? 0) + 1,
    booking,
    ended,
    life: life.number,
    firstBookedAt: life.firstBookedAt,
    counts: life.counts,
    before: null,
    voidedDocuments,
    price: ended && state !== null ? endedPrice(state, body) : bookingPrice(booking),
  };
}

/**
 * An ended order keeps the price it had; one that comes with the end, as the booking's own or by items that its body still counts, replaces it.
 * An order that never had a price takes the first that it hears of.
 */
function endedPrice(state: OrderState, body: Booking | null): Price | null {
  return state.ended ? (state.price ?? bookingPrice(body)) : (bookingPrice(body) ?? state.price);
}

/**
 * What an order was before its first event, if that is not `booked`: booked, with the first event's state but for its documents.
 * What a first `cancelled` shows as cancelled counts as booked until then, so that this event can cancel it.
 */
function foldImplied(event: BookingEvent, body: Booking | null): FoldResult {
  const booking = body === null ? null : impliedBooking(body, event.type);
  const bookedAt = body?.bookedAt ?? event.occurredAt;
  const life: Life = { number: 1, firstBookedAt: bookedAt, counts: {} };
  const transaction = impliedTransaction(bookedAt, booking, life, allOf(booking));
  const state: OrderState = {
    status: bookedStatus(booking),
    versioned: true,
    last: placeOf(event),
    booking,
    ended: false,
    life: life.number,
    firstBookedAt: life.firstBookedAt,
    counts: counted(life, 'booked').counts,
    before: null,
    voidedDocuments: [],
    price: bookingPrice(booking),
    eventCount: 0,
  };
  return { state, transactions: [transaction] };
}

function impliedBooking(body: Booking, type: string): Booking {
  const { documents: _later, ...booking } = body;
  if (type !== 'cancelled' || booking.items == null) return booking;
  return { ...booking, items: booking.items.map((item) => (item.status === 'cancelled' ? { ...item, status: 'open' } : item)) };
}
