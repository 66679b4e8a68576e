import { isDeepStrictEqual } from 'node:util';
import type { Booking, BookingEvent, Item, Price } from '../../../schemas/booking-event.js';
import { moneyOf, moneyText } from './money.js';

/** One step in an order's life, with the things that it is about. */
export interface Step {
  readonly eventId: string;
  readonly type: string;
  /** Follows from what is new or gone after an event, and is not the event's own. */
  readonly derived: boolean;
  readonly at: number;
  readonly life: number;
  readonly initiator: string | null;
  readonly items: readonly Item[];
  readonly documents: readonly string[];
}

/** What a booking comes to. */
export interface Replayed {
  readonly status: string;
  readonly ended: boolean;
  /** As the last event leaves it. */
  readonly booking: Booking | null;
  readonly price: Price | null;
  readonly life: number;
  readonly firstBookedAt: number | null;
  /** Steps of this life by type. */
  readonly counts: Readonly<Record<string, number>>;
  readonly steps: readonly Step[];
}

const ranks = ['booked', 'confirmed', 'ticketed', 'changed', 'reissued', 'refunded', 'voided', 'cancelled', 'no-show', 'travelled'];

/** The types that there are. */
export const knownTypes: ReadonlySet<string> = new Set(ranks);

/** Where one event stands to another of its booking: negative, it comes before. */
export function compare(one: BookingEvent, other: BookingEvent, byVersion: boolean): number {
  const second = (event: BookingEvent): number => Math.floor(event.occurredAt / 1_000);
  const first = byVersion ? (one.version ?? 0) - (other.version ?? 0) : second(one) - second(other);
  return first || ranks.indexOf(one.type) - ranks.indexOf(other.type) || one.occurredAt - other.occurredAt || (one.eventId < other.eventId ? -1 : 1);
}

export const allVersioned = (events: readonly BookingEvent[]): boolean => events.every((event) => event.version != null);

interface Order {
  status: string;
  ended: boolean;
  booking: Booking | null;
  /** As the last step left it: a `ticketed` that brings no document is no step, and what it says is compared with the next one. */
  compared: Booking | null;
  price: Price | null;
  life: number;
  firstBookedAt: number | null;
  counts: Record<string, number>;
  voided: Set<string>;
  steps: Step[];
}

/**
 * Plays the whole history of a booking from its beginning, whatever the order in which it came: the plain reading of the design, slow and without memory.
 * Knows what the generated bookings do and no more.
 * @throws Error at an event that it has no reading for
 */
export function replay(events: readonly BookingEvent[]): Replayed {
  const byVersion = allVersioned(events);
  const sorted = [...events].sort((one, other) => compare(one, other, byVersion));
  const [first] = sorted;
  if (first === undefined) throw new Error('a booking without events cannot be replayed');
  const order: Order = { status: 'booked', ended: false, booking: null, compared: null, price: null, life: 0, firstBookedAt: null, counts: {}, voided: new Set(), steps: [] };
  if (first.type !== 'booked') imply(order, first);
  for (const event of sorted) play(order, event);
  return order;
}

/** A history that begins with something else was booked before, without documents; what a cancellation shows as cancelled was open then. */
function imply(order: Order, event: BookingEvent): void {
  const { documents: _issuedLater, ...booked } = kept(event.booking) ?? {};
  const items = (booked.items ?? []).map((item) => (event.type === 'cancelled' && item.status === 'cancelled' ? { ...item, status: 'open' } : item));
  const booking = event.booking == null ? null : { ...booked, ...(booked.items === undefined ? {} : { items }) };
  const at = booking?.bookedAt ?? event.occurredAt;
  Object.assign(order, { status: open(booking), booking, compared: booking, price: priceOf(booking), life: 1, firstBookedAt: at });
  step(order, { eventId: 'implied:booked', type: 'booked', derived: false, at, initiator: null, items: booking?.items ?? [], documents: [] });
}

function play(order: Order, event: BookingEvent): void {
  const begins = event.type === 'booked' && (order.life === 0 || order.ended);
  const wasEnded = order.ended && !begins;
  const type = event.type === 'booked' && !begins ? 'changed' : event.type;
  const body = kept(event.booking);
  const before = order.compared;
  const after = body ?? order.booking;
  if (isSilent(event.type, begins, before, after)) {
    order.booking = after;
    order.status = statusAfter(order, event.type, order.ended, after);
    order.price = order.ended ? (order.price ?? priceOf(after)) : priceOf(after);
    return;
  }
  if (begins) Object.assign(order, { life: order.life + 1, firstBookedAt: event.occurredAt, counts: {}, voided: new Set(), status: 'booked', ended: false, price: null });
  const [itemsBefore, itemsAfter] = [wasEnded || begins ? [] : openItems(before), wasEnded ? [] : openItems(after)];
  const about = thingsOf(type, event, { before, after, itemsBefore, itemsAfter });
  const told = { eventId: event.eventId, at: event.occurredAt, initiator: event.initiator ?? null };
  step(order, { ...told, type, derived: false, ...about });
  const endsNow = wasEnded || type === 'cancelled';
  const endsByLoss = !begins && !endsNow && derive(order, told, { before, after, itemsBefore, itemsAfter });
  const ends = endsNow || endsByLoss;
  if (event.type === 'voided') for (const id of about.documents) order.voided.add(id);
  order.status = begins ? open(after) : statusAfter(order, event.type, ends, after);
  order.price = !ends ? priceOf(after) : wasEnded ? (order.price ?? priceOf(body)) : (priceOf(body) ?? order.price);
  order.ended = ends;
  order.booking = after;
  order.compared = after;
}

