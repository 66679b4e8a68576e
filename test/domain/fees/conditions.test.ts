import { describe, expect, test } from '@jest/globals';
import { booked, standing } from './example.js';

/** Whether a rule with these conditions holds for a charge of the scope. */
function holds(when: string, { scope = 'item', booking = '', event = '', order = '', world = '', head = '', on = 'booked', more = '' } = {}): boolean {
  return standing({
    charges: `c: { scope: ${scope} }`, rules: `- { id: r, charge: c, on: ${on}, when: ${when}, amount: { fixed: 10 } }`, events: `${booked(booking, event)}\n${more}`, order, world, head,
  }).length > 0;
}

const item = (fields: string): string => `items: [{ id: i1, product: flight, ${fields} }]`;

describe('codes', () => {
  test.each([
    ['product', '{ product: flight }', item('')],
    ['a list', '{ product: [hotel, flight] }', item('')],
    ['supplier', '{ supplier: S1 }', item('supplier: S1')],
    ['supplierGroup', '{ supplierGroup: STAR }', item('supplierGroup: STAR')],
    ['carrier', '{ carrier: LH }', item('carrier: LH')],
    ['bookingClass', '{ bookingClass: [Y, B] }', item('bookingClass: B')],
    ['fareType', '{ fareType: published }', item('fareType: published')],
    ['tariff', '{ tariff: IT }', item('tariff: IT')],
    ['tripType', '{ tripType: one-way }', item('tripType: one-way')],
    ['itemStatus', '{ itemStatus: open }', item('status: open')],
    ['a number stands for its text', '{ tariff: 9 }', item('tariff: "9"')],
    ['a boolean stands for its text', '{ item: { vip: true } }', item('attributes: { vip: "true" }')],
    ['free attributes of the item', '{ item: { board: HB } }', item('attributes: { board: HB }')],
    ['free attributes of the order', '{ order: { priority: urgent } }', `${item('')}, attributes: { priority: urgent }`],
    ['a range over a text that is a number', '{ tariff: { from: 1.5, to: 10 } }', item('tariff: "9"')],
    ['payment by brand', '{ payment: amex }', `${item('')}, payments: [{ type: card, brand: amex }]`],
    ['payment by type where there is no brand', '{ payment: cash }', `${item('')}, payments: [{ type: card, brand: amex }, { type: cash }]`],
    ['isOption missing is false', '{ isOption: false }', item('')],
    ['isRequest', '{ isRequest: true }', `${item('')}, isRequest: true`],
    ['passengerType of one of the travellers', '{ passengerType: CHD }', `${item('')}, travellers: [{ id: a, type: ADT }, { id: b, type: CHD }]`],
    ['travellers', '{ travellers: { from: 2, to: 3 } }', `${item('')}, travellers: [{ id: a }, { id: b }]`],
    ['segments', '{ segments: 2 }', item('segments: [{ origin: BER, destination: MUC }, { origin: MUC, destination: VIE }]')],
    ['price', '{ price: { from: 100, to: 200 } }', item('price: { currency: EUR, total: "200.00" }')],
    ['documentType of one of its documents', '{ documentType: EMD }', `${item('')}, documents: [{ id: d1, type: EMD, item: i1 }]`],
  ])('%s holds', (_name, when, booking) => {
    expect(holds(when, { booking })).toBe(true);
  });

  test.each([
    ['codes compare exactly, case included', '{ carrier: lh }', item('carrier: LH')],
    ['quoted leading zeros are another code', '{ tariff: "007" }', item('tariff: "7"')],
    ['NO is Norway, not false', '{ item: { home: false } }', item('attributes: { home: "NO" }')],
    ['a missing fact makes a condition false', '{ carrier: LH }', item('')],
    ['a range over a text that is no number is unknown', '{ tariff: { from: 1 } }', item('tariff: IT')],
    ['and stays unknown inside not', '{ not: { tariff: { from: 1 } } }', item('tariff: IT')],
    ['a missing fact inside not', '{ not: { carrier: LH } }', item('')],
    ['both ends of a range', '{ price: { from: 100, to: 199.99 } }', item('price: { currency: EUR, total: "200.00" }')],
    ["a price in another currency than the table's is unknown", '{ price: { from: 1 } }', item('price: { currency: CHF, total: "200.00" }')],
    ['segments of a flight without segments are unknown', '{ segments: { from: 0 } }', item('origin: BER, destination: MUC')],
    ['absent of a fact that is there', '{ carrier: absent }', item('carrier: LH')],
  ])('%s: does not hold', (_name, when, booking) => {
    expect(holds(when, { booking })).toBe(false);
  });
});

