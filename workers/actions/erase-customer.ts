import type { Party } from '../../schemas/booking-event.js';
import { erasedHistory, isAmong, tracesOf, type ErasedPerson } from '../domain/erasure.js';
import { partiesOf } from '../domain/match/parties.js';
import { audit } from '../store/audit.js';
import { rewriteEvents, type StoredEvent } from '../store/booking-events.js';
import type { Queryable } from '../store/database.js';
import { auditNaming, deadLettersNaming, deleteStaleClaims, dropMessages, emptyDeadLetters, eraseCustomers, placesOf, readSelves, sharedContacts, undecidedPlaces, type OrderPlaces, type Selves } from '../store/erasure.js';
import { raiseFactsVersion, takeFactsLockExclusively } from '../store/facts-lock.js';
import { factsVersion } from '../store/fence.js';
import { lockOrders, type StoredOrder } from '../store/orders.js';
import { deleteSensitive } from '../store/sensitive.js';
import { CustomerRefused } from './merge-customers.js';
import { placeName } from './review-links.js';
import { isOpen, rateAgain, type RerateDependencies } from './rerate.js';
import { historiesOf } from './settle/histories.js';
import { saveDecisions } from './settle/save.js';

export interface EraseRequest {
  readonly customer: string;
  /** Why, without naming anybody: the audit log keeps it. */
  readonly reason: string;
  readonly actor: string;
  readonly now: Date;
  /** Say what would be erased and change nothing. */
  readonly dryRun: boolean;
}

export interface Erased {
  /** Everybody who is one with the customer. */
  readonly customers: readonly string[];
  /** Orders that go on without the person, as source:bookingRef. */
  readonly orders: readonly string[];
  readonly events: number;
  /** Special-category entries. */
  readonly sensitive: number;
  /** Due messages that go to nobody any more. */
  readonly messages: number;
  /** Their ids. */
  readonly deadLetters: readonly string[];
  /** Lines of the audit log whose details are emptied. */
  readonly auditLines: number;
}

class DryRun extends Error {
  override readonly name = 'DryRun';
}

/**
 * Forgets a customer, and everybody who is one with it (GDPR, art. 17): master data, keys, contact points, consents, cases, special-category data, and the person in the events and states of its orders,
 * in dead letters and in the audit log. Orders, their dates and prices, ledger and links stay, with an empty customer: what was charged can be shown for as long as the law asks.
 * All in one transaction, alone with the facts. @throws CustomerRefused
 */
export async function eraseCustomer(tools: RerateDependencies, request: EraseRequest): Promise<Erased> {
  let erased: Erased | undefined;
  try {
    await tools.database.transaction(async (tx) => {
      erased = await eraseWithin(tx, tools, request);
      if (request.dryRun) throw new DryRun();
    });
  } catch (error) {
    if (!(error instanceof DryRun)) throw error;
  }
  if (erased === undefined) throw new Error('nothing was erased');
  if (!request.dryRun) await deleteStaleClaims(tools.database);
  return erased;
}

async function eraseWithin(tx: Queryable, tools: RerateDependencies, { customer, reason, actor, now }: EraseRequest): Promise<Erased> {
  await takeFactsLockExclusively(tx);
  const selves = await selvesToErase(tx, customer);
  const undecided = await undecidedPlaces(tx, selves.ids);
  if (undecided.length > 0) {
    throw new CustomerRefused(`of ${undecided.length} places nobody has said yet whether they are this customer's, e.g. ${undecided.slice(0, 3).map(placeName).join(', ')}: decide that first (midline match explain, accept, reject), then erase`);
  }
  const places = await placesOf(tx, selves.ids);
  const orders = await lockOrders(tx, places.map(({ orderId }) => orderId));
  const archived = orders.filter((order) => !isOpen(order));
  if (archived.length > 0) {
    throw new CustomerRefused(`the events of ${archived.length} orders are in archives, e.g. ${archived.slice(0, 3).map(({ source, bookingRef }) => `${source}:${bookingRef}`).join(', ')}: bring them back (midline orders show tells from where), erase, archive again, and delete the old files`);
  }
  const histories = await historiesOf(tx, tools.wire, orders.map(({ id }) => id));
  const person = await personOf(tx, selves, places, histories);
  const events = await eraseEvents(tx, tools, places, person, histories);
  await saveStates(tx, tools, orders, now);

  const letters = await deadLettersNaming(tx, tracesOf(person, selves.externalIds));
  await emptyDeadLetters(tx, letters.map(({ id }) => id), now);
  const audited = await auditNaming(tx, selves.ids, person.texts);
  const sensitive = await deleteSensitive(tx, selves.ids);
  const messages = await dropMessages(tx, places.filter((place) => place.places.some(({ role }) => role === 'payer' || role === 'booker')).map(({ orderId }) => orderId), now);
  await eraseCustomers(tx, selves.ids, { keepFacts: orders.length > 0, texts: person.texts, now });
  await raiseFactsVersion(tx);
  const counts = { customers: selves.ids, events, sensitive, messages, auditLines: audited.length };
  await audit(tx, actor, 'customers erase', selves.rootId, { ...counts, orders: orders.length, deadLetters: letters.length, reason }, now);
  return { ...counts, orders: orders.map(({ source, bookingRef }) => `${source}:${bookingRef}`).sort(), deadLetters: letters.map(({ id }) => id) };
}

