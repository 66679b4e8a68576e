import type { Booking, BookingEvent, Item, Party, Price } from '../schemas/booking-event.js';
import { personOf } from '../workers/domain/generate/people.js';
import { createRandom, type Random } from '../workers/domain/generate/random.js';

export interface LoadSettings {
  readonly seed: number;
  /** People in the customer master; every booking is made by one of them. */
  readonly customers: number;
  /** When the first event happened, in ms: recent, so that every event makes a message due. */
  readonly since: number;
}

/** The reservation system that all of it comes from. */
export const benchSource = 'crs';

/** So many bookings are alive at most: the oldest are left as they are. */
const alive = 2_000;
const tenMilliseconds = 10;

interface LiveBooking {
  readonly bookingRef: string;
  readonly version: number;
  readonly booking: Booking;
}

/**
 * Booking events without end, the same for the same settings: 60 % booked, 25 % changed, 15 % cancelled, in order within a booking, none twice.
 * Each has two items and two travellers, is versioned, and is made by somebody whom the customer master knows, most of them again and again.
 */
export function* bookingLoad(settings: LoadSettings): Generator<BookingEvent> {
  const random = createRandom(settings.seed, 'bench');
  const live: LiveBooking[] = [];
  for (let number = 0; ; number += 1) {
    const occurredAt = settings.since + number * tenMilliseconds;
    const what = random.next();
    const at = random.whole(0, Math.max(0, live.length - 1));
    const before = what < 0.6 ? undefined : live[at];
    if (before === undefined) {
      const made = newBooking(settings, random, number, occurredAt);
      if (live.length < alive) live.push(made);
      else live[at] = made;
      yield eventOf(made, 'booked', occurredAt, random);
    } else if (what < 0.85) {
      const after = { ...before, version: before.version + 1, booking: changed(before.booking, random) };
      live[at] = after;
      yield eventOf(after, 'changed', occurredAt, random);
    } else {
      const last = live.pop();
      if (last !== undefined && last !== before) live[at] = last;
      yield eventOf({ ...before, version: before.version + 1, booking: cancelled(before.booking) }, 'cancelled', occurredAt, random);
    }
  }
}

function eventOf({ bookingRef, version, booking }: LiveBooking, type: string, occurredAt: number, random: Random): BookingEvent {
  return {
    eventId: `${bookingRef}-${version}`, source: benchSource, type, bookingRef, version, occurredAt,
    office: 'BER01', agent: `A${random.whole(10, 99)}`, channel: random.pick(['phone', 'branch', 'online']), booking,
  };
}

function newBooking(settings: LoadSettings, random: Random, number: number, bookedAt: number): LiveBooking {
  // Half of the bookings are made by a tenth of the people.
  const most = random.chance(0.5) ? Math.ceil(settings.customers / 10) : settings.customers;
  const booker = customerParty(settings.seed, random.whole(0, most - 1));
  const { loyalty: _loyalty, birthDate: _birthDate, ...known } = booker;
  const { externalId: _externalId, ...unnamed } = known;
  const start = dayAfter(bookedAt, random.whole(10, 200));
  const end = dayAfter(Date.parse(start), random.whole(2, 14));
  const items: readonly Item[] = [
    {
      id: '1', product: 'flight', status: 'open', supplier: 'LH', carrier: 'LH', bookingClass: random.pick(['Y', 'M', 'K', 'J']),
      origin: random.pick(['BER', 'HAM', 'MUC', 'FRA']), destination: random.pick(['PMI', 'HER', 'LPA', 'ATH']), start, end, travellers: ['1', '2'], price: priceOf(random.whole(12_000, 90_000)),
    },
    { id: '2', product: 'hotel', status: 'open', supplier: random.pick(['Casa Azul', 'Villa Sole', 'Harbour Hotel']), country: 'ES', start, end, quantity: 1, travellers: ['1', '2'], price: priceOf(random.whole(20_000, 180_000)) },
  ];
  const name = `${booker.familyName ?? ''}/${booker.givenName ?? ''}`.toUpperCase();
  return {
    bookingRef: `B${String(number).padStart(8, '0')}`, version: 1,
    booking: {
      bookedAt,
      // Most systems know the person's id, some only an e-mail address.
      booker: random.chance(0.7) ? known : unnamed,
      travellers: [{ id: '1', type: 'ADT', fullName: name }, { id: '2', type: 'ADT', fullName: `${(booker.familyName ?? '').toUpperCase()}/KIM` }],
      items, price: totalOf(items), payments: [{ type: 'card', brand: random.pick(['visa', 'mastercard', 'amex']) }],
    },
  };
}

/** The flight costs something else now. */
function changed(booking: Booking, random: Random): Booking {
  const items = (booking.items ?? []).map((item) => (item.id === '1' ? { ...item, price: priceOf(centsOf(item.price?.total) + random.whole(100, 6_000)) } : item));
  return { ...booking, items, price: totalOf(items) };
}

function cancelled(booking: Booking): Booking {
  return { ...booking, items: (booking.items ?? []).map((item) => ({ ...item, status: 'cancelled' })) };
}

/** Who customer `index` is: external id, e-mail, phone, loyalty number, name and birth date, each their own. */
export function customerParty(seed: number, index: number): Party {
  const { givenName, familyName, birthDate, language, gender } = personOf({ seed, customers: 0, companies: 0 }, index);
  const own = String(1_000_000 + index);
  return {
    kind: 'person', externalId: `C${own}`, givenName, familyName, birthDate, gender, language,
    emails: [`customer.${own}@example.com`], phones: [`+49 151 1${own.slice(-7)}`], loyalty: [{ program: 'MILES', number: own }],
  };
}

const dayAfter = (instant: number, days: number): string => new Date(instant + days * 86_400_000).toISOString().slice(0, 10);

const centsOf = (amount: string | undefined): number => Math.round(Number(amount ?? 0) * 100);

/** The contract's shortest text: no zeros at the end. */
const priceOf = (cents: number): Price => ({ currency: 'EUR', total: String(cents / 100) });

const totalOf = (items: readonly Item[]): Price => priceOf(items.reduce((sum, { price }) => sum + centsOf(price?.total), 0));
