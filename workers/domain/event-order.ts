import type { BookingEvent } from '../../schemas/booking-event.js';
import type { EventPlace, OrderState } from './order.js';

/** Of events at the same moment the one with the lower rank comes first; kinds that a source declares stand between ticketed and changed. */
const ranks: ReadonlyMap<string, number> = new Map([
  ['booked', 0], ['confirmed', 1], ['ticketed', 2], ['changed', 4], ['reissued', 5], ['refunded', 6], ['voided', 7], ['cancelled', 8], ['no-show', 9], ['travelled', 10],
]);
const declaredKindRank = 3;

/** What the place of an event in the fold is made of. */
export function placeOf(event: BookingEvent): EventPlace {
  return {
    version: event.version ?? null,
    rank: ranks.get(event.type) ?? declaredKindRank,
    occurredAt: event.occurredAt,
    eventId: event.eventId,
  };
}

/**
 * The fold order of a booking's events, as a comparator for `sort`.
 * `versioned` says that every event of the booking has a version: then (version, rank, occurred at, event id) decides,
 * else (occurred at cut to the second, rank, occurred at, event id).
 */
export function compareEvents(versioned: boolean): (left: BookingEvent, right: BookingEvent) => number {
  return (left, right) => comparePlaces(placeOf(left), placeOf(right), versioned);
}

/**
 * Whether an event may be folded onto the state by `foldNext`. It may not, and is late, when its place is not after the last one,
 * or when it has no version and so turns an order by versions into an order by time.
 */
export function isInOrder(state: OrderState, event: BookingEvent): boolean {
  if (state.versioned && event.version == null) return false;
  return comparePlaces(state.last, placeOf(event), state.versioned) < 0;
}

function comparePlaces(left: EventPlace, right: EventPlace, versioned: boolean): number {
  const major = versioned ? (left.version ?? 0) - (right.version ?? 0) : second(left) - second(right);
  return major || left.rank - right.rank || left.occurredAt - right.occurredAt || compareCodePoints(left.eventId, right.eventId);
}

const second = (place: EventPlace): number => Math.floor(place.occurredAt / 1000);

/** Compares texts by code point: unlike `<`, which compares UTF-16 units and puts U+1F600 before U+FF5E. */
export function compareCodePoints(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const [leftUnit, rightUnit] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (leftUnit !== rightUnit) return codePointRank(leftUnit) - codePointRank(rightUnit);
  }
  return left.length - right.length;
}

/** Surrogates (U+D800–DFFF) belong to code points above all others. */
const codePointRank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
