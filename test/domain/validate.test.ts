import { describe, expect, test } from '@jest/globals';
import type { Booking, BookingEvent, Item } from '../../schemas/booking-event.js';
import type { RejectionCode } from '../../workers/domain/rejection.js';
import { validateEvent } from '../../workers/domain/validate.js';

const at = Date.UTC(2026, 0, 5, 12);
const day = 86_400_000;
const item: Item = { id: 'a', product: 'hotel', start: '2026-05-10', end: '2026-05-12', nights: 2, price: { currency: 'EUR', total: '82.5' } };
const body: Booking = { items: [item], travellers: [{ id: 't1', birthDate: '31.02.80' }], documents: [{ id: 'd1', type: 'TICKET' }] };
const good: BookingEvent = { eventId: 'e1', source: 'gds', bookingRef: 'B1', type: 'booked', occurredAt: at, booking: body };

const refused = (event: BookingEvent, receivedAt: number | null = at) => validateEvent(event, { declaredKinds: new Set(['card-used']), receivedAt });
const withBooking = (booking: Booking) => refused({ ...good, booking: { ...body, ...booking } });
const withItem = (more: Partial<Item>) => withBooking({ items: [{ ...item, ...more }] });

test('a good event is not refused, birth dates as written and negative money included', () => {
  expect(refused(good)).toBeNull();
  expect(withItem({ price: { currency: 'EUR', total: '-6.38' } })).toBeNull();
  expect(refused({ ...good, type: 'card-used', booking: null })).toBeNull();
  expect(refused({ ...good, type: 'cancelled', booking: null })).toBeNull();
});

const cases: readonly [string, RejectionCode, string, () => ReturnType<typeof refused>][] = [
  ['an empty event id', 'REQUIRED', 'eventId', () => refused({ ...good, eventId: '' })],
  ['a blank booking reference', 'REQUIRED', 'bookingRef', () => refused({ ...good, bookingRef: ' \u00a0' })],
  ['a blank source', 'REQUIRED', 'source', () => refused({ ...good, source: '\t' })],
  ['a blank type', 'REQUIRED', 'type', () => refused({ ...good, type: ' ' })],
  ['an item without id', 'REQUIRED', 'booking.items[0].id', () => withItem({ id: '' })],
  ['an item without product', 'REQUIRED', 'booking.items[0].product', () => withItem({ product: '' })],
  ['a traveller without id', 'REQUIRED', 'booking.travellers[0].id', () => withBooking({ travellers: [{ id: '' }] })],
  ['a document without type', 'REQUIRED', 'booking.documents[0].type', () => withBooking({ documents: [{ id: 'd', type: '' }] })],
  ['a price without currency', 'REQUIRED', 'booking.price.currency', () => withBooking({ price: { currency: '', total: '1' } })],
  ['a type that nobody declared', 'UNKNOWN_TYPE', 'type', () => refused({ ...good, type: 'teleported' })],
  ['a type of other case', 'UNKNOWN_TYPE', 'type', () => refused({ ...good, type: 'Booked' })],
  ['booked without a booking', 'BOOKING_MISSING', 'booking', () => refused({ ...good, booking: null })],
  ['refunded without touches', 'TOUCHES', 'touches', () => refused({ ...good, type: 'refunded' })],
  ['reissued with touches that name no list', 'TOUCHES', 'touches', () => refused({ ...good, type: 'reissued', touches: { items: null } })],
  ['voided without touches', 'TOUCHES', 'touches', () => refused({ ...good, type: 'voided', booking: null })],
  ['an event more than a day after its arrival', 'TIME', 'occurredAt', () => refused(good, at - day - 1)],
  ['an event of which the message says an impossible arrival', 'TIME', 'occurredAt', () => refused(good, 9e15)],
  ['an event of the year 1899', 'TIME', 'occurredAt', () => refused({ ...good, occurredAt: Date.UTC(1899, 11, 31) })],
  ['an event of the year 2201', 'TIME', 'occurredAt', () => refused({ ...good, occurredAt: Date.UTC(2201, 0, 1) }, null)],
  ['a time that is no number', 'TIME', 'occurredAt', () => refused({ ...good, occurredAt: Number.NaN })],
  ['an impossible issue time', 'TIME', 'booking.documents[0].issuedAt', () => withBooking({ documents: [{ id: 'd', type: 'T', issuedAt: 9e15 }] })],
  ['the 30th of February', 'DATE', 'booking.items[0].start', () => withItem({ start: '2026-02-30' })],
  ['the 29th of February of no leap year', 'DATE', 'booking.travelFrom', () => withBooking({ travelFrom: '2026-02-29' })],
  ['a date beyond the calendar', 'DATE', 'booking.travelUntil', () => withBooking({ travelUntil: 'day 99999999' })],
  ['a date of the year 2201', 'DATE', 'booking.items[0].latestStart', () => withItem({ latestStart: '2201-01-01' })],
  ['an item that ends before it starts', 'DATE', 'booking.items[0].end', () => withItem({ end: '2026-05-09' })],
  ['a journey that ends before it starts', 'DATE', 'booking.travelUntil', () => withBooking({ travelFrom: '2026-05-10', travelUntil: '2026-05-09' })],
  ['a currency in small letters', 'AMOUNT', 'booking.items[0].price.currency', () => withItem({ price: { currency: 'eur', total: '1' } })],
  ['a refund in a currency that is none', 'AMOUNT', 'refund.currency', () => refused({ ...good, refund: { amount: '1', currency: '' } })],
  ['an amount that is no number', 'AMOUNT', 'refund.amount', () => refused({ ...good, refund: { amount: 'NaN', currency: 'EUR' } })],
  ['an amount of more than 18 digits', 'AMOUNT', 'booking.price.total', () => withBooking({ price: { currency: 'EUR', total: '1'.repeat(15) } })],
  ['an amount with five decimals', 'AMOUNT', 'booking.price.taxes', () => withBooking({ price: { currency: 'EUR', total: '1', taxes: '0.00001' } })],
  ['fewer nights than none', 'AMOUNT', 'booking.items[0].nights', () => withItem({ nights: -1 })],
  ['fewer travellers than none', 'AMOUNT', 'booking.travellerCounts."ADT"', () => withBooking({ travellerCounts: { ADT: -2 } })],
  ['an item id twice', 'ID_TWICE', 'booking.items[1]', () => withBooking({ items: [item, item] })],
  ['a document id twice', 'ID_TWICE', 'booking.documents[1]', () => withBooking({ documents: [{ id: 'd', type: 'A' }, { id: 'd', type: 'B' }] })],
  ['a traveller id twice', 'ID_TWICE', 'booking.travellers[2]', () => withBooking({ travellers: [{ id: 't1' }, { id: 't2' }, { id: 't1' }] })],
  ['a delivered fee twice for one item', 'ID_TWICE', 'booking.agencyFees[1]', () => withBooking({ agencyFees: [{ code: 'F', item: 'a' }, { id: 'F', item: 'a' }] })],
  ['more than 5,000 items', 'SIZE', 'booking.items', () => withBooking({ items: Array.from({ length: 5_001 }, (_, index) => ({ ...item, id: `i${index}` })) })],
  ['more than 5,000 travellers', 'SIZE', 'booking.travellers', () => withBooking({ travellers: Array.from({ length: 5_001 }, (_, index) => ({ id: `t${index}` })) })],
  ['more than 5,000 addresses of one person', 'SIZE', 'booking.booker.emails', () => withBooking({ booker: { emails: Array.from({ length: 5_001 }, (_, index) => `a${index}@example.com`) } })],
  ['more than 5,000 attributes', 'SIZE', 'booking.attributes', () => withBooking({ attributes: Object.fromEntries(Array.from({ length: 5_001 }, (_, index) => [`k${index}`, 'v'])) })],
  ['a text of more than 1 MiB', 'SIZE', 'booking.remarks[0].text', () => withBooking({ remarks: [{ text: 'ä'.repeat(524_289) }] })],
  ['an id that no index can hold', 'SIZE', 'eventId', () => refused({ ...good, eventId: 'x'.repeat(513) })],
  ['U+0000', 'TEXT', 'booking.booker.givenName', () => withBooking({ booker: { givenName: 'An\0na' } })],
  ['half of a surrogate pair', 'TEXT', 'booking.attributes."meal"', () => withBooking({ attributes: { meal: 'x\ud83d' } })],
  ['U+0000 in a name of an attribute', 'TEXT', 'booking.attributes."\\u0000"', () => withBooking({ attributes: { '\0': 'x' } })],
  ['U+0000 in an id', 'TEXT', 'bookingRef', () => refused({ ...good, bookingRef: 'B\0' })],
];

