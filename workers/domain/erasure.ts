import anyAscii from 'any-ascii';
import type { Ancillary, Booking, BookingEvent, Item, Party, Traveller } from '../../schemas/booking-event.js';
import { nationalDigits } from './match/contacts.js';
import { compareNames, nameOf } from './match/names.js';
import type { Role } from './match/parties.js';

/** A place in an order: a role, of travellers with the id within the booking. */
export interface Place {
  readonly role: Role;
  readonly position: string;
}

/** Whether a place is one of these. */
export const isAmong = (places: readonly Place[], role: Role, position: string): boolean => places.some((place) => place.role === role && place.position === position);

/** Who is to be erased. */
export interface ErasedPerson {
  /** Where the person stands, and nobody else ever stood: whatever an event says there goes. */
  readonly places: readonly Place[];
  /** Where somebody else stands: what an event says there stays, however like it is. */
  readonly others: readonly Place[];
  /** As whom the person is known: the same names, or the same e-mail address without another name, are the same person wherever nobody else is known to stand. */
  readonly parties: readonly Party[];
  /** What the person is recognised by in a text: e-mail addresses, phone numbers, names as they stand together. */
  readonly texts: readonly string[];
  /** Given and family names: in a text that holds both the person is named. */
  readonly names: readonly (readonly [given: string, family: string])[];
}

/** What somebody is recognised by in bytes of which nobody knows what they say. */
export interface Traces {
  /** In one of their spellings: one of them is enough. */
  readonly texts: readonly string[];
  /** Given and family name, each in one of its spellings: both are needed. */
  readonly names: readonly (readonly [given: string, family: string])[];
  /** Digits that stand together but for blanks and signs: of phone numbers, and numbers of loyalty programmes. */
  readonly numbers: readonly string[];
  /** The id under which a system knows somebody, and that system: both are needed. */
  readonly ids: readonly (readonly [source: string, id: string])[];
  /** Keys of messages. */
  readonly keys: readonly string[];
}

/** The ways in which a name is written: in small letters and in capitals, with umlauts, with ae, oe, ue and ss, and without. ASCII letters are compared whatever their case. */
function spellings(text: string): readonly string[] {
  const spelled = text.replace(/[äöü]/gi, (letter) => `${letter}e`).replace(/ß/g, 'ss');
  return [...new Set([text.toLowerCase(), text.toUpperCase(), anyAscii(spelled), anyAscii(text)].map((one) => one.replace(/[A-Z]/g, (letter) => letter.toLowerCase())))];
}

/** Ids that are so short, or nothing but a few digits, stand in bytes by chance. */
const isTelling = (id: string): boolean => id.length >= 6 || (id.length === 5 && /\d/.test(id) && /\p{L}/u.test(id));

/** @param externalIds as keys (`source:id`) */
export function tracesOf({ texts, names, parties }: Pick<ErasedPerson, 'texts' | 'names' | 'parties'>, externalIds: readonly string[]): Traces {
  const loyalty = parties.flatMap((party) => (party.loyalty ?? []).flatMap(({ number }) => number?.replace(/[\s.-]/g, '') ?? []));
  const digits = [...texts.flatMap((text) => nationalDigits(text) ?? []), ...loyalty.filter((number) => /^\d+$/.test(number))];
  return {
    texts: [...new Set(texts.flatMap(spellings))],
    names: names.flatMap(([given, family]) => spellings(given).flatMap((one) => spellings(family).map((other) => [one, other] as const))),
    numbers: [...new Set(digits)].filter((number) => number.length >= 7),
    ids: externalIds.map((key): readonly [string, string] => [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)]).filter(([, id]) => isTelling(id)),
    keys: externalIds,
  };
}

type AnyParty = Party | Traveller;

/** What stays of somebody: nobody is recognised by it, and fees, counts and references read it. Whatever is not named here goes, fields of the future too. */
const partyStays: ReadonlySet<string> = new Set(['id', 'type', 'kind', 'consents']);
const addressStays: ReadonlySet<string> = new Set(['country']);
const loyaltyStays: ReadonlySet<string> = new Set(['program']);

/**
 * The history of an order without somebody. Each text of the person becomes a word of its own (`erased-1`, …), the same text the same word: so whatever was equal stays equal and
 * whatever had changed has changed, and the fold makes the same transactions of it. Free texts of the booking (remarks, references, extras) may name anybody and go, too; so does an
 * attribute that names the person.
 */
export function erasedHistory(events: readonly BookingEvent[], person: ErasedPerson): readonly BookingEvent[] {
  const words = new Map<string, string>();
  const hide = <Value>(value: Value): Value | string => {
    if (typeof value !== 'string' || value === '') return value;
    const word = words.get(value) ?? `erased-${words.size + 1}`;
    words.set(value, word);
    return word;
  };
  const { texts, names, numbers } = tracesOf(person, []);
  const isNamed = (value: string): boolean => {
    const said = spellings(value).join('\n');
    const squeezed = value.replace(/[ /().-]/g, '');
    return texts.some((text) => said.includes(text)) || names.some(([given, family]) => said.includes(given) && said.includes(family)) || numbers.some((number) => squeezed.includes(number));
  };
  const hideMention = (value: string): string => (isNamed(value) ? hide(value) : value);
  return events.map((event) => (event.booking == null ? event : { ...event, traceparent: null, booking: erasedBooking(event.booking, person, hide, hideMention) }));
}