interface Around {
  readonly before: Booking | null;
  readonly after: Booking | null;
  readonly itemsBefore: readonly Item[];
  readonly itemsAfter: readonly Item[];
}

/** No step of its own: tickets that are known, and a booking that is told again as it is. */
function isSilent(type: string, begins: boolean, before: Booking | null, after: Booking | null): boolean {
  if (type === 'ticketed') return newOf(documentIds(before), documentIds(after)).length === 0;
  return type === 'booked' && !begins && isDeepStrictEqual(before, after);
}

/** What an event is about, as far as any price depends on it: `changed` is charged as a whole. */
function thingsOf(type: string, event: BookingEvent, { before, after, itemsBefore, itemsAfter }: Around): Pick<Step, 'items' | 'documents'> {
  const named = event.touches?.documents;
  if (event.touches != null && (named == null || event.touches.items != null || event.touches.travellers != null)) throw new Error(`${event.eventId}: only touched documents are known here`);
  if (named != null) {
    if (type === 'cancelled') throw new Error(`${event.eventId}: a cancellation of some documents is not known here`);
    return { items: [], documents: [...new Set([...documentIds(after), ...documentIds(before)])].filter((id) => named.includes(id)) };
  }
  switch (type) {
    case 'booked': return { items: itemsAfter, documents: [] };
    case 'ticketed': return { items: [], documents: newOf(documentIds(before), documentIds(after)) };
    case 'cancelled': return { items: [...itemsAfter, ...itemsBefore.filter(({ id }) => !itemsAfter.some((item) => item.id === id))], documents: [] };
    default: return { items: [], documents: [] };
  }
}

/** What is new was also booked, what is gone also cancelled. Says whether nothing is left. */
function derive(order: Order, told: Pick<Step, 'eventId' | 'at' | 'initiator'>, { before, after, itemsBefore, itemsAfter }: Around): boolean {
  const added = itemsAfter.filter(({ id }) => !itemsBefore.some((item) => item.id === id));
  const documents = newOf(documentIds(before), documentIds(after));
  const travellers = newOf((before?.travellers ?? []).map(({ id }) => id), (after?.travellers ?? []).map(({ id }) => id));
  const gone = itemsBefore.filter(({ id }) => !itemsAfter.some((item) => item.id === id));
  if (added.length + documents.length + travellers.length > 0) step(order, { ...told, type: 'booked', derived: true, items: added, documents });
  if (gone.length > 0) step(order, { ...told, type: 'cancelled', derived: true, items: gone, documents: [] });
  return gone.length > 0 && itemsAfter.length === 0;
}

function step(order: Order, told: Omit<Step, 'life'>): void {
  order.steps.push({ ...told, life: order.life });
  order.counts[told.type] = (order.counts[told.type] ?? 0) + 1;
}

function statusAfter({ status, ended, voided }: Order, type: string, ends: boolean, booking: Booking | null): string {
  const next = type === 'no-show' || type === 'travelled' ? type
    : ends && !ended ? 'cancelled'
      : ended || status === 'no-show' || status === 'travelled' ? status
        : type === 'confirmed' ? 'booked'
          : type === 'ticketed' ? 'ticketed'
            : status;
  const documents = booking?.documents ?? [];
  const allVoided = documents.length > 0 && documents.every(({ id, status: own }) => own === 'void' || own === 'voided' || voided.has(id));
  if (next === 'booked' || next === 'option' || (next === 'ticketed' && allVoided)) return open(booking);
  return next;
}

const open = (booking: Booking | null): string => (booking?.isOption === true ? 'option' : 'booked');

export const openItems = (booking: Booking | null): readonly Item[] => (booking?.items ?? []).filter(({ status }) => status !== 'cancelled');

const documentIds = (booking: Booking | null): readonly string[] => (booking?.documents ?? []).map(({ id }) => id);

const newOf = (before: readonly string[], after: readonly string[]): readonly string[] => after.filter((id) => !before.includes(id));

/** Its own, else the sum of what is open; unknown where nothing has a price. */
function priceOf(booking: Booking | null): Price | null {
  if (booking?.price != null) return booking.price;
  const prices = openItems(booking).flatMap(({ price }) => price ?? []);
  const [first] = prices;
  if (first === undefined) return null;
  return { currency: first.currency, total: moneyText(prices.reduce((sum, { total }) => sum + moneyOf(total), 0n)) };
}

/** Without nulls (they say nothing) and without what no order keeps. */
function kept(booking: Booking | null | undefined): Booking | null {
  if (booking == null) return null;
  const { sensitive: _encrypted, ...rest }: Booking = JSON.parse(JSON.stringify(booking, (_, value: unknown) => (value === null ? undefined : value)));
  return rest;
}
