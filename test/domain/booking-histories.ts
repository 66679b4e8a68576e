import fc from 'fast-check';
import type { Booking, BookingEvent } from '../../schemas/booking-event.js';

/** A kind beyond the ten types: whoever validates generated events must declare it. */
export const declaredKind = 'card-used';

/** One letter a list, so that ids mean different things in different lists and histories meet the same ones again and again. */
const itemIds = ['i1', 'i2', 'i3'];
const travellerIds = ['t1', 't2'];
const documentIds = ['d1', 'd2', 'd3'];

const price = fc.record({ currency: fc.constantFrom('EUR', 'EUR', 'CHF'), total: fc.constantFrom('100', '82.5', '0', '-12.25'), taxes: fc.option(fc.constant('19')) });

const itemOf = (id: string) =>
  fc.record({
    id: fc.constant(id),
    product: fc.constantFrom('hotel', 'flight'),
    status: fc.constantFrom('open', 'open', 'open', 'cancelled', null),
    start: fc.constantFrom('2026-05-10', '2026-05-11', null),
    nights: fc.constantFrom(1, 2, null),
    bookingClass: fc.constantFrom('Y', 'C'),
    travellers: fc.option(fc.subarray(travellerIds)),
    price: fc.option(price),
  });

const travellerOf = (id: string) => fc.record({ id: fc.constant(id), type: fc.constantFrom('ADT', 'CHD'), familyName: fc.constantFrom('Meier', 'Maier', null) });

const documentOf = (id: string) =>
  fc.record({
    id: fc.constant(id),
    type: fc.constant('TICKET'),
    item: fc.option(fc.constantFrom(...itemIds, 'nowhere')),
    traveller: fc.option(fc.constantFrom(...travellerIds)),
    status: fc.constantFrom('issued', 'issued', 'void', null),
  });

/** Some of the ids, each with a thing of its own. */
const someOf = <Thing>(ids: readonly string[], thingOf: (id: string) => fc.Arbitrary<Thing>): fc.Arbitrary<Thing[]> =>
  fc.subarray([...ids]).chain((chosen) => fc.tuple(...chosen.map(thingOf)));

const agencyFees = fc.subarray([
  { id: 'f1', gross: '15', vat: '2.39', currency: 'EUR' },
  { code: 'TKT', item: 'i1', gross: '10', vat: '0', currency: 'EUR' },
]);

const booking = fc.record({
  isOption: fc.constantFrom(true, false, null),
  bookedAt: fc.option(fc.constantFrom(1_767_000_000_000, 1_767_100_000_000)),
  orgUnit: fc.option(fc.constantFrom('berlin', 'wien')),
  booker: fc.option(fc.record({ familyName: fc.constantFrom('Meier', 'Maier'), emails: fc.constantFrom([], ['meier@example.org'], null) })),
  travellers: fc.option(someOf(travellerIds, travellerOf)),
  items: fc.option(someOf(itemIds, itemOf), { freq: 8 }),
  documents: fc.option(someOf(documentIds, documentOf)),
  price: fc.option(price),
  agencyFees: fc.option(agencyFees),
  sensitive: fc.option(fc.constant([{ kind: 'diet', traveller: 't1', text: 'vegan' }])),
  attributes: fc.option(fc.dictionary(fc.constantFrom('meal', 'market'), fc.constantFrom('BB', 'HB'))),
});

const touches = fc
  .record({ items: fc.option(fc.subarray(itemIds)), documents: fc.option(fc.subarray([...documentIds, 'nowhere'])), travellers: fc.option(fc.subarray(travellerIds)) })
  .filter(({ items, documents, travellers }) => (items ?? documents ?? travellers) !== null);

const types = ['booked', 'booked', 'confirmed', 'changed', 'changed', 'ticketed', 'ticketed', 'reissued', 'refunded', 'voided', 'cancelled', 'cancelled', 'no-show', 'travelled', declaredKind];
const mustTouch = new Set(['reissued', 'refunded', 'voided']);

/** What an event is but for its id and version. Times lie so close that ties by second, by moment and by rank are common. */
const happening = (bodies: fc.Arbitrary<Booking>) =>
  fc.constantFrom(...types).chain((type) =>
    fc.record({
      type: fc.constant(type),
      occurredAt: fc.nat({ max: 6 }).chain((second) => fc.constantFrom(0, 0, 400).map((rest) => 1_770_000_000_000 + second * 1000 + rest)),
      channel: fc.option(fc.constantFrom('web', 'desk')),
      workMinutes: fc.option(fc.nat({ max: 90 })),
      refund: fc.option(fc.constant({ amount: '80', penalty: '20', currency: 'EUR' }), { freq: 1 }),
      touches: mustTouch.has(type) ? touches : fc.option(touches, { freq: type === 'cancelled' ? 3 : 1 }),
      booking: type === 'booked' ? bodies : fc.option(bodies, { freq: 3 }),
    }),
  );

/** Bodies come from a few that differ in little or nothing, as a source's do: free ones would hardly ever repeat one. */
const bodiesOfOneBooking = fc.array(booking, { minLength: 1, maxLength: 4 }).map((bodies) => fc.constantFrom(...bodies));

const versions = (count: number): fc.Arbitrary<readonly (number | null)[]> =>
  fc.oneof(
    fc.shuffledSubarray([...Array(count).keys()], { minLength: count }),
    fc.array(fc.nat({ max: 4 }), { minLength: count, maxLength: count }),
    fc.constant(Array<null>(count).fill(null)),
    fc.array(fc.option(fc.nat({ max: 9 }), { freq: 4 }), { minLength: count, maxLength: count }),
  );

/** Ids whose order by code point is not that by UTF-16 unit. */
const eventIds = ['e1', 'e2', 'E3', 'e4', '\u{ff5e}5', '\u{1f600}6', 'e7', 'e8'];

/**
 * The events of one booking, valid by the contract and in no particular order: all types, bodies missing or repeated, things that come, go,
 * are cancelled and come back, references to nothing, re-bookings, documents, delivered fees; versions present, absent, equal or on some only.
 */
export const bookingHistory: fc.Arbitrary<readonly BookingEvent[]> = bodiesOfOneBooking
  .chain((bodies) => fc.array(happening(bodies), { minLength: 1, maxLength: eventIds.length }))
  .chain((happenings) => fc.tuple(fc.constant(happenings), versions(happenings.length), fc.shuffledSubarray(eventIds, { minLength: eventIds.length })))
  .map(([happenings, versionsOf, ids]) =>
    happenings.map((happened, index) => ({ eventId: ids[index] ?? `e${index}`, source: 'gds', bookingRef: 'B1', version: versionsOf[index] ?? null, ...happened })),
  );

/** The history as it may arrive: in any order, any event any number of times but at least once. */
export const arrivalOf = (history: readonly BookingEvent[]): fc.Arbitrary<readonly BookingEvent[]> =>
  fc.array(fc.constantFrom(...history), { maxLength: history.length }).chain((again) => fc.shuffledSubarray([...history, ...again], { minLength: history.length + again.length }));
