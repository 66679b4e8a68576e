import type { Booking, Item, Segment } from '../../../schemas/booking-event.js';
import { isCancelled, itemTravellers, travellersOf } from '../booking.js';
import { saySame } from '../stored-booking.js';

type Part = 'dates' | 'route' | 'class' | 'price' | 'travellers' | 'other';

const itemParts: Readonly<Record<string, Part>> = {
  start: 'dates', end: 'dates', nights: 'dates',
  origin: 'route', destination: 'route', country: 'route',
  bookingClass: 'class',
  price: 'price', travellerPrices: 'price',
  travellers: 'travellers', travellerCounts: 'travellers', childAges: 'travellers',
};
const segmentParts: Readonly<Record<string, Part>> = {
  departure: 'dates', arrival: 'dates', origin: 'route', destination: 'route', bookingClass: 'class',
};
const bookingParts: Readonly<Record<string, Part>> = {
  travelFrom: 'dates', travelUntil: 'dates', price: 'price', travellers: 'travellers', travellerCounts: 'travellers',
};

/**
 * What differs between two states of a booking, as the condition `changed` names it.
 *
 * @param onlyItem id of the item to which the question is confined, with its travellers; undefined: the whole booking
 */
export function changesBetween(before: Booking, after: Booking, onlyItem?: string): readonly string[] {
  const parts = new Set<Part>();
  if (onlyItem === undefined) compareBookings(before, after, parts);
  else {
    compareItems(itemsById(before).get(onlyItem), itemsById(after).get(onlyItem), parts);
    compareTravellersOfItem(before, after, onlyItem, parts);
  }
  return [...parts];
}

function compareBookings(before: Booking, after: Booking, parts: Set<Part>): void {
  compareFields(withoutLists(before), withoutLists(after), bookingParts, parts);
  comparePricesInLists(before, after, parts);
  const [old, now] = [itemsById(before), itemsById(after)];
  for (const id of new Set([...old.keys(), ...now.keys()])) compareItems(old.get(id), now.get(id), parts);
}

/** Items and documents are compared one by one. */
const withoutLists = ({ items: _items, documents: _documents, agencyFees: _agencyFees, ...rest }: Booking): object => rest;

function comparePricesInLists(before: Booking, after: Booking, parts: Set<Part>): void {
  const [old, now] = [before.documents ?? [], after.documents ?? []];
  const known = new Map(old.map((document) => [document.id, document]));
  if (old.length !== now.length) parts.add('other');
  for (const document of now) {
    const was = known.get(document.id);
    if (was === undefined) parts.add('other');
    else compareFields(was, document, { price: 'price' }, parts);
  }
  if (!saySame(before.agencyFees, after.agencyFees)) parts.add('other');
}

/** A cancelled item and one that is gone are the same. */
const itemsById = (booking: Booking): ReadonlyMap<string, Item> => new Map((booking.items ?? []).filter((item) => !isCancelled(item)).map((item) => [item.id, item]));

function compareItems(before: Item | undefined, after: Item | undefined, parts: Set<Part>): void {
  if (before === undefined || after === undefined) {
    if (before !== after) parts.add('other');
    return;
  }
  const { segments: oldSegments, ancillaries: oldAncillaries, ...old } = before;
  const { segments: newSegments, ancillaries: newAncillaries, ...now } = after;
  compareFields(old, now, itemParts, parts);
  compareSegments(oldSegments ?? [], newSegments ?? [], parts);
  compareLists(oldAncillaries ?? [], newAncillaries ?? [], { price: 'price' }, parts);
}

function compareSegments(before: readonly Segment[], after: readonly Segment[], parts: Set<Part>): void {
  if (before.length === after.length) compareLists(before, after, segmentParts, parts);
  else {
    parts.add('route');
    if (!saySame(before.map(times), after.map(times))) parts.add('dates');
  }
}

const times = ({ departure, arrival }: Segment): object => ({ departure, arrival });

function compareLists(before: readonly object[], after: readonly object[], known: Readonly<Record<string, Part>>, parts: Set<Part>): void {
  if (before.length !== after.length) parts.add('other');
  after.forEach((element, index) => compareFields(before[index] ?? element, element, known, parts));
}

function compareTravellersOfItem(before: Booking, after: Booking, itemId: string, parts: Set<Part>): void {
  const concerned = (booking: Booking): object | undefined => {
    const item = booking.items?.find(({ id }) => id === itemId);
    if (item === undefined) return undefined;
    const ids = new Set(itemTravellers(item, booking));
    return { travellers: travellersOf(booking).filter(({ id }) => ids.has(id)), counts: item.travellerCounts == null ? booking.travellerCounts : null };
  };
  const [old, now] = [concerned(before), concerned(after)];
  if (old !== undefined && now !== undefined && !saySame(old, now)) parts.add('travellers');
}

function compareFields(before: object, after: object, known: Readonly<Record<string, Part>>, parts: Set<Part>): void {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  for (const field of new Set([...old.keys(), ...now.keys()])) {
    if (!saySame(old.get(field), now.get(field))) parts.add(known[field] ?? 'other');
  }
}

const fieldsOf = (record: object): ReadonlyMap<string, unknown> => new Map(Object.entries(record));
