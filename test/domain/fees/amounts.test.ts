import { describe, expect, test } from '@jest/globals';
import { booked, standing } from './example.js';

interface Options {
  readonly scope?: string;
  readonly booking?: string;
  readonly event?: string;
  readonly charge?: string;
  readonly head?: string;
  readonly when?: string;
}

const stay = 'items: [{ id: i1, product: hotel, start: 2026-06-04, end: 2026-06-07, quantity: 2, price: { currency: EUR, total: "300.00", base: "250.00", taxes: "50.00", commission: "30.00" } }]';

/** The gross amount of a rule's entry; null: none. */
function gross(amount: string, { scope = 'item', booking = stay, event = '', charge = '', head = '', when = '{}' }: Options = {}): string | null {
  const lines = standing({ charges: `c: { scope: ${scope}${charge} }`, rules: `- { id: r, charge: c, on: booked, when: ${when}, amount: ${amount} }`, events: booked(booking, event), head });
  return lines.length === 0 ? null : lines.map((line) => line.split(' ').slice(5).join(' ')).join(' + ');
}

describe('amounts', () => {
  test.each<[string, string, Options, string | null]>([
    ['fixed', '{ fixed: 50 }', {}, '50.00'],
    ['fixed 0 equals none', '{ fixed: 0 }', {}, null],
    ['percent of the unit', '{ percent: 3, of: unit-total }', {}, '9.00'],
    ['percent of the base', '{ percent: 3, of: unit-base }', {}, '7.50'],
    ['percent of the taxes', '{ percent: 10, of: taxes }', {}, '5.00'],
    ['percent of the commission', '{ percent: 50, of: commission }', {}, '15.00'],
    ['percent of the order', '{ percent: 1, of: order-total }', { booking: `${stay}, price: { currency: EUR, total: "1000" }` }, '10.00'],
    ['the order without a price costs the sum of its items', '{ percent: 1, of: order-total }', { booking: 'items: [{ id: i1, product: hotel, price: { currency: EUR, total: "100" } }, { id: i2, product: car, price: { currency: EUR, total: "50" } }]', scope: 'order' }, '1.50'],
    ['a missing part is unknown', '{ percent: 3, of: commission }', { booking: 'items: [{ id: i1, product: hotel, price: { currency: EUR, total: "100" } }]' }, null],
    ['min', '{ percent: 3, of: unit-total, min: 12 }', {}, '12.00'],
    ['max', '{ percent: 3, of: unit-total, max: 5 }', {}, '5.00'],
    ['min and max of a value between', '{ percent: 3, of: unit-total, min: 5, max: 20 }', {}, '9.00'],
    ['exact decimals: no float', '{ percent: 0.7, of: unit-total }', { booking: 'items: [{ id: i1, product: hotel, price: { currency: EUR, total: "1.15" } }]' }, '0.01'],
    ['half away from zero to the minor unit', '{ percent: 50, of: unit-total }', { booking: 'items: [{ id: i1, product: hotel, price: { currency: EUR, total: "0.05" } }]' }, '0.03'],
    ['of a negative price too', '{ percent: 50, of: unit-total }', { booking: 'items: [{ id: i1, product: hotel, price: { currency: EUR, total: "-0.05" } }]' }, '-0.03'],
    ['a band: slab, not graduated', '{ bands: [{ upTo: 100, fixed: 6 }, { upTo: 300, fixed: 8 }, { percent: 2, of: unit-total }] }', {}, '8.00'],
    ['the last band is open', '{ bands: [{ upTo: 100, fixed: 6 }, { percent: 2, of: unit-total }] }', {}, '6.00'],
    ['bands over nights', '{ bands: [{ upTo: 2, fixed: 6 }, { fixed: 9 }], over: nights }', {}, '9.00'],
    ['bands over leadDays', '{ bands: [{ upTo: 13, fixed: 220 }, { fixed: 9 }], over: leadDays }', {}, '9.00'],
    ['bands over the price per night', '{ bands: [{ upTo: 100, fixed: 6 }, { fixed: 9 }], over: per-night }', {}, '6.00'],
    ['a price per night with 0 nights is unknown', '{ bands: [{ upTo: 100, fixed: 6 }, { fixed: 9 }], over: per-night }', { booking: 'items: [{ id: i1, product: hotel, nights: 0, price: { currency: EUR, total: "300" } }]' }, null],
    ['times nights: of a hotel from start to end', '{ fixed: 5, times: nights }', {}, '15.00'],
    ['times rooms', '{ fixed: 5, times: rooms }', {}, '10.00'],
    ['rooms missing are 1', '{ fixed: 5, times: rooms }', { booking: 'items: [{ id: i1, product: hotel }]' }, '5.00'],
    ['times room-nights', '{ fixed: 5, times: room-nights }', {}, '30.00'],
    ['times a list', '{ fixed: 5, times: [nights, rooms] }', {}, '30.00'],
    ['timesMax limits the product', '{ fixed: 5, times: [nights, rooms], timesMax: 4 }', {}, '20.00'],
    ['times multiplies all that stands before it', '{ bands: [{ upTo: 100, fixed: 6 }, { fixed: 9 }], times: rooms }', {}, '18.00'],
    ['min and max come after times', '{ fixed: 5, times: nights, max: 12 }', {}, '12.00'],
    ['nights unknown', '{ fixed: 5, times: nights }', { booking: 'items: [{ id: i1, product: car }]' }, null],
    ['segments', '{ fixed: 5, times: segments }', { booking: 'items: [{ id: i1, product: flight, segments: [{ origin: BER }, { origin: MUC }] }]' }, '10.00'],
    ['documents', '{ fixed: 5, times: documents }', { scope: 'transaction', booking: `${stay}, documents: [{ id: d1, type: TICKET }, { id: d2, type: TICKET }]` }, '10.00'],
    ['then for each started hour after the first two', '{ fixed: 220, then: { each: 110, per: started-hour, after: 2 } }', { event: 'workMinutes: 181,' }, '440.00'],
    ['then: nothing begun', '{ fixed: 220, then: { each: 110, per: started-hour, after: 2 } }', { event: 'workMinutes: 120,' }, '220.00'],
    ['then: workMinutes unknown', '{ fixed: 220, then: { each: 110, per: started-hour, after: 2 } }', {}, null],
    ['payment: those that satisfy the condition', '{ percent: 2, of: payment }', { when: '{ payment: amex }', booking: `${stay}, payments: [{ brand: amex, amount: "100", currency: EUR }, { brand: visa, amount: "900", currency: EUR }]` }, '2.00'],
    ['payment: all without a condition', '{ percent: 2, of: payment }', { booking: `${stay}, payments: [{ brand: amex, amount: "100", currency: EUR }, { brand: visa, amount: "900", currency: EUR }]` }, '20.00'],
    ['refund', '{ percent: 10, of: refund }', { event: 'refund: { amount: "80", penalty: "20", currency: EUR },' }, '8.00'],
    ['penalty', '{ percent: 10, of: penalty }', { event: 'refund: { amount: "80", penalty: "20", currency: EUR },' }, '2.00'],
    ['refund unknown where several units are touched', '{ percent: 10, of: refund }', { event: 'refund: { amount: "80", currency: EUR },', booking: 'items: [{ id: i1, product: hotel }, { id: i2, product: hotel }]' }, null],
    ['a traveller costs its touched documents', '{ percent: 10, of: unit-total }', { scope: 'traveller', booking: `${stay}, travellers: [{ id: a }], documents: [{ id: d1, type: TICKET, traveller: a, price: { currency: EUR, total: "100" } }, { id: d2, type: EMD, traveller: a, price: { currency: EUR, total: "20" } }]` }, '12.00'],
    ['a transaction costs its touched items', '{ percent: 10, of: unit-total }', { scope: 'transaction', booking: `${stay}, price: { currency: EUR, total: "1000" }` }, '30.00'],
    ['a transaction without items costs the order', '{ percent: 10, of: unit-total }', { scope: 'transaction', booking: 'price: { currency: EUR, total: "1000" }' }, '100.00'],
  ])('%s', (_name, amount, options, expected) => {
    expect(gross(amount, options)).toBe(expected);
  });
});