describe('where, by whom and how', () => {
  test.each([
    ['source', '{ source: gds }', '', true],
    ['office', '{ office: B1 }', 'office: B1,', true],
    ['agent', '{ agent: [x, y] }', 'agent: y,', true],
    ['channel', '{ channel: online }', 'channel: online,', true],
    ['initiator', '{ initiator: supplier }', 'initiator: supplier,', true],
    ['channel unknown', '{ channel: online }', '', false],
    ['orgUnit', '{ orgUnit: berlin }', '', true],
    ['orgUnit with its subtree', '{ orgUnit: group }', '', true],
    ["the event's org unit goes before the order's", '{ orgUnit: wien }', 'orgUnit: wien,', true],
    ['a sibling is not in the subtree', '{ orgUnit: wien }', '', false],
  ])('%s', (_name, when, event, expected) => {
    expect(holds(when, { event })).toBe(expected);
  });
});

describe('places and geography', () => {
  const head = 'zones: { home: [DE], near: [AT, CH, NL], alps: [CH, INN] }\npairs: [{ between: [SIN, KUL], as: domestic }, { between: [DE, FR], as: regional }]';
  test.each([
    ['an airport', '{ origin: BER }', 'origin: BER', true],
    ['a country', '{ destination: AT }', 'destination: VIE', true],
    ['a zone', '{ destination: near }', 'destination: ZRH', true],
    ['a station in a zone', '{ destination: alps }', 'destination: INN', true],
    ['a place of unknown country', '{ destination: AT }', 'destination: XXX', false],
    ['domestic', '{ geography: domestic }', 'origin: BER, destination: MUC', true],
    ['regional', '{ geography: regional }', 'origin: BER, destination: VIE', true],
    ['international', '{ geography: international }', 'origin: BER, destination: JFK', true],
    ['a foreign domestic flight is not domestic', '{ geography: international }', 'origin: NCE, destination: CDG', true],
    ['a pair', '{ geography: domestic }', 'origin: SIN, destination: KUL', true],
    ['a pair holds in both directions', '{ geography: domestic }', 'origin: KUL, destination: SIN', true],
    ['a pair of countries', '{ geography: regional }', 'origin: CDG, destination: BER', true],
    ['of several legs the farthest counts', '{ geography: international }', 'segments: [{ origin: BER, destination: MUC }, { origin: MUC, destination: JFK }]', true],
    ['of several legs not the nearest', '{ geography: domestic }', 'segments: [{ origin: BER, destination: MUC }, { origin: MUC, destination: VIE }]', false],
    ['unknown where a country is unknown', '{ geography: [domestic, regional, international] }', 'origin: BER, destination: XXX', false],
  ])('%s', (_name, when, fields, expected) => {
    expect(holds(when, { booking: item(fields), head })).toBe(expected);
  });

  test('hotels and cars have the geography of their country', () => {
    expect(holds('{ geography: domestic }', { booking: 'items: [{ id: i1, product: hotel, country: DEU }]', head })).toBe(true);
    expect(holds('{ geography: regional }', { booking: 'items: [{ id: i1, product: car, country: AT }]', head })).toBe(true);
    expect(holds('{ geography: [domestic, regional, international] }', { booking: 'items: [{ id: i1, product: hotel }]', head })).toBe(false);
  });
});

