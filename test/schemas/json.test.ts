import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dateOf, daysOf, instantOf } from '../../schemas/dates.js';
import { decimalOf, decimalOfNumber, unscaledOf } from '../../schemas/decimal.js';
import { fromJson, toJson } from '../../schemas/json.js';

const smallest = { eventId: 'e-1', source: 'hotel-pms', type: 'booked', bookingRef: 'R1', occurredAt: '2026-05-10T14:00:00+02:00' };

function problemsOf(value: unknown) {
  const read = fromJson('BookingEvent', value);
  return 'problems' in read ? read.problems.map(({ path, problem }) => `${path} ${problem}`) : [];
}

const valueOf = (value: unknown) => {
  const read = fromJson('BookingEvent', value);
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read.value;
};

describe('reading canonical JSON', () => {
  test('an instant becomes milliseconds, whatever its offset', () => {
    expect(valueOf(smallest)).toEqual({ ...smallest, occurredAt: Date.UTC(2026, 4, 10, 12) });
  });

  test.each([
    ['2026-05-10T12:00:00Z', Date.UTC(2026, 4, 10, 12)],
    ['2026-05-10T12:00Z', Date.UTC(2026, 4, 10, 12)],
    ['2026-05-10T12:00:00.1Z', Date.UTC(2026, 4, 10, 12, 0, 0, 100)],
    ['2026-05-10T12:00:00.123999Z', Date.UTC(2026, 4, 10, 12, 0, 0, 123)],
    ['2026-05-10T00:30:00+0530', Date.UTC(2026, 4, 9, 19)],
    ['2026-05-10T23:30:00-02:00', Date.UTC(2026, 4, 11, 1, 30)],
    ['0099-01-01T00:00:00Z', Date.parse('0099-01-01T00:00:00Z')],
  ])('the instant %s is understood', (text, expected) => {
    expect(instantOf(text)).toBe(expected);
  });

  /** Seen to fail with Date.parse alone: it takes 30 February for 2 March and local time for UTC. */
  test.each(['2026-05-10T12:00:00', '2026-05-10', '2026-02-30T00:00:00Z', '2026-05-10T24:00:00Z', '2026-05-10T12:60:00Z', 'yesterday', ''])(
    '%p is no instant',
    (text) => {
      expect(problemsOf({ ...smallest, occurredAt: text })).toEqual(['occurredAt is not an instant with offset such as 2026-05-10T12:00:00Z']);
    },
  );

  test.each(['2026-02-30', '2025-02-29', '2026-13-01', '2026-00-01', '0000-01-01', '2026-5-1', '2026-05-10T00:00:00Z'])('%p is no date', (text) => {
    expect(problemsOf({ ...smallest, booking: { travelFrom: text } })).toEqual(['booking.travelFrom is not a date such as 2026-05-10']);
  });

  test.each([
    ['82.50', '82.5'],
    [82.5, '82.5'],
    ['-0.10', '-0.1'],
    ['0007', '7'],
    ['-0', '0'],
    ['99999999999999.9999', '99999999999999.9999'],
    ['1.50000', '1.5'],
  ])('the decimal %p is %p', (text, expected) => {
    const event = valueOf({ ...smallest, booking: { price: { currency: 'EUR', total: text } } });
    expect(event.booking?.price?.total).toBe(expected);
  });

  test.each([
    ['1.23456', 'has more than 4 digits after the point'],
    ['100000000000000', 'has more than 14 digits before the point'],
    ['1,5', 'is not a decimal such as "82.50"'],
    ['1e3', 'is not a decimal such as "82.50"'],
    [1e-7, 'is not a decimal such as "82.50"'],
    [Number.NaN, 'is not a decimal such as "82.50"'],
    ['', 'is not a decimal such as "82.50"'],
    [true, 'is not a decimal such as "82.50"'],
  ])('the decimal %p %s', (text, problem) => {
    expect(problemsOf({ ...smallest, booking: { price: { currency: 'EUR', total: text } } })).toEqual([`booking.price.total ${problem}`]);
  });

  test('an unknown field is named with its path and the nearest field', () => {
    expect(problemsOf({ ...smallest, booking: { items: [{ id: '1', product: 'hotel', bokingClass: 'Y' }] } })).toEqual([
      'booking.items[0].bokingClass is unknown; the nearest field is bookingClass',
    ]);
  });

  test('all problems are reported at once', () => {
    expect(problemsOf({ source: 5, type: null, bookingRef: 'R', occurredAt: 1, version: 1.5, workMinutes: 2 ** 31, booking: [] })).toEqual([
      'eventId is missing',
      'source is not a text',
      'type is missing',
      'version is not a whole number up to 2^53',
      'occurredAt is not an instant with offset such as 2026-05-10T12:00:00Z',
      'workMinutes is not a whole number of 32 bits',
      'booking is not an object (Booking)',
    ]);
  });

  test('text that Postgres or UTF-8 cannot hold is refused, keys of maps included', () => {
    expect(problemsOf({ ...smallest, agent: 'a\u0000b', office: '\ud800', booking: { attributes: { 'x\u0000': 'y' } } })).toEqual([
      'office holds half of a surrogate pair',
      'agent holds the character U+0000',
      'booking.attributes.x\u0000 holds the character U+0000',
    ]);
  });

  test('what is no object is one problem', () => {
    for (const value of [null, 'x', 1, []]) expect(problemsOf(value)).toEqual([' is not an object (BookingEvent)']);
  });

  test('a key called __proto__ stays a key', () => {
    const event = valueOf({ ...smallest, booking: JSON.parse('{"attributes":{"__proto__":"x"}}') });
    expect(Object.entries(event.booking?.attributes ?? {})).toEqual([['__proto__', 'x']]);
  });
});