describe('rounding is the last step and may pass max by less than one step', () => {
  test.each<[string, string, Options, string]>([
    ['at the amount', '{ fixed: 12.26, rounding: { to: 0.50 } }', {}, '12.50'],
    ['half away', '{ fixed: 12.25, rounding: { to: 0.50, mode: half-away } }', {}, '12.50'],
    ['half even', '{ fixed: 12.25, rounding: { to: 0.50, mode: half-even } }', {}, '12.00'],
    ['up', '{ fixed: 12.01, rounding: { to: 1, mode: up } }', {}, '13.00'],
    ['down', '{ fixed: 12.99, rounding: { to: 1, mode: down } }', {}, '12.00'],
    ['down is toward zero', '{ percent: -4.33, of: unit-total, rounding: { to: 1, mode: down } }', {}, '-12.00'],
    ['passes max', '{ fixed: 30, max: 12.30, rounding: { to: 0.50 } }', {}, '12.50'],
    ['at the charge', '{ fixed: 12.26 }', { charge: ', rounding: { to: 0.50 }' }, '12.50'],
    ['at the table', '{ fixed: 12.26 }', { head: 'rounding: { to: 0.50 }' }, '12.50'],
    ['the nearest counts', '{ fixed: 12.26, rounding: { to: 1 } }', { charge: ', rounding: { to: 5 }', head: 'rounding: { to: 10 }' }, '12.00'],
  ])('%s', (_name, amount, options, expected) => {
    expect(gross(amount, options)).toBe(expected);
  });
});

