import { daysOf } from '../../../schemas/dates.js';
import type { Booking, Document, Item, Payment, Price, Traveller } from '../../../schemas/booking-event.js';
import type { FeeScope } from '../../../schemas/fee-table.js';
import type { LocalDate } from '../../../schemas/scalars.js';
import { documentsOf, itemEnd, itemNights, itemTravellers, travellersOf, uncancelledItems } from '../booking.js';
import { Exact } from '../money.js';
import type { Transaction } from '../order.js';
import { changesBetween } from './changes.js';
import type { Geography, Reach } from './geography.js';
import type { LocalTime } from './local-time.js';
import type { OrderFacts } from './types.js';
import type { FeeWorld, OrgPlace } from './world.js';

/**
 * What rules may ask about a transaction. Everything that is not needed at once is computed when a rule asks, once;
 * null means unknown.
 */
export interface TransactionFacts {
  readonly transaction: Transaction;
  readonly order: OrderFacts;
  readonly world: FeeWorld;
  /** In the root's zone: the day for dated rows. */
  readonly rootDay: LocalDate;
  readonly orgUnit: string | null;
  /** Where the transaction was done: the unit with those above it, zone, country. */
  readonly place: OrgPlace;
  readonly local: LocalTime;
  readonly memo: {
    orderItems?: readonly Item[];
    orderPrice?: Price | null;
    touchedItems?: readonly Item[];
    touchedDocuments?: readonly Document[];
    readonly units: Partial<Record<FeeScope, readonly Unit[]>>;
    readonly itemUnits: Map<string, Unit>;
    /** By what a table says about places. */
    readonly geographies: Map<Geography, Map<Item, Reach | null>>;
  };
}

/** What a fee point hangs on: facts of a touched thing are those after the transaction or, when it is gone, before. */
export interface Unit {
  readonly scope: FeeScope;
  /** `order`, `transaction:EVENT`, `item:ID`, `traveller:ID` or `document:ID`. */
  readonly name: string;
  readonly id: string;
  readonly items: readonly Item[];
  readonly documents: readonly Document[];
  /** Only of a traveller unit, and of a document that names its traveller. */
  readonly traveller: Traveller | null;
  readonly memo: {
    price?: Price | null;
    changed?: readonly string[] | null;
    travellers?: ReadonlyMap<string, number> | null;
  };
}

export function createTransactionFacts(order: OrderFacts, transaction: Transaction, world: FeeWorld): TransactionFacts {
  const rootDay = world.rootDay(transaction.at);
  const orgUnit = transaction.orgUnit ?? transaction.after?.orgUnit ?? order.orgUnit ?? world.defaultOrgUnit(order.source);
  const place = world.orgPlace(orgUnit, rootDay);
  return {
    transaction, order, world, rootDay, orgUnit, place,
    local: world.localTime(transaction.at, place.timeZone),
    memo: { units: {}, itemUnits: new Map(), geographies: new Map() },
  };
}

/** Where the chain of tables begins on our side: the booking's org unit, else the default of the source. */
export const orderOrgUnit = ({ transaction, order, world }: TransactionFacts): string | null =>
  transaction.after?.orgUnit ?? order.orgUnit ?? world.defaultOrgUnit(order.source);

/** The order's uncancelled items. Where a cancellation leaves none, those that it touches. */
function orderItems(facts: TransactionFacts): readonly Item[] {
  return (facts.memo.orderItems ??= computeOrderItems(facts));
}

function computeOrderItems(facts: TransactionFacts): readonly Item[] {
  const items = uncancelledItems(facts.transaction.after);
  return items.length === 0 && facts.transaction.type === 'cancelled' ? touchedItems(facts) : items;
}

/** What the order costs: the booking's price, else the sum of its items. */
export function orderPrice(facts: TransactionFacts): Price | null {
  if (facts.memo.orderPrice === undefined) facts.memo.orderPrice = facts.transaction.after?.price ?? sumOfPrices(pricedItems(facts));
  return facts.memo.orderPrice;
}