describe('time', () => {
  const travel = 'start: 2026-06-04, nights: 3';
  test.each([
    ['leadDays count calendar days from the local day', '{ leadDays: 31 }', true],
    ['leadDays in a range', '{ leadDays: { to: 13 } }', false],
    ['travelFrom and travelUntil look at the start', '{ travelFrom: 2026-06-04, travelUntil: 2026-06-04 }', true],
    ['after travelUntil', '{ travelUntil: 2026-06-03 }', false],
    ['returnFrom looks at the end, which is start + nights', '{ returnFrom: 2026-06-07, returnUntil: 2026-06-07 }', true],
    ['bookedFrom looks at the day of the first booked', '{ bookedFrom: 2026-05-04, bookedUntil: 2026-05-04 }', true],
    ['days of the transaction', '{ days: [Mo, Tu] }', true],
    ['days of the travel start (a Thursday that is no holiday)', '{ travelDays: Th }', true],
    ['hours: start in', '{ hours: "Mo-Fr 10:00-18:00" }', true],
    ['hours: end out', '{ hours: "Mo-Fr 09:00-10:00" }', false],
    ['outsideHours', '{ outsideHours: "Mo-Fr 10:01-18:00" }', true],
    ['sameDay of units without document: the day of the first booked', '{ sameDay: true }', true],
    ['previousDay', '{ previousDay: true }', false],
    ['nth', '{ nth: 1 }', true],
  ])('%s', (_name, when, expected) => {
    expect(holds(when, { booking: item(travel) })).toBe(expected);
  });

  test("local time is that of the transaction's org unit", () => {
    expect(holds('{ hours: "Mo 08:00-08:01" }', { event: 'orgUnit: elsewhere,' })).toBe(true);
    expect(holds('{ hours: "Mo 10:00-10:01" }', { event: 'orgUnit: wien,' })).toBe(true);
  });

  test.each([
    ['a span over midnight belongs to the day it began', 'Mo 22:00-06:00', '2026-05-05T05:59:00+02:00', true],
    ['and not to the next', 'Tu 22:00-06:00', '2026-05-05T05:59:00+02:00', false],
    ['its end is out', 'Mo 22:00-06:00', '2026-05-05T06:00:00+02:00', false],
    ['24:00 ends the day', 'Mo 18:00-24:00', '2026-05-04T23:59:59+02:00', true],
    ['a holiday is an ordinary day unless PH is named', 'Sa 09:00-13:00', '2026-10-03T10:00:00+02:00', true],
    ['off empties the holiday', 'Sa 09:00-13:00; PH off', '2026-10-03T10:00:00+02:00', false],
    ['on a holiday only the parts that name PH count', 'Sa 09:00-13:00; PH 15:00-16:00', '2026-10-03T10:00:00+02:00', false],
    ['spans of all parts add up', 'Mo-Fr 09:00-12:00; Mo 13:00-14:00', '2026-05-04T13:30:00+02:00', true],
    ["another country's holidays", 'PH-AT 09:00-13:00', '2026-10-26T10:00:00+01:00', true],
    ['a second span of a day', 'Mo-Fr 09:00-18:00,19:00-20:00', '2026-05-04T19:30:00+02:00', true],
  ])('hours: %s', (_name, hours, at, expected) => {
    const events = `- { eventId: e1, type: booked, occurredAt: "${at}", booking: { items: [{ id: i1, product: flight }] } }`;
    const lines = standing({ charges: 'c: { scope: order }', rules: `- { id: r, charge: c, on: booked, when: { hours: "${hours}" }, amount: { fixed: 10 } }`, events });
    expect(lines.length > 0).toBe(expected);
  });

  test('a document unit is same-day if it was issued on the local day', () => {
    const voided = (at: string, when: string): number => standing({
      charges: 'c: { scope: document }', rules: `- { id: r, charge: c, on: voided, when: ${when}, amount: { fixed: 10 } }`,
      events: `${booked('items: [{ id: i1, product: flight }], documents: [{ id: d1, type: TICKET, item: i1, issuedAt: "2026-05-06T23:30:00+02:00" }]')}
- { eventId: e2, type: voided, occurredAt: "${at}", touches: { documents: [d1] } }`,
    }).length;
    expect(voided('2026-05-06T23:50:00+02:00', '{ sameDay: true }')).toBe(1);
    expect(voided('2026-05-07T00:10:00+02:00', '{ sameDay: true }')).toBe(0);
    expect(voided('2026-05-07T00:10:00+02:00', '{ previousDay: true }')).toBe(1);
  });

  test('nth counts the changes, each kind for itself', () => {
    const change = (id: string, day: string): string => `- { eventId: ${id}, type: changed, occurredAt: "2026-05-${day}T10:00:00+02:00" }`;
    const lines = standing({ charges: 'c: { scope: transaction }', rules: '- { id: r, charge: c, on: changed, when: { nth: { from: 2 } }, amount: { fixed: 10 } }', events: `${booked()}\n${change('e2', '05')}\n${change('e3', '06')}\n${change('e4', '07')}` });
    expect(lines).toEqual(['e3 changed transaction:e3 c r 10.00', 'e4 changed transaction:e4 c r 10.00']);
  });
});

