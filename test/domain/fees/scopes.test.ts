import { describe, expect, test } from '@jest/globals';
import { booked, standing } from './example.js';

const two = 'items: [{ id: i1, product: flight, travellers: [a, b] }, { id: i2, product: hotel, travellers: [a] }], travellers: [{ id: a, type: ADT }, { id: b, type: CHD }], documents: [{ id: d1, type: TICKET, item: i1, traveller: a }]';
const everyScope = `
o: { scope: order }
t: { scope: transaction }
i: { scope: item }
p: { scope: traveller }
d: { scope: document }`;
const types = '[booked, changed, ticketed, cancelled]';
const everyRule = ['o', 't', 'i', 'p', 'd'].map((charge) => `- { id: ${charge}, charge: ${charge}, on: ${types}, amount: { fixed: 10 } }`).join('\n');

describe('a charge has one scope, and one fee point for each unit that the transaction touches', () => {
  test('booked touches all items, travellers and documents', () => {
    expect(standing({ charges: everyScope, rules: everyRule, events: booked(two) })).toEqual([
      'e1 booked order o o 10.00', 'e1 booked transaction:e1 t t 10.00', 'e1 booked item:i1 i i 10.00', 'e1 booked item:i2 i i 10.00',
      'e1 booked traveller:a p p 10.00', 'e1 booked traveller:b p p 10.00', 'e1 booked document:d1 d d 10.00',
    ]);
  });

  test('a charge of scope order is an entry once in the life of the order', () => {
    const events = `${booked(two)}
- { eventId: e2, type: changed, occurredAt: "2026-05-05T10:00:00+02:00" }
- { eventId: e3, type: cancelled, occurredAt: "2026-05-06T10:00:00+02:00" }
- { eventId: e4, type: booked, occurredAt: "2026-05-07T10:00:00+02:00", booking: { ${two} } }`;
    expect(standing({ charges: 'o: { scope: order }', rules: `- { id: o, charge: o, on: ${types}, amount: { fixed: 10 } }`, events }))
      .toEqual(['e1 booked order o o 10.00', 'e4 booked order o o 10.00']);
  });

  test('none, no match and zero do not use up the charge of an order', () => {
    const rules = `
- { id: free, charge: o, on: booked, amount: none }
- { id: zero, charge: o, on: changed, when: { nth: 1 }, amount: { fixed: 0 } }
- { id: second, charge: o, on: changed, when: { nth: { from: 2 } }, amount: { fixed: 10 } }`;
    const events = `${booked(two)}
- { eventId: e2, type: changed, occurredAt: "2026-05-05T10:00:00+02:00" }
- { eventId: e3, type: changed, occurredAt: "2026-05-06T10:00:00+02:00" }`;
    expect(standing({ charges: 'o: { scope: order }', rules, events })).toEqual(['e3 changed order o second 10.00']);
  });

  test('a new item in a change is booked, and one that is gone is cancelled, for scopes item, traveller and document only', () => {
    const events = `${booked('items: [{ id: i1, product: flight }]')}
- { eventId: e2, type: changed, occurredAt: "2026-05-05T10:00:00+02:00", booking: { items: [{ id: i2, product: hotel }] } }`;
    expect(standing({ charges: 't: { scope: transaction }\ni: { scope: item }', rules: `- { id: i, charge: i, on: [booked, cancelled], amount: { fixed: 10 } }\n- { id: t, charge: t, on: [booked, cancelled], amount: { fixed: 7 } }`, events }))
      .toEqual(['e1 booked transaction:e1 t t 7.00', 'e1 booked item:i1 i i 10.00', 'e2 booked item:i2 i i 10.00', 'e2 cancelled item:i1 i i 10.00']);
  });

  test('a history that does not begin with booked has an implied booked', () => {
    const events = '- { eventId: e2, type: changed, occurredAt: "2026-05-05T10:00:00+02:00", booking: { items: [{ id: i1, product: flight }] } }';
    expect(standing({ charges: 't: { scope: transaction }', rules: '- { id: t, charge: t, on: [booked, changed], amount: { fixed: 7 } }', events }))
      .toEqual(['implied:booked booked transaction:implied:booked t t 7.00', 'e2 changed transaction:e2 t t 7.00']);
  });
});