type Hide = <Value>(value: Value) => Value | string;

function erasedBooking(booking: Booking, { places, others, parties }: ErasedPerson, hide: Hide, hideMention: (value: string) => string): Booking {
  const isAt = (role: Role, position = ''): boolean => isAmong(places, role, position);
  const erase = <One extends AnyParty>(party: One, role: Role, position = ''): One =>
    (isAt(role, position) || (!isAmong(others, role, position) && parties.some((other) => samePerson(party, other))) ? hidden(party, hide, partyStays) : party);
  const { payer, booker, travellers, corporateAccount, references, remarks, items, attributes, sensitive } = booking;
  const gone = new Set((travellers ?? []).filter((traveller) => erase(traveller, 'traveller', traveller.id) !== traveller).map(({ id }) => id));
  return {
    ...booking,
    ...(payer != null && { payer: erase(payer, 'payer') }), ...(booker != null && { booker: erase(booker, 'booker') }),
    ...(travellers != null && { travellers: travellers.map((traveller) => erase(traveller, 'traveller', traveller.id)) }),
    ...(corporateAccount != null && { corporateAccount: isAt('corporate') ? hidden(corporateAccount, hide, new Set(['costCentre', 'project'])) : hidden(corporateAccount, hide, new Set(['id', 'name', 'vatId', 'costCentre', 'project'])) }),
    ...(references != null && { references: references.map((reference) => hidden(reference, hide, new Set(['type', 'system']))) }),
    ...(remarks != null && { remarks: remarks.map((remark) => hidden(remark, hide, new Set(['type']))) }),
    ...(sensitive != null && { sensitive: sensitive.filter(({ traveller }) => traveller != null && !gone.has(traveller)) }),
    ...(items != null && { items: items.map((item) => erasedItem(item, hide, hideMention)) }),
    ...(attributes != null && { attributes: mapped(attributes, hideMention) }),
  };
}

const erasedItem = (item: Item, hide: Hide, hideMention: (value: string) => string): Item => ({
  ...item,
  ...(item.ancillaries != null && { ancillaries: item.ancillaries.map((ancillary): Ancillary => ({ ...ancillary, text: hide(ancillary.text ?? null) })) }),
  ...(item.attributes != null && { attributes: mapped(item.attributes, hideMention) }),
});

const mapped = (map: Readonly<Record<string, string>>, change: (value: string) => string): Readonly<Record<string, string>> => Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]));

/** Every text of a record hidden but those of the fields that stay; of addresses the country stays, of loyalty the programme. */
function hidden<Fields extends object>(record: Fields, hide: Hide, stays: ReadonlySet<string>): Fields {
  const entries = Object.entries(record).map(([name, value]: [string, unknown]): [string, unknown] => [name, stays.has(name) ? value : hiddenValue(name, value, hide)]);
  return Object.fromEntries(entries) as Fields;
}

function hiddenValue(name: string, value: unknown, hide: Hide): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => hiddenValue(name, each, hide));
  if (typeof value !== 'object' || value === null) return hide(value);
  return hidden(value, hide, name === 'addresses' ? addressStays : name === 'loyalty' ? loyaltyStays : new Set());
}

function samePerson(one: AnyParty, other: AnyParty): boolean {
  const { givenName, familyName } = compareNames(nameOf(one), nameOf(other));
  const emails = new Set((one.emails ?? []).map((email) => email.toLowerCase()));
  const another = givenName === 'different' || familyName === 'different';
  return (givenName === 'equal' && familyName === 'equal') || (!another && (other.emails ?? []).some((email) => emails.has(email.toLowerCase())));
}

/** An event without anything that an erasure may have changed: what two forms of it are compared by. */
export function withoutPeople(event: BookingEvent): BookingEvent {
  const { booking } = event;
  if (booking == null) return event;
  const { payer: _payer, booker: _booker, corporateAccount: _account, references: _references, remarks: _remarks, sensitive: _sensitive, attributes: _attributes, ...rest } = booking;
  return {
    ...event, traceparent: null,
    booking: {
      ...rest, travellers: (booking.travellers ?? []).map(({ id }) => ({ id })),
      items: (booking.items ?? []).map(({ attributes: _own, ancillaries, ...item }) => ({ ...item, ancillaries: (ancillaries ?? []).map(({ text: _text, ...ancillary }) => ancillary) })),
    },
  };
}

/** A booking as it is handed out to those at these places: of everybody else only that there is somebody. */
export function handedOut(booking: Booking, places: readonly Place[]): Booking {
  const isAt = (role: Role, position = ''): boolean => isAmong(places, role, position);
  const { payer, booker, travellers, sensitive } = booking;
  const own = new Set((travellers ?? []).filter(({ id }) => isAt('traveller', id)).map(({ id }) => id));
  return {
    ...booking, payer: isAt('payer') ? (payer ?? null) : null, booker: isAt('booker') ? (booker ?? null) : null,
    travellers: (travellers ?? []).map((traveller) => (own.has(traveller.id) ? traveller : { id: traveller.id, type: traveller.type ?? null })),
    sensitive: (sensitive ?? []).filter(({ traveller }) => traveller == null || own.has(traveller)),
  };
}