async function selvesToErase(tx: Queryable, customer: string): Promise<Selves> {
  const selves = await readSelves(tx, customer);
  if (selves === undefined) throw new CustomerRefused(`there is no customer ${customer}: look with midline customers find`);
  if (selves.erased) throw new CustomerRefused(`customer ${customer} is erased already`);
  return selves;
}

/** The events of orders, by order. */
type Histories = Awaited<ReturnType<typeof historiesOf>>;

/** Somebody by all that is known. */
export type KnownPerson = Omit<ErasedPerson, 'places' | 'others'>;

/** As whom somebody is known: by the master data, and by what the orders say where the person stands. Contact points that others have, too, tell nothing. */
export async function personOf(tx: Queryable, selves: Selves, places: readonly OrderPlaces[], histories: Histories): Promise<KnownPerson> {
  const seen = places.flatMap(({ orderId, alone }) => (histories.get(orderId) ?? []).flatMap(({ booking }) => (booking == null ? [] : partiesOf(booking)
    .filter(({ role, position }) => role !== 'corporate' && isAmong(alone, role, position)).map(({ party }) => party))));
  const parties = [...selves.parties, ...seen];
  const texts = [...new Set([...selves.contacts, ...parties.flatMap(textsOf)])].filter((text) => text.trim().length >= 6);
  const shared = await sharedContacts(tx, selves.ids, texts);
  const names = new Map(parties.flatMap(({ givenName, familyName }) => (givenName != null && familyName != null && givenName.length > 1 && familyName.length > 1 ? [[`${givenName} ${familyName}`, [givenName, familyName] as const] as const] : [])));
  return { parties: selves.kind === 'person' ? parties : [], texts: texts.filter((text) => !shared.has(text)), names: [...names.values()] };
}

/** What a party is recognised by in a text. */
function textsOf({ givenName, familyName, fullName, companyName, emails, phones }: Party): readonly string[] {
  const names = givenName != null && familyName != null ? [`${givenName} ${familyName}`, `${familyName}, ${givenName}`, `${familyName}/${givenName}`] : [];
  return [...names, ...(emails ?? []), ...(phones ?? []), ...[fullName, companyName].filter((text) => text != null)];
}

/** Writes the events of the orders anew; how many. */
async function eraseEvents(tx: Queryable, { wire }: RerateDependencies, places: readonly OrderPlaces[], person: KnownPerson, histories: Histories): Promise<number> {
  const rewritten = places.flatMap(({ orderId, alone, others }) => erasedHistory(histories.get(orderId) ?? [], { ...person, places: alone, others })
    .map((event): Omit<StoredEvent, 'orderId'> => ({ source: event.source, eventId: event.eventId, ...wire.erased(event) })));
  await rewriteEvents(tx, rewritten);
  return rewritten.length;
}

/** Folds the orders anew. What they come to must not change: fees read nothing of what was erased. */
async function saveStates(tx: Queryable, { wire, codec, factsAt }: RerateDependencies, orders: readonly StoredOrder[], now: Date): Promise<void> {
  const facts = await factsAt(tx, await factsVersion(tx));
  const rated = await rateAgain(tx, wire, facts, orders, null);
  const changed = rated.filter(({ appended }) => appended.length > 0);
  if (changed.length > 0) {
    throw new CustomerRefused(`the fees of ${changed.map(({ source, bookingRef }) => `${source}:${bookingRef}`).slice(0, 3).join(', ')} would change: rate what waits first (midline fees rerate), then erase`);
  }
  await saveDecisions(tx, { orders: rated.map((order) => ({ ...order, causeType: 'erasure' })), links: { drafts: [], links: [], contacts: [] }, events: [], messages: [] }, wire, codec, now.getTime());
}
