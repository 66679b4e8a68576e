import type { BookingEvent } from '../../../schemas/booking-event.js';
import { compareEvents, isInOrder } from '../../domain/event-order.js';
import { foldAll, foldNext } from '../../domain/fold.js';
import type { OrderState, Transaction } from '../../domain/order.js';
import type { StoredOrder } from '../../store/orders.js';
import type { NewEvent } from './batch.js';

/** An order with the new events of a batch folded in. */
export interface FoldedOrder {
  readonly id: string;
  readonly source: string;
  readonly bookingRef: string;
  /** The order as it was before; null: these are its first events. */
  readonly stored: StoredOrder | null;
  readonly state: OrderState;
  readonly transactions: readonly Transaction[];
  /** `transactions` are those of the whole history, not only of the new events. */
  readonly complete: boolean;
  readonly newEvents: readonly BookingEvent[];
  readonly lateCount: number;
}

export interface OrderEvents {
  readonly id: string;
  readonly stored: StoredOrder | null;
  /** In order of offset. */
  readonly events: readonly BookingEvent[];
}

/** The new events by order, orders in order of id. */
export function eventsByOrder(fresh: readonly NewEvent[], stored: ReadonlyMap<string, StoredOrder>): readonly OrderEvents[] {
  const byOrder = new Map<string, BookingEvent[]>();
  for (const { orderId, event } of fresh) {
    const events = byOrder.get(orderId);
    if (events === undefined) byOrder.set(orderId, [event]);
    else events.push(event);
  }
  return [...byOrder].map(([id, events]) => ({ id, stored: stored.get(id) ?? null, events })).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The fast path: every new event comes last in fold order, so the state is all it takes. Null when one of them is late: then the history is needed. */
export function foldInOrder(order: OrderEvents): FoldedOrder | null {
  let state: OrderState | null = order.stored?.state ?? null;
  const transactions: Transaction[] = [];
  for (const event of order.events) {
    if (state !== null && !isInOrder(state, event)) return null;
    const next = foldNext(state, event);
    state = next.state;
    transactions.push(...next.transactions);
  }
  return state === null ? null : folded(order, state, transactions, order.stored === null, 0);
}

/** The slow path: folds the stored history and the new events together. */
export function foldWithHistory(order: OrderEvents, history: readonly BookingEvent[]): FoldedOrder {
  const { state, transactions } = foldAll([...history, ...order.events]);
  return folded(order, state, transactions, true, countLate(history, order.events));
}

function folded(order: OrderEvents, state: OrderState, transactions: readonly Transaction[], complete: boolean, lateCount: number): FoldedOrder {
  const [first] = order.events;
  if (first === undefined) throw new Error(`order ${order.id} has no new events`);
  return { id: order.id, source: first.source, bookingRef: first.bookingRef, stored: order.stored, state, transactions, complete, newEvents: order.events, lateCount };
}

/**
 * How many of `events` are late: their place is not the last among the history and those before them;
 * the one that turns an order by versions into an order by time is late too.
 */
function countLate(history: readonly BookingEvent[], events: readonly BookingEvent[]): number {
  const seen = [...history];
  let versioned = seen.every((event) => event.version != null);
  let last = lastOf(seen, versioned);
  let late = 0;
  for (const event of events) {
    seen.push(event);
    const turns: boolean = versioned && event.version == null && last !== null;
    if (event.version == null) versioned = false;
    if (turns) last = lastOf(seen, versioned);
    if (turns || (last !== null && compareEvents(versioned)(last, event) > 0)) late += 1;
    else last = event;
  }
  return late;
}

function lastOf(events: readonly BookingEvent[], versioned: boolean): BookingEvent | null {
  const compare = compareEvents(versioned);
  return events.reduce<BookingEvent | null>((last, event) => (last === null || compare(event, last) > 0 ? event : last), null);
}