describe('is refused, with code and path:', () => {
  test.each(cases)('%s', (_, code, path, refuse) => {
    const rejection = refuse();
    expect(rejection).toMatchObject({ code });
    expect(rejection?.reason.startsWith(`${path} `)).toBe(true);
  });
});

describe('is allowed:', () => {
  test('an event up to a day after its arrival, and any future where the arrival is unknown', () => {
    expect(refused(good, at - day)).toBeNull();
    expect(refused({ ...good, occurredAt: Date.UTC(2200, 11, 31) }, null)).toBeNull();
  });

  test('an empty list as touches: it is named', () => {
    expect(refused({ ...good, type: 'refunded', touches: { items: [] } })).toBeNull();
  });

  test('the 29th of February of a leap year, and a day that begins and ends an item', () => {
    expect(withItem({ start: '2028-02-29', end: '2028-02-29' })).toBeNull();
  });

  test('delivered fees of one code for several items, and fees without id and code', () => {
    expect(withBooking({ agencyFees: [{ code: 'F', item: 'a' }, { code: 'F', item: 'b' }, { code: 'F' }, { gross: '1' }, { gross: '1' }] })).toBeNull();
  });

  test('5,000 items, a text of 1 MiB, and characters beyond the basic plane', () => {
    expect(withBooking({ items: Array.from({ length: 5_000 }, (_, index) => ({ ...item, id: `i${index}` })) })).toBeNull();
    expect(withBooking({ remarks: [{ text: 'x'.repeat(1_048_576) }, { text: '\u{1f600}' }] })).toBeNull();
  });

  test('a reference to nothing', () => {
    expect(withItem({ travellers: ['nobody'] })).toBeNull();
  });
});

test('a reason can be stored whatever the event holds, and shows no more than the beginning of a value', () => {
  const reasons = [refused({ ...good, type: `x${'y'.repeat(300)}` }), withItem({ start: `\u{1f600}${'z'.repeat(300)}` }), withBooking({ attributes: { '\0': 'x' } })].map((rejection) => rejection?.reason ?? '');
  for (const reason of reasons) {
    expect(reason).not.toMatch(/[\0]/);
    expect(reason.length).toBeLessThan(200);
  }
});
