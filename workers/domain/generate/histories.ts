import type { Booking, BookingEvent, Document, Item, Touches } from '../../../schemas/booking-event.js';
import type { Population } from './people.js';
import { createRandom, type Random } from './random.js';
import { addDays, centsOf, dayLength, dayOf, insuranceFor, moneyOf, priceOf, totalOf, tripOf, type Trip } from './trips.js';

export interface HistorySettings extends Population {
  /** Everything has happened by then, the youngest of it minutes before. */
  readonly now: number;
}

/** One step of a history: what happens, and the booking after it. */
interface Step extends Partial<Pick<BookingEvent, 'touches' | 'refund' | 'initiator'>> {
  readonly type: string;
  readonly booking: Booking | null;
}

const hour = 3_600_000;

/** All events of booking `index`, as they happened: booked, then perhaps ticketed, changed, cancelled, booked anew, travelled, … */
export function historyOf(settings: HistorySettings, index: number): readonly BookingEvent[] {
  const random = createRandom(settings.seed, 'booking', index);
  const isOver = random.chance(0.15);
  // Six of ten bookings are so young that their messages are still worth sending.
  const age = isOver ? random.whole(8 * 24, 30 * 24) : random.chance(0.6) ? random.whole(1, 40) : random.whole(41, 30 * 24);
  const bookedAt = seconds(settings.now - age * hour - random.whole(0, hour));
  const start = isOver ? dayOf(bookedAt + random.whole(2, 4) * dayLength) : dayOf(settings.now + random.whole(3, 200) * dayLength);
  const nights = isOver ? random.whole(1, 3) : random.whole(1, 14);
  const trip = tripOf(random, settings, index, start, nights);
  const steps = stepsOf(random, trip, isOver);
  const lastAt = isOver ? Date.parse(addDays(start, nights)) + 18 * hour : settings.now - random.whole(60_000, 30 * 60_000);
  return steps.map((step, number) => eventOf(trip, step, number, seconds(bookedAt + (number / Math.max(1, steps.length - 1)) * (lastAt - bookedAt) * (isOver ? 1 : 0.9))));
}

function eventOf({ source, bookingRef, versioned, channel, office, agent }: Trip, { type, booking, ...about }: Step, number: number, occurredAt: number): BookingEvent {
  return {
    eventId: `${bookingRef}-${number + 1}`, source, type, bookingRef, ...(versioned ? { version: number + 1 } : {}), occurredAt,
    channel, office, ...(agent === null ? {} : { agent }), ...about, ...(booking === null ? {} : { booking }),
  };
}

function stepsOf(random: Random, trip: Trip, isOver: boolean): readonly Step[] {
  const isOption = trip.source === 'tours' && random.chance(0.12);
  const steps: Step[] = [{ type: 'booked', booking: { ...trip.booking, ...(isOption ? { isOption: true } : {}) } }];
  let booking = trip.booking;
  const then = (step: Step): void => {
    booking = step.booking ?? booking;
    steps.push(step);
  };
  if (isOption && (isOver || random.chance(0.7))) then({ type: 'confirmed', booking });
  if (trip.source === 'gds' && (isOver || random.chance(0.85))) then({ type: 'ticketed', booking: ticketed(booking, trip.bookingRef) });
  for (let changes = random.pick([0, 0, 0, 1, 1, 2]); changes > 0; changes--) then(changeOf(random, booking, trip));
  if (isOver) return [...steps, { type: random.chance(0.92) ? 'travelled' : 'no-show', booking }];
  if (!random.chance(0.16)) return steps;
  for (const step of ending(random, booking)) then(step);
  // Some think better of it.
  return random.chance(0.15) ? [...steps, { type: 'booked', booking: trip.booking }] : steps;
}