describe('writing canonical JSON', () => {
  test('keys come in the order of the contract, without null, instants as UTC text', () => {
    const event = {
      occurredAt: 1,
      bookingRef: 'R',
      version: null,
      type: 'booked',
      source: 's',
      eventId: 'e',
      booking: { price: { total: '1', currency: 'EUR' }, bookedAt: 0 },
    };
    expect(JSON.stringify(toJson('BookingEvent', event))).toBe(
      '{"eventId":"e","source":"s","type":"booked","bookingRef":"R","occurredAt":"1970-01-01T00:00:00.001Z","booking":{"bookedAt":"1970-01-01T00:00:00.000Z","price":{"currency":"EUR","total":"1"}}}',
    );
  });

  test('a moment that no calendar has stays a number', () => {
    expect(toJson('BookingEvent', { ...valueOf(smallest), occurredAt: 9e15 })['occurredAt']).toBe(9e15);
  });

  test('what is written reads back as it was', () => {
    const event = valueOf({
      ...smallest,
      touches: { items: ['1'] },
      booking: {
        travellers: [{ id: 't1', consents: [{ purpose: 'newsletter', given: false, at: '2026-01-01T00:00:00Z' }] }],
        items: [
          { id: '1', product: 'hotel', start: '2026-05-10', travellerCounts: { ADT: 2 }, childAges: [3], price: { currency: 'EUR', total: '82.50' } },
        ],
      },
    });
    expect(valueOf(JSON.parse(JSON.stringify(toJson('BookingEvent', event))))).toEqual(event);
  });
});

describe('decimals and dates', () => {
  test('a decimal has one shortest text, by number and by bigint', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (unscaled) => {
        const text = decimalOf(BigInt(unscaled));
        expect(decimalOfNumber(unscaled)).toBe(text);
        expect(unscaledOf(text)).toBe(BigInt(unscaled));
        expect(text).not.toMatch(/\.\d*0$/);
      }),
    );
  });

  test('every day of the years 1 to 9999 has one text', () => {
    fc.assert(fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (days) => daysOf(dateOf(days)) === days));
    expect([dateOf(-719_162), dateOf(2_932_896)]).toEqual(['0001-01-01', '9999-12-31']);
  });

  test('a day beyond them is a text that is no date', () => {
    for (const days of [-719_163, 2_932_897, 2 ** 31 - 1, -(2 ** 31)]) expect(daysOf(dateOf(days))).toBeUndefined();
  });
});
