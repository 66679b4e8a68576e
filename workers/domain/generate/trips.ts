import type { Booking, Item, Party, Price, Traveller } from '../../../schemas/booking-event.js';
import { companyOf, personOf, spelledOut, type GeneratedPerson, type Population } from './people.js';
import type { Random } from './random.js';

/** Where a booking comes from and what it looks like at first. */
export interface Trip {
  readonly source: string;
  readonly bookingRef: string;
  /** The source numbers the events of a booking. */
  readonly versioned: boolean;
  readonly channel: string;
  readonly office: string;
  readonly agent: string | null;
  readonly booking: Booking;
}

export const dayLength = 86_400_000;

export const dayOf = (instant: number): string => new Date(instant).toISOString().slice(0, 10);

const airports = ['BER', 'HAM', 'MUC', 'FRA', 'VIE', 'ZRH'] as const;
const flightGoals = ['LHR', 'CDG', 'MAD', 'FCO', 'ATH', 'PMI', 'JFK', 'BKK', 'NRT', 'DXB', 'MUC', 'TXL'] as const;
const hotelChains = [['Harbour Hotel', 'DE'], ['City Rooms', 'AT'], ['Grand Lodge', 'CH'], ['Casa Azul', 'ES'], ['Villa Sole', 'IT'], ['The Mill', 'GB']] as const;
const operators = [['Sunbird', 'Meridian Group'], ['Northern Trails', 'Meridian Group'], ['Blue Lagoon', 'Lagoon Holding'], ['Alpine Weeks', 'Alpine Weeks']] as const;
const packageGoals = ['PMI', 'HER', 'LPA', 'AYT', 'HRG', 'PUJ'] as const;
const stations = ['BERLIN HBF', 'HAMBURG HBF', 'KOELN HBF', 'MUENCHEN HBF', 'WIEN HBF', 'ZUERICH HB'] as const;

/** Bookings of business travellers come through these; the others of the same product through `leisureUnits`. */
const businessUnits = ['business-berlin', 'business-munich'] as const;
const leisureUnits = ['berlin', 'hamburg', 'vienna', 'online'] as const;

/** The trip of booking `index`: who travels, what is booked, departing at `start` for `nights`. */
export function tripOf(random: Random, population: Population, index: number, start: string, nights: number): Trip {
  // Some people nobody has met yet, and the same ones again and again.
  const person = personOf(population, random.whole(0, Math.max(1, Math.floor(population.customers * 1.25)) - 1));
  const business = person.company !== null && random.chance(0.8);
  const [source, make] = random.pick(business ? businessSystems : leisureSystems);
  const travellers = travellersOf(random, person, business);
  const unit = business ? random.pick(businessUnits) : random.pick(leisureUnits);
  const channel = unit === 'online' ? 'online' : random.pick(['phone', 'branch', 'gds']);
  const items = make(random, { start, end: addDays(start, nights), nights, travellers });
  return {
    source,
    bookingRef: `${source === 'gds' ? locatorOf(index) : `${source.slice(0, 1).toUpperCase()}${String(index + 1).padStart(8, '0')}`}`,
    versioned: source !== 'gds',
    channel,
    office: unit,
    agent: channel === 'online' ? null : `A${random.whole(10, 39)}`,
    booking: {
      orgUnit: unit,
      ...(business && person.company !== null ? { corporateAccount: accountOf(random, population, person.company) } : {}),
      booker: asWritten(random, person, source),
      travellers,
      items,
      ...(source === 'gds' ? { price: totalOf(items) } : {}),
      payments: [paymentOf(random, business, totalOf(items))],
      ...(random.chance(0.02) ? { sensitive: [{ kind: 'diet', traveller: '1', text: random.pick(['vegetarian', 'no nuts', 'gluten-free']) }] } : {}),
      attributes: { purpose: business ? 'business' : 'leisure' },
    },
  };
}