describe('changed', () => {
  const first = 'items: [{ id: i1, product: flight, bookingClass: Y, origin: BER, start: 2026-06-04, supplier: S, price: { currency: EUR, total: "200" } }, { id: i2, product: hotel }], travellers: [{ id: a, givenName: ANNA }]';
  const kinds = ['dates', 'route', 'class', 'price', 'travellers', 'other'];
  const changedTo = (booking: string): readonly string[] => kinds.filter((kind) => holds(`{ changed: ${kind} }`, {
    scope: 'transaction', on: 'changed', booking: first, more: `- { eventId: e2, type: changed, occurredAt: "2026-05-05T10:00:00+02:00", booking: { ${booking} } }`,
  }));
  test.each([
    ['dates', first.replace('2026-06-04', '2026-06-05'), ['dates']],
    ['route', first.replace('origin: BER', 'origin: MUC'), ['route']],
    ['class', first.replace('bookingClass: Y', 'bookingClass: B'), ['class']],
    ['price', first.replace('"200"', '"210"'), ['price']],
    ['travellers', first.replace('ANNA', 'ANNE'), ['travellers']],
    ['supplier is other', first.replace('supplier: S', 'supplier: T'), ['other']],
    ['a new item is other', first.replace('{ id: i2, product: hotel }', '{ id: i2, product: hotel }, { id: i3, product: car }'), ['other']],
    ['several', first.replace('2026-06-04', '2026-06-05').replace('"200"', '"210"'), ['dates', 'price']],
    ['nothing', first, []],
  ])('%s', (_name, booking, expected) => {
    expect(changedTo(booking)).toEqual(expected);
  });

  test('is unknown for the first event', () => {
    expect(holds('{ not: { changed: dates } }', { scope: 'transaction' })).toBe(false);
  });
});

describe('customer attributes', () => {
  const world = 'customers: { anna: [{ from: 2026-01-01, attributes: { status: gold } }, { from: 2026-05-04, attributes: { status: vip } }] }';
  test.each([
    ['as of the day of the transaction', '{ customer: { status: vip } }', 'customer: anna', true],
    ['not as of an earlier day', '{ customer: { status: gold } }', 'customer: anna', false],
    ['of an order without customer unknown', '{ customer: { status: vip } }', '', false],
    ['absent', '{ customer: { tier: absent } }', 'customer: anna', true],
  ])('%s', (_name, when, order, expected) => {
    expect(holds(when, { world, order })).toBe(expected);
  });
});
