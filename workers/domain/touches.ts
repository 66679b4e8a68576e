import type { Booking, BookingEvent, Document, Item, Touches } from '../../schemas/booking-event.js';
import { documentsOf, itemTravellers, travellersOf, uncancelledItems } from './booking.js';
import type { Transaction } from './order.js';
import { saySame } from './stored-booking.js';

export type Touched = Transaction['touched'];

/** The bookings around a transaction; items of an ended order are cancelled in them. */
interface Around {
  readonly before: Booking | null;
  readonly after: Booking | null;
  /** The order had ended before: all of it counts as cancelled, travellers and documents with the items. */
  readonly wasEnded: boolean;
}

/** What an event's own transaction of the given type is about: as the event says, else by the type (fees.md, 2). References to nothing are left out. */
export function touchedByEvent(type: string, touches: Touches | null | undefined, around: Around): Touched {
  if (namesSomething(touches)) return follow(touches, around);
  switch (type) {
    case 'ticketed':
      return follow({ documents: newDocuments(around).map(idOf) }, around);
    case 'changed':
      return follow({ items: changedItems(around).map(idOf), documents: [] }, around);
    case 'cancelled':
    case 'no-show':
      return around.wasEnded ? nothing : union(everythingOf(around.after), everythingOf(around.before));
    default:
      return around.wasEnded ? nothing : everythingOf(around.after);
  }
}

/** Whether the event says what it touches: an empty list is named, a missing one is not. */
export const namesSomething = (touches: BookingEvent['touches']): touches is Touches => touches != null && (touches.items ?? touches.documents ?? touches.travellers) != null;

/** What the implied booked transaction touches: all of the booking, its cancelled items too (they were booked once). */
export function allOf(booking: Booking | null): Touched {
  return { items: (booking?.items ?? []).map(idOf), documents: documentsOf(booking).map(idOf), travellers: travellersOf(booking).map(idOf) };
}

/** What a later event has brought without being a booking itself: exactly the new things. An item that was cancelled before and is not any more is new. */
export function newThings({ before, after }: Around): Touched {
  return {
    items: without(uncancelledItems(after).map(idOf), uncancelledItems(before).map(idOf)),
    documents: without(documentsOf(after).map(idOf), documentsOf(before).map(idOf)),
    travellers: without(travellersOf(after).map(idOf), travellersOf(before).map(idOf)),
  };
}

/** Items that are gone or cancelled, with their travellers. */
export function goneThings({ before, after }: Around): Touched {
  if (before === null) return nothing;
  const left = new Set(uncancelledItems(after).map(idOf));
  const gone = uncancelledItems(before).filter((item) => !left.has(item.id));
  return { items: gone.map(idOf), documents: [], travellers: inOrder(allOf(before).travellers, gone.flatMap((item) => itemTravellers(item, before))) };
}

/** The touched things without those that another transaction of the same event and type has touched: a unit is charged once by them. */
export function except(touched: Touched, other: Touched): Touched {
  return {
    items: without(touched.items, other.items),
    documents: without(touched.documents, other.documents),
    travellers: without(touched.travellers, other.travellers),
  };
}

export const touchesNothing = ({ items, documents, travellers }: Touched): boolean => items.length + documents.length + travellers.length === 0;

/** Documents that were not there before the transaction. */
export function newDocuments({ before, after }: Pick<Around, 'before' | 'after'>): readonly Document[] {
  const known = new Set(documentsOf(before).map(idOf));
  return documentsOf(after).filter((document) => !known.has(document.id));
}

const nothing: Touched = { items: [], documents: [], travellers: [] };

/** The items there before and still there that differ; all items if no item differs, is new or gone. */
function changedItems({ before, after }: Around): readonly Item[] {
  const items = uncancelledItems(after);
  const known = new Map(uncancelledItems(before).map((item) => [item.id, item]));
  const kept = items.filter((item) => known.has(item.id));
  const differing = kept.filter((item) => !saySame(item, known.get(item.id)));
  const nothingDiffers = differing.length === 0 && kept.length === items.length && kept.length === known.size;
  return nothingDiffers ? items : differing;
}

/**
 * Completes what is named: a touched document touches its item and its traveller, a touched item its travellers, also one that a document has touched.
 * Documents never follow.
 */
function follow(named: Touches, { before, after }: Around): Touched {
  const [all, allBefore] = [allOf(after), allOf(before)];
  const documents = inOrder(mergeIds(all.documents, allBefore.documents), named.documents ?? []);
  const touchedDocuments = found(documents, documentsOf(after), documentsOf(before));
  const items = inOrder(mergeIds(all.items, allBefore.items), named.items ?? touchedDocuments.flatMap((document) => document.item ?? []));
  const travellers = named.travellers ?? [...touchedDocuments.flatMap((document) => document.traveller ?? []), ...travellersOfItems(items, before, after)];
  return { items, documents, travellers: inOrder(mergeIds(all.travellers, allBefore.travellers), travellers) };
}

/** An item's travellers are those after the transaction or, when it is gone, before. */
function travellersOfItems(ids: readonly string[], before: Booking | null, after: Booking | null): readonly string[] {
  const here = found(ids, after?.items ?? [], []);
  const known = new Set(here.map(idOf));
  const gone = found(ids.filter((id) => !known.has(id)), before?.items ?? [], []);
  return [
    ...(after === null ? [] : here.flatMap((item) => itemTravellers(item, after))),
    ...(before === null ? [] : gone.flatMap((item) => itemTravellers(item, before))),
  ];
}

/** All that is not cancelled. */
function everythingOf(booking: Booking | null): Touched {
  return { ...allOf(booking), items: uncancelledItems(booking).map(idOf) };
}

const union = (after: Touched, before: Touched): Touched => ({
  items: mergeIds(after.items, before.items),
  documents: mergeIds(after.documents, before.documents),
  travellers: mergeIds(after.travellers, before.travellers),
});

/** The things with these ids, each as it is in the first list that has it. */
function found<Thing extends { readonly id: string }>(ids: readonly string[], after: readonly Thing[], before: readonly Thing[]): readonly Thing[] {
  if (ids.length === 0) return [];
  const known = new Map([...before, ...after].map((thing) => [thing.id, thing]));
  return ids.flatMap((id) => known.get(id) ?? []);
}

const idOf = (thing: { readonly id: string }): string => thing.id;

/** The ids after, then those only before. */
function mergeIds(after: readonly string[], before: readonly string[]): readonly string[] {
  return before.length === 0 ? after : after.length === 0 ? before : [...new Set([...after, ...before])];
}

/** Those of `all` that are wanted: in their order, each once, references to nothing left out. */
function inOrder(all: readonly string[], wanted: readonly string[]): readonly string[] {
  if (all.length === 0 || wanted.length === 0) return [];
  const set = new Set(wanted);
  return all.filter((id) => set.has(id));
}

function without(ids: readonly string[], others: readonly string[]): readonly string[] {
  if (ids.length === 0 || others.length === 0) return ids;
  const set = new Set(others);
  return ids.filter((id) => !set.has(id));
}