describe('currencies', () => {
  const inCurrency = (currency: string, total = '1000'): Options => ({ booking: `items: [{ id: i1, product: hotel, nights: 1, price: { currency: ${currency}, total: "${total}" } }]` });
  test.each<[string, string, Options, string | null]>([
    ["fixed is in the table's currency", '{ fixed: 50 }', inCurrency('CHF'), '50.00'],
    ["or in the order's where it is listed", '{ fixed: { EUR: 50, CHF: 48 } }', inCurrency('CHF'), '48.00 CHF'],
    ["an order's currency that is not listed", '{ fixed: { EUR: 50, CHF: 48 } }', inCurrency('USD'), '50.00'],
    ['a percentage is in the currency of what it is taken of', '{ percent: 3, of: unit-total }', inCurrency('CHF'), '30.00 CHF'],
    ['min and max are left out in another currency', '{ percent: 3, of: unit-total, max: 5 }', inCurrency('CHF'), '30.00 CHF'],
    ['rounding to a step too', '{ percent: 3.33, of: unit-total, rounding: { to: 1 } }', inCurrency('CHF'), '33.30 CHF'],
    ['bands over a price are unknown', '{ bands: [{ upTo: 100, fixed: 6 }, { fixed: 9 }] }', inCurrency('CHF'), null],
    ['bands over nights are not', '{ bands: [{ upTo: 100, fixed: 6 }, { fixed: 9 }], over: nights }', inCurrency('CHF'), '6.00'],
    ['no decimals', '{ percent: 3.35, of: unit-total }', inCurrency('JPY'), '34 JPY'],
    ['three decimals', '{ percent: 3.33333, of: unit-total }', inCurrency('KWD'), '33.333 KWD'],
  ])('%s', (_name, amount, options, expected) => {
    expect(gross(amount, options)).toBe(expected);
  });
});