describe('item conditions hold for a unit if ONE of its items satisfies all of them together', () => {
  const rules = (when: string): string => `- { id: r, charge: o, on: booked, when: ${when}, amount: { fixed: 10 } }`;
  const bookingOf = 'items: [{ id: i1, product: flight, carrier: LH }, { id: i2, product: hotel, supplier: HH }]';
  test.each([
    ['one item has both', '{ product: flight, carrier: LH }', 1],
    ['different items have one each', '{ product: hotel, carrier: LH }', 0],
    ['not is asked of the one item that meets the other conditions', '{ product: hotel, not: { carrier: LH } }', 0],
    ['not of a known other value', '{ product: flight, not: { carrier: OS } }', 1],
    ['an unknown stays unknown unless another of them is false', '{ product: hotel, not: { carrier: LH, product: flight } }', 1],
    ['absent', '{ product: hotel, carrier: absent }', 1],
    ['orderHas looks at all items of an order unit', '{ orderHas: { product: flight } }', 1],
  ])('%s', (_name, when, count) => {
    expect(standing({ charges: 'o: { scope: order }', rules: rules(when), events: booked(bookingOf) })).toHaveLength(count);
  });

  test('orderHas leaves out the own item of item and document units', () => {
    const only = (items: string): readonly string[] => standing({ charges: 'i: { scope: item }', rules: '- { id: r, charge: i, on: booked, when: { orderHas: { product: flight } }, amount: { fixed: 10 } }', events: booked(`items: [${items}]`) });
    expect(only('{ id: i1, product: flight }')).toEqual([]);
    expect(only('{ id: i1, product: flight }, { id: i2, product: hotel }')).toEqual(['e1 booked item:i2 i r 10.00']);
    expect(only('{ id: i1, product: flight, status: cancelled }, { id: i2, product: hotel }')).toEqual([]);
  });

  test('where a cancellation leaves the order without items, those that it touches count as its items and for its total', () => {
    const events = `${booked('items: [{ id: i1, product: flight, price: { currency: EUR, total: "200" } }]')}
- { eventId: e2, type: cancelled, occurredAt: "2026-05-06T10:00:00+02:00" }`;
    expect(standing({ charges: 'o: { scope: order }', rules: '- { id: r, charge: o, on: cancelled, when: { product: flight }, amount: { percent: 10, of: order-total } }', events })).toEqual(['e2 cancelled order o r 20.00']);
  });
});

describe('travellers', () => {
  const count = (booking: string, scope = 'transaction'): readonly string[] =>
    standing({ charges: `c: { scope: ${scope} }`, rules: '- { id: r, charge: c, on: booked, amount: { fixed: 10, times: travellers } }', events: booked(booking) }).map((line) => line.split(' ').at(-1) ?? '');
  test.each([
    ['infants count too', 'items: [{ id: i1, product: flight }], travellers: [{ id: a, type: ADT }, { id: b, type: INF }]', ['20.00']],
    ["by the source's counts where there are no names", 'items: [{ id: i1, product: hotel }], travellerCounts: { ADT: 2, CHD: 1 }', ['30.00']],
    ["an item's own counts go before the booking's", 'items: [{ id: i1, product: hotel, travellerCounts: { ADT: 4 } }], travellerCounts: { ADT: 2 }', ['40.00']],
    ['an item without traveller references concerns all', 'items: [{ id: i1, product: flight, travellers: [] }], travellers: [{ id: a }, { id: b }]', ['20.00']],
    ['those of an item with references', 'items: [{ id: i1, product: flight, travellers: [a] }], travellers: [{ id: a }, { id: b }]', ['10.00']],
    ['those of the touched items, each once', 'items: [{ id: i1, product: flight, travellers: [a] }, { id: i2, product: hotel, travellers: [a, b] }], travellers: [{ id: a }, { id: b }, { id: c }]', ['20.00']],
    ['unknown where the source says neither', 'items: [{ id: i1, product: flight }]', []],
  ])('%s', (_name, booking, amounts) => {
    expect(count(booking)).toEqual(amounts);
  });
});