/** An ended order keeps the price it had, so after the end its cancelled items still count. */
function pricedItems(facts: TransactionFacts): readonly Item[] {
  const items = orderItems(facts);
  return items.length > 0 ? items : (facts.transaction.after?.items ?? []);
}

function touchedItems(facts: TransactionFacts): readonly Item[] {
  const { touched, after, before } = facts.transaction;
  return (facts.memo.touchedItems ??= found(touched.items, after?.items, before?.items));
}

function touchedDocuments(facts: TransactionFacts): readonly Document[] {
  const { touched, after, before } = facts.transaction;
  return (facts.memo.touchedDocuments ??= found(touched.documents, after?.documents, before?.documents));
}

function found<Thing extends { readonly id: string }>(ids: readonly string[], after: readonly Thing[] | null | undefined, before: readonly Thing[] | null | undefined): readonly Thing[] {
  return ids.flatMap((id) => find(id, after, before) ?? []);
}

function find<Thing extends { readonly id: string }>(id: string, after: readonly Thing[] | null | undefined, before: readonly Thing[] | null | undefined): Thing | undefined {
  return after?.find((thing) => thing.id === id) ?? before?.find((thing) => thing.id === id);
}

/** The units of a scope that the transaction touches, in the order of the booking. */
export function unitsOf(facts: TransactionFacts, scope: FeeScope): readonly Unit[] {
  return (facts.memo.units[scope] ??= computeUnits(facts, scope));
}

function computeUnits(facts: TransactionFacts, scope: FeeScope): readonly Unit[] {
  switch (scope) {
    case 'order':
      return [unit('order', 'order', 'order', orderItems(facts), documentsOf(facts.transaction.after))];
    case 'transaction': {
      const { eventId } = facts.transaction;
      return [unit('transaction', `transaction:${eventId}`, eventId, touchedItems(facts), touchedDocuments(facts))];
    }
    case 'item':
      return touchedItems(facts).map((item) => itemUnit(facts, item));
    case 'traveller':
      return found(facts.transaction.touched.travellers, facts.transaction.after?.travellers, facts.transaction.before?.travellers).map((traveller) => travellerUnit(facts, traveller));
    case 'document':
      return touchedDocuments(facts).map((document) => documentUnit(facts, document));
  }
}

const unit = (scope: FeeScope, name: string, id: string, items: readonly Item[], documents: readonly Document[], traveller: Traveller | null = null): Unit =>
  ({ scope, name, id, items, documents, traveller, memo: {} });

/** An item as a unit of its own, also where another unit asks about it (`orderHas`). */
export function itemUnit(facts: TransactionFacts, item: Item): Unit {
  let known = facts.memo.itemUnits.get(item.id);
  if (known === undefined) {
    const documents = touchedDocuments(facts).filter((document) => document.item === item.id);
    facts.memo.itemUnits.set(item.id, (known = unit('item', `item:${item.id}`, item.id, [item], documents)));
  }
  return known;
}

function travellerUnit(facts: TransactionFacts, traveller: Traveller): Unit {
  const items = touchedItems(facts).filter((item) => concerns(facts, item).includes(traveller.id));
  const documents = touchedDocuments(facts).filter((document) => document.traveller === traveller.id);
  return unit('traveller', `traveller:${traveller.id}`, traveller.id, items, documents, traveller);
}

function documentUnit(facts: TransactionFacts, document: Document): Unit {
  const { after, before } = facts.transaction;
  const item = document.item == null ? undefined : find(document.item, after?.items, before?.items);
  const traveller = document.traveller == null ? undefined : find(document.traveller, after?.travellers, before?.travellers);
  return unit('document', `document:${document.id}`, document.id, item === undefined ? [] : [item], [document], traveller ?? null);
}

/** The booking in which an item is found: after the transaction or, when it is gone, before. */
function homeOf({ transaction: { after, before } }: TransactionFacts, item: Item): Booking | null {
  return after?.items?.some(({ id }) => id === item.id) ? after : (before ?? after);
}

function concerns(facts: TransactionFacts, item: Item): readonly string[] {
  const home = homeOf(facts, item);
  return home === null ? [] : itemTravellers(item, home);
}