describe('once and capPerOrder', () => {
  const run = (charge: string, events: string, amount = '{ fixed: 30 }', scope = 'transaction'): readonly string[] =>
    standing({ charges: `c: { scope: ${scope}, ${charge} }`, rules: `- { id: r, charge: c, on: [booked, changed, cancelled], amount: ${amount} }`, events }).map((line) => line.split(' ').filter((_, index) => index === 0 || index === 5).join(' '));
  const change = (id: string, at: string): string => `- { eventId: ${id}, type: changed, occurredAt: "${at}" }`;
  const days = `${booked()}\n${change('e2', '2026-05-04T23:59:00+02:00')}\n${change('e3', '2026-05-05T00:01:00+02:00')}\n${change('e4', '2026-05-05T00:10:00+02:00')}`;

  test('once a day is a local day', () => expect(run('once: day', days)).toEqual(['e1 30.00', 'e3 30.00']));
  test('once an order', () => expect(run('once: order', days)).toEqual(['e1 30.00']));
  test('no entry while the last one is at most that old', () => expect(run('once: { within: 10m }', days)).toEqual(['e1 30.00', 'e2 30.00', 'e4 30.00']));
  test('the entry that would pass the cap is cut to what is left', () => expect(run('capPerOrder: 75', days)).toEqual(['e1 30.00', 'e2 30.00', 'e3 15.00']));
  test('once counts all units of the charge, in the order of the booking', () => {
    expect(run('once: order', booked('items: [{ id: i1, product: flight }, { id: i2, product: hotel }]'), '{ fixed: 30 }', 'item')).toEqual(['e1 30.00']);
  });
  test('after a new booking a new life counts', () => {
    const again = `${booked()}\n- { eventId: e2, type: cancelled, occurredAt: "2026-05-05T10:00:00+02:00" }\n- { eventId: e3, type: booked, occurredAt: "2026-05-06T10:00:00+02:00", booking: { items: [{ id: i1, product: flight }] } }`;
    expect(run('once: order', again)).toEqual(['e1 30.00', 'e3 30.00']);
    expect(run('capPerOrder: 40', again)).toEqual(['e1 30.00', 'e2 10.00', 'e3 30.00']);
  });
  test('a cap in another currency is left out', () => {
    expect(run('capPerOrder: 5', booked('items: [{ id: i1, product: flight, price: { currency: CHF, total: "1000" } }]'), '{ percent: 3, of: unit-total }')).toEqual(['e1 30.00']);
  });
});

describe('percentages of a charge', () => {
  const charges = 'service: { scope: item, vat: DE-standard }\nback: { scope: item }\nzz: { scope: item }';
  const cancel = '- { eventId: e2, type: cancelled, occurredAt: "2026-05-05T10:00:00+02:00" }';
  test('a negative one gives back, with the VAT rate of what it gives back', () => {
    const rules = '- { id: s, charge: service, on: booked, amount: { fixed: 50 } }\n- { id: b, charge: back, on: cancelled, amount: { percent: -50, of: { charge: service } } }';
    expect(standing({ charges, rules, events: `${booked()}\n${cancel}` })).toEqual(['e1 booked item:i1 service s 50.00', 'e2 cancelled item:i1 back b -25.00']);
  });
  test('nothing so far is zero', () => {
    const rules = '- { id: b, charge: back, on: booked, amount: { percent: -50, of: { charge: service } } }';
    expect(standing({ charges, rules, events: booked() })).toEqual([]);
  });
  test('charges are rated after those that they name', () => {
    const rules = '- { id: b, charge: back, on: booked, amount: { percent: 10, of: { charge: zz } } }\n- { id: z, charge: zz, on: booked, amount: { fixed: 80 } }';
    expect(standing({ charges, rules, events: booked() })).toEqual(['e1 booked item:i1 back b 8.00', 'e1 booked item:i1 zz z 80.00']);
  });
  test('a charge may name its own earlier entries', () => {
    const rules = '- { id: a, charge: service, on: booked, amount: { fixed: 80 } }\n- { id: b, charge: service, on: cancelled, amount: { percent: -100, of: { charge: service } } }';
    expect(standing({ charges, rules, events: `${booked()}\n${cancel}` })).toEqual(['e1 booked item:i1 service a 80.00', 'e2 cancelled item:i1 service b -80.00']);
  });
});