/** A ticket for every traveller. */
function ticketed(booking: Booking, bookingRef: string): Booking {
  const [item] = booking.items ?? [];
  const travellers = booking.travellers ?? [];
  const share = Math.floor(centsOf(item?.price?.total ?? '0') / Math.max(1, travellers.length));
  return { ...booking, documents: travellers.map(({ id }): Document => ({ id: `220-${bookingRef}${id}`, type: 'TICKET', item: item?.id ?? null, traveller: id, price: priceOf(share) })) };
}

function changeOf(random: Random, booking: Booking, trip: Trip): Step {
  const [first, ...others] = booking.items ?? [];
  if (first === undefined) return { type: 'changed', booking };
  const documents = booking.documents ?? [];
  if (documents.length > 0 && random.chance(0.3)) return reissueOf(booking, documents);
  switch (random.pick(['dates', 'price', 'class', 'extra', 'remark'])) {
    case 'dates': return { type: 'changed', initiator: 'customer', booking: withItems(booking, [shifted(first, random.whole(1, 9)), ...others]) };
    case 'price': return { type: 'changed', initiator: 'supplier', booking: withItems(booking, [{ ...first, price: priceOf(centsOf(first.price?.total ?? '0') + random.whole(-2_000, 6_000)) }, ...others]) };
    case 'class': return { type: 'changed', booking: withItems(booking, [{ ...first, bookingClass: first.product === 'flight' ? 'J' : '1' }, ...others]) };
    case 'extra': return others.length > 0
      ? { type: 'changed', booking: withItems(booking, [first, ...others.map((item) => ({ ...item, status: 'cancelled' }))]) }
      : { type: 'changed', booking: withItems(booking, [first, insuranceFor(first, centsOf(first.price?.total ?? '0'))]) };
    default: return { type: 'changed', booking: { ...booking, remarks: [{ type: 'internal', text: `called by ${trip.agent ?? 'the customer'}` }] } };
  }
}

/** The first document is exchanged for a new one. */
function reissueOf(booking: Booking, [old, ...kept]: readonly Document[]): Step {
  if (old === undefined) return { type: 'changed', booking };
  const exchanged = { ...old, id: `${old.id}R`, originalId: old.id };
  return { type: 'reissued', touches: touching([exchanged]), booking: { ...booking, documents: [exchanged, ...kept] } };
}

/** How a booking ends before the journey: tickets are voided first or refunded afterwards; some systems send no body with it. */
function ending(random: Random, booking: Booking): readonly Step[] {
  const documents = booking.documents ?? [];
  const cancelled: Step = { type: 'cancelled', initiator: random.pick(['customer', 'customer', 'supplier']), booking: random.chance(0.5) ? null : { ...booking, items: (booking.items ?? []).map((item) => ({ ...item, status: 'cancelled' })) } };
  if (documents.length === 0) return [cancelled];
  const touches = touching(documents);
  if (random.chance(0.3)) return [{ type: 'voided', touches, booking: { ...booking, documents: documents.map((document) => ({ ...document, status: 'voided' })) } }, cancelled];
  const paid = documents.reduce((sum, { price }) => sum + centsOf(price?.total ?? '0'), 0);
  const penalty = Math.min(paid, random.whole(0, 15_000));
  return [cancelled, { type: 'refunded', touches, refund: { amount: moneyOf(paid - penalty), penalty: moneyOf(penalty), currency: 'EUR' }, booking: null }];
}

const touching = (documents: readonly Document[]): Touches => ({ documents: documents.map(({ id }) => id) });

const withItems = (booking: Booking, items: readonly Item[]): Booking => ({ ...booking, items, ...(booking.price == null ? {} : { price: totalOf(items) }) });

function shifted(item: Item, days: number): Item {
  const segments = item.segments?.map((segment) => ({ ...segment, departure: segment.departure == null ? null : `${addDays(segment.departure.slice(0, 10), days)}${segment.departure.slice(10)}` }));
  return { ...item, ...(item.start == null ? {} : { start: addDays(item.start, days) }), ...(item.end == null ? {} : { end: addDays(item.end, days) }), ...(segments === undefined ? {} : { segments }) };
}

const seconds = (instant: number): number => Math.floor(instant / 1000) * 1000;