interface Stay {
  readonly start: string;
  readonly end: string;
  readonly nights: number;
  readonly travellers: readonly Traveller[];
}

type MakeItems = (random: Random, stay: Stay) => readonly Item[];

const flight: MakeItems = (random, { start, end, travellers }) => {
  const origin = random.pick(airports);
  const destination = random.pick(flightGoals);
  const carrier = random.pick(['LH', 'OS', 'LX', 'AF', 'BA', 'U2']);
  const bookingClass = random.pick(['Y', 'Y', 'M', 'K', 'C', 'J']);
  const leg = (from: string, to: string, day: string) => ({ origin: from, destination: to, carrier, number: String(random.whole(100, 2999)), departure: `${day}T${random.pick(['07:15', '12:40', '18:05'])}:00`, bookingClass });
  return [{
    id: '1', product: 'flight', status: 'open', supplier: carrier, carrier, bookingClass, fareType: random.pick(['published', 'published', 'negotiated']),
    tripType: 'return', origin, destination, segments: [leg(origin, destination, start), leg(destination, origin, end)], start, end,
    travellers: idsOf(travellers), price: priceOf(random.whole(9_000, 90_000) * travellers.length, 0.22),
  }];
};

const hotel: MakeItems = (random, { start, end, nights, travellers }) => {
  const [supplier, country] = random.pick(hotelChains);
  const rooms = Math.ceil(travellers.length / 2);
  return [{ id: '1', product: 'hotel', status: 'open', supplier, country, start, end, nights, quantity: rooms, travellers: idsOf(travellers), price: priceOf(random.whole(6_500, 28_000) * nights * rooms) }];
};

const packaged: MakeItems = (random, { start, end, nights, travellers }) => {
  const [supplier, supplierGroup] = random.pick(operators);
  const total = random.whole(4_000, 14_000) * nights * travellers.length;
  const trip: Item = { id: '1', product: 'package', status: 'open', supplier, supplierGroup, origin: random.pick(airports), destination: random.pick(packageGoals), start, end, nights, quantity: 1, travellers: idsOf(travellers), price: priceOf(total) };
  return random.chance(0.3) ? [trip, insuranceFor(trip, total)] : [trip];
};

const rail: MakeItems = (random, { start, travellers }) => {
  const origin = random.pick(stations);
  const destination = random.pick(stations);
  return [{ id: '1', product: 'rail', status: 'open', supplier: 'Rail', tripType: 'one-way', bookingClass: random.pick(['1', '2', '2']), origin, destination, start, end: start, segments: [{ origin, destination, departure: `${start}T09:${random.whole(10, 59)}:00` }], travellers: idsOf(travellers), price: priceOf(random.whole(1_990, 17_900) * travellers.length) }];
};

const leisureSystems = [['gds', flight], ['hotels', hotel], ['tours', packaged], ['tours', packaged], ['gds', flight], ['rail', rail]] as const;
const businessSystems = [['gds', flight], ['gds', flight], ['hotels', hotel], ['rail', rail]] as const;

/** A policy that goes with an item: for changes that add one. */
export function insuranceFor(item: Item, cents: number): Item {
  return { id: `${item.id}-insurance`, product: 'insurance', status: 'open', supplier: 'Shelter Mutual', start: item.start ?? null, end: item.end ?? null, travellers: item.travellers ?? null, price: priceOf(Math.max(900, Math.round(cents * 0.04))) };
}

function travellersOf(random: Random, person: GeneratedPerson, business: boolean): readonly Traveller[] {
  const companions = business ? 0 : random.pick([0, 0, 1, 1, 1, 2, 3]);
  const first: Traveller = { id: '1', type: 'ADT', gender: person.gender, fullName: crsName(person), birthDate: person.birthDate };
  const others = Array.from({ length: companions }, (_, index): Traveller => {
    const type = index === 0 ? 'ADT' : random.pick(['CHD', 'CHD', 'INF']);
    return { id: String(index + 2), type, fullName: `${spelledOut(person.familyName).toUpperCase()}/${random.pick(['ALEX', 'KIM', 'ROBIN', 'SASHA', 'NOA', 'MIKA'])}` };
  });
  return [first, ...others];
}