/** Price of item or document; traveller: of their touched documents; transaction: of its touched items (none: the order's); order: its total. */
export function unitPrice(facts: TransactionFacts, of: Unit): Price | null {
  if (of.memo.price === undefined) of.memo.price = computeUnitPrice(facts, of);
  return of.memo.price;
}

function computeUnitPrice(facts: TransactionFacts, of: Unit): Price | null {
  switch (of.scope) {
    case 'order':
      return orderPrice(facts);
    case 'transaction':
      return of.items.length === 0 ? orderPrice(facts) : sumOfPrices(of.items);
    case 'item':
      return of.items[0]?.price ?? null;
    case 'traveller':
    case 'document':
      return sumOfPrices(of.documents);
  }
}

/** Things without a price cost nothing of their own; no price at all, or several currencies: unknown. A part is unknown where one of the prices has none. */
function sumOfPrices(priced: readonly { readonly price?: Price | null }[]): Price | null {
  const prices = priced.flatMap(({ price }) => price ?? []);
  const [first] = prices;
  if (first === undefined || prices.some(({ currency }) => currency !== first.currency)) return null;
  if (prices.length === 1) return first;
  return {
    currency: first.currency,
    total: sumOf(prices.map(({ total }) => total)) ?? '0',
    base: sumOf(prices.map(({ base }) => base)),
    taxes: sumOf(prices.map(({ taxes }) => taxes)),
    commission: sumOf(prices.map(({ commission }) => commission)),
  };
}

/** null: one of them is unknown. */
export function sumOf(amounts: readonly (string | null | undefined)[]): string | null {
  let sum = new Exact(0);
  for (const amount of amounts) {
    if (amount == null) return null;
    sum = sum.plus(amount);
  }
  return sum.toFixed();
}

/** How many travellers of each type the unit has; null: the source says neither names nor counts. Types without code count under an empty text. */
export function travellerTypes(facts: TransactionFacts, of: Unit): ReadonlyMap<string, number> | null {
  if (of.memo.travellers === undefined) of.memo.travellers = computeTravellerTypes(facts, of);
  return of.memo.travellers;
}

function computeTravellerTypes(facts: TransactionFacts, of: Unit): ReadonlyMap<string, number> | null {
  if (of.traveller !== null) return new Map([[of.traveller.type ?? '', 1]]);
  if (of.scope === 'document' && of.documents[0]?.traveller != null) return new Map([['', 1]]);
  if (of.scope === 'order') {
    const whole = typesOfBooking(facts.transaction.after);
    if (whole !== null) return whole;
  }
  return typesOfItems(facts, of.items);
}

/** Named travellers count once, whichever items they share; an item's own counts add up; an item that says nothing concerns all. */
function typesOfItems(facts: TransactionFacts, items: readonly Item[]): ReadonlyMap<string, number> | null {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  let wholeCounted = false;
  for (const item of items) {
    const home = homeOf(facts, item);
    const refersToSome = travellersOf(home).some(({ id }) => item.travellers?.includes(id));
    if (!refersToSome && item.travellerCounts != null) {
      for (const [type, count] of Object.entries(item.travellerCounts)) add(counts, type, count);
    } else if (travellersOf(home).length > 0) {
      for (const id of concerns(facts, item)) {
        if (seen.has(id)) continue;
        seen.add(id);
        add(counts, travellersOf(home).find((traveller) => traveller.id === id)?.type ?? '', 1);
      }
    } else if (home?.travellerCounts == null) return null;
    else if (!wholeCounted) {
      wholeCounted = true;
      for (const [type, count] of Object.entries(home.travellerCounts)) add(counts, type, count);
    }
  }
  return items.length === 0 ? null : counts;
}

function typesOfBooking(booking: Booking | null): ReadonlyMap<string, number> | null {
  const travellers = travellersOf(booking);
  if (travellers.length === 0) return booking?.travellerCounts == null ? null : new Map(Object.entries(booking.travellerCounts));
  const counts = new Map<string, number>();
  for (const { type } of travellers) add(counts, type ?? '', 1);
  return counts;
}

const add = (counts: Map<string, number>, type: string, count: number): void => void counts.set(type, (counts.get(type) ?? 0) + count);

export function travellerCount(facts: TransactionFacts, of: Unit): number | null {
  const types = travellerTypes(facts, of);
  if (types === null) return null;
  let sum = 0;
  for (const count of types.values()) sum += count;
  return sum;
}

const hasOwnItem = (of: Unit): boolean => of.scope === 'item' || of.scope === 'document';

/** Travel start of the unit's item; order, transaction, traveller: of the order. */
export function travelStart(facts: TransactionFacts, of: Unit): LocalDate | null {
  if (hasOwnItem(of)) return of.items[0]?.start ?? null;
  return facts.transaction.after?.travelFrom ?? extreme(orderItems(facts).map(({ start }) => start ?? null), (date, least) => date < least);
}

/** Travel end of the unit's item; order, transaction, traveller: of the order. */
export function travelEnd(facts: TransactionFacts, of: Unit): LocalDate | null {
  if (hasOwnItem(of)) return of.items[0] === undefined ? null : itemEnd(of.items[0]);
  return facts.transaction.after?.travelUntil ?? extreme(orderItems(facts).map(itemEnd), (date, most) => date > most);
}

function extreme(dates: readonly (LocalDate | null)[], better: (date: LocalDate, best: LocalDate) => boolean): LocalDate | null {
  return dates.reduce((best, date) => (date !== null && (best === null || better(date, best)) ? date : best), null);
}

/** Calendar days from the transaction's local day to the travel start. */
export function leadDays(facts: TransactionFacts, of: Unit): number | null {
  const start = travelStart(facts, of);
  const startNumber = start === null ? undefined : daysOf(start);
  return startNumber === undefined ? null : startNumber - facts.local.dayNumber;
}

/** What has changed: of item and document units their item and its travellers, else of the whole booking; unknown for the first event. */
export function changedParts(facts: TransactionFacts, of: Unit): readonly string[] | null {
  if (of.memo.changed === undefined) {
    const { before, after } = facts.transaction;
    const only = hasOwnItem(of) ? (of.items[0]?.id ?? null) : undefined;
    of.memo.changed = before === null || after === null || only === null ? null : changesBetween(before, after, only);
  }
  return of.memo.changed;
}

/** Days between the transaction's local day and the day from which `sameDay` counts: issue of the document, else the first `booked`. */
export function daysSinceOrigin(facts: TransactionFacts, of: Unit): number | null {
  const origin = of.scope === 'document' ? of.documents[0]?.issuedAt : facts.transaction.firstBookedAt;
  return origin == null ? null : facts.local.dayNumber - facts.world.localTime(origin, facts.place.timeZone).dayNumber;
}

export const payments = (facts: TransactionFacts): readonly Payment[] => facts.transaction.after?.payments ?? [];

export const paymentCode = (payment: Payment): string | null => payment.brand ?? payment.type ?? null;

/** The order's uncancelled items as they stood then, for item and document units without their own. */
export function otherItems(facts: TransactionFacts, of: Unit): readonly Item[] {
  const own = hasOwnItem(of) ? of.items[0]?.id : undefined;
  return own === undefined ? orderItems(facts) : orderItems(facts).filter(({ id }) => id !== own);
}

/** Sum over items; unknown where one of them, or all, is. */
function sumOverItems(items: readonly Item[], count: (item: Item) => number | null): number | null {
  if (items.length === 0) return null;
  let sum = 0;
  for (const item of items) {
    const value = count(item);
    if (value === null) return null;
    sum += value;
  }
  return sum;
}

export const nightsOf = (items: readonly Item[]): number | null => sumOverItems(items, itemNights);
export const roomsOf = (items: readonly Item[]): number | null => sumOverItems(items, (item) => item.quantity ?? 1);
export const segmentsOf = (items: readonly Item[]): number | null => sumOverItems(items, (item) => item.segments?.length || null);
export const roomNightsOf = (items: readonly Item[]): number | null =>
  sumOverItems(items, (item) => {
    const nights = itemNights(item);
    return nights === null ? null : nights * (item.quantity ?? 1);
  });