/** A person as a reservation system has written them down: complete, in CRS form, by hand, with a slip, or with a phone only. */
function asWritten(random: Random, person: GeneratedPerson, source: string): Party {
  const { externalId, gender, title, givenName, familyName, birthDate, language, emails, phones, street, houseNumber, postalCode, city, country } = person;
  const complete: Party = {
    kind: 'person', ...(person.source === source ? { externalId } : {}), salutation: gender === 'female' ? 'Mrs' : 'Mr', title, givenName, familyName, birthDate, language, emails, phones,
    addresses: [{ street, houseNumber, postalCode, city, country }],
  };
  switch (random.pick(['complete', 'complete', 'crs', 'crs', 'hand', 'slip', 'phone'])) {
    case 'crs': return { fullName: crsName(person), emails, language };
    case 'hand': return { ...complete, givenName: spelledOut(givenName), familyName: spelledOut(familyName), emails: emails.map((email) => email.toUpperCase()), addresses: [{ country }] };
    case 'slip': return { ...complete, familyName: slipped(random, familyName), phones: [] };
    case 'phone': return { givenName, familyName, phones, language };
    default: return complete;
  }
}

const crsName = ({ familyName, givenName, gender }: GeneratedPerson): string => `${spelledOut(familyName)}/${spelledOut(givenName)} ${gender === 'female' ? 'MRS' : 'MR'}`.toUpperCase();

/** Two neighbouring letters change places. */
function slipped(random: Random, name: string): string {
  const at = random.whole(1, Math.max(1, name.length - 2));
  return `${name.slice(0, at)}${name.slice(at + 1, at + 2)}${name.slice(at, at + 1)}${name.slice(at + 2)}`;
}

function accountOf(random: Random, population: Population, company: number) {
  const { externalId, companyName, vatId } = companyOf(population, company);
  return { id: externalId, name: companyName, vatId, costCentre: String(random.whole(1000, 1099)) };
}

function paymentOf(random: Random, business: boolean, { total, currency }: Price) {
  return business ? { type: 'invoice', amount: total, currency } : { type: 'card', brand: random.pick(['visa', 'mastercard', 'amex']), amount: total, currency };
}

/** @param taxShare of the total; none: the price is not split */
export function priceOf(cents: number, taxShare?: number): Price {
  if (taxShare === undefined) return { currency: 'EUR', total: moneyOf(cents) };
  const taxes = Math.round(cents * taxShare);
  return { currency: 'EUR', total: moneyOf(cents), base: moneyOf(cents - taxes), taxes: moneyOf(taxes) };
}

/** Of the items that are not cancelled. */
export const totalOf = (items: readonly Item[]): Price => priceOf(items.filter(({ status }) => status !== 'cancelled').reduce((sum, { price }) => sum + centsOf(price?.total ?? '0'), 0));

export const centsOf = (amount: string): number => Math.round(Number(amount) * 100);

/** The contract's shortest text. */
export const moneyOf = (cents: number): string => String(cents / 100);

const idsOf = (travellers: readonly Traveller[]): readonly string[] => travellers.map(({ id }) => id);

export const addDays = (day: string, days: number): string => dayOf(Date.parse(day) + days * dayLength);

/** Six letters and digits that look like a record locator; every index has its own. */
function locatorOf(index: number): string {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  let rest = (index * 48_271 + 7_919) % letters.length ** 6;
  let locator = '';
  for (let place = 0; place < 6; place++) {
    locator += letters[rest % letters.length] ?? 'A';
    rest = Math.floor(rest / letters.length);
  }
  return locator;
}
