import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareRules, precedenceGroups, specificityOf } from '../../../workers/domain/fees/precedence.js';
import { booked, standing } from './example.js';

const flight = 'items: [{ id: i1, product: flight, carrier: LH, supplier: S, supplierGroup: G, origin: BER, destination: MUC, start: 2026-06-04, bookingClass: Y, price: { currency: EUR, total: "200" } }, { id: i2, product: hotel }]';

/** The rule that wins of two, which are given in both orders. */
function winner(left: string, right: string, priorities: readonly [number, number] = [0, 0]): string {
  const rules = [`- { id: left, priority: ${priorities[0]}, charge: c, on: booked, when: ${left}, amount: { fixed: 1 } }`, `- { id: right, priority: ${priorities[1]}, charge: c, on: booked, when: ${right}, amount: { fixed: 2 } }`];
  const winners = [rules, rules.toReversed()].map((order) => standing({
    charges: 'c: { scope: order }', rules: order.join('\n'), head: 'zones: { home: [DE] }', order: 'customer: anna', world: 'customers: { anna: { attributes: { status: vip, tier: a } } }',
    events: booked(flight, 'channel: online, agent: x,'),
  }).map((line) => line.split(' ')[4]));
  expect(winners[0]).toEqual(winners[1]);
  return winners[0]?.[0] ?? 'none';
}

describe('exactly one rule wins, whatever the order in the file', () => {
  test.each([
    ['the higher priority wins over any condition', '{}', '{ customer: { status: vip } }', [1, 0], 'left'],
    ['the smaller id wins of equals', '{ carrier: LH }', '{ carrier: LH }', [0, 0], 'left'],
    ['customer before everything else', '{ customer: { status: absent } , product: flight}', '{ customer: { status: vip } }', [0, 0], 'right'],
    ['source before supplier', '{ supplier: S, carrier: LH, bookingClass: Y }', '{ source: gds }', [0, 0], 'right'],
    ['agent before carrier', '{ carrier: LH }', '{ agent: x }', [0, 0], 'right'],
    ['supplier exact before supplierGroup', '{ supplierGroup: G }', '{ supplier: S }', [0, 0], 'right'],
    ['exact before list', '{ carrier: [LH, OS] }', '{ carrier: LH }', [0, 0], 'right'],
    ['a list of one is exact', '{ carrier: [LH], channel: online }', '{ carrier: LH }', [0, 0], 'left'],
    ['list before range', '{ bookingClass: { not: 1 } }'.replace('{ bookingClass: { not: 1 } }', '{ leadDays: { from: 0 } }'), '{ leadDays: [31, 32] }', [0, 0], 'right'],
    ['airport before country', '{ origin: DE }', '{ origin: BER }', [0, 0], 'right'],
    ['country before zone', '{ origin: home }', '{ origin: DE }', [0, 0], 'right'],
    ['two weak ones do not beat one strong one in a group', '{ origin: DE, destination: DE }', '{ origin: BER }', [0, 0], 'right'],
    ['more conditions beat fewer', '{ origin: BER }', '{ origin: BER, destination: home }', [0, 0], 'right'],
    ['orderHas counts in the group of product', '{ product: flight }', '{ product: flight, orderHas: { product: hotel } }', [0, 0], 'right'],
    ['not is as weak as a range', '{ not: { carrier: XX } }', '{ carrier: [LH, OS] }', [0, 0], 'right'],
    ['each condition inside not counts in its own group', '{ not: { carrier: XX } }', '{ bookingClass: Y }', [0, 0], 'left'],
    ['absent is as weak as a range', '{ tariff: absent }', '{ carrier: LH }', [0, 0], 'left'],
    ['each customer attribute counts', '{ customer: { status: vip, tier: a } }', '{ customer: { status: vip } , source: gds }', [0, 0], 'left'],
    ['from and until are one range', '{ travelFrom: 2026-01-01, travelUntil: 2026-12-31 }', '{ travelFrom: 2026-01-01, channel: online }', [0, 0], 'right'],
    ['product before price', '{ price: 200 }', '{ product: [flight, rail] }', [0, 0], 'right'],
    ['leadDays before travelFrom', '{ travelFrom: 2026-01-01 }', '{ leadDays: { from: 1 } }', [0, 0], 'right'],
    ['hours before channel', '{ channel: online }', '{ hours: "Mo-Su 00:00-24:00" }', [0, 0], 'right'],
    ['channel before isOption', '{ isOption: false }', '{ channel: online }', [0, 0], 'right'],
  ] as const)('%s', (_name, left, right, priorities, expected) => {
    expect(winner(left, right, priorities)).toBe(expected);
  });

  test('none wins like any other and gives no entry', () => {
    expect(standing({
      charges: 'c: { scope: order }', events: booked(flight),
      rules: '- { id: all, charge: c, on: booked, amount: { fixed: 1 } }\n- { id: free, charge: c, on: booked, when: { carrier: LH }, amount: none }',
    })).toEqual([]);
  });

  test('charges are independent: supplements stack', () => {
    expect(standing({
      charges: 'a: { scope: order }\nb: { scope: order }', events: booked(flight),
      rules: '- { id: a, charge: a, on: booked, amount: { fixed: 1 } }\n- { id: b, charge: b, on: booked, amount: { fixed: 2 } }',
    })).toEqual(['e1 booked order a a 1.00', 'e1 booked order b b 2.00']);
  });
});

describe('precedence is a total order', () => {
  const strength = fc.record({ group: fc.nat(precedenceGroups.length - 1), strength: fc.constantFrom<1 | 2 | 3>(1, 2, 3) });
  const rule = fc.record({ id: fc.string({ minLength: 1, maxLength: 3, unit: 'binary' }), priority: fc.integer({ min: -1, max: 1 }), strengths: fc.array(strength, { maxLength: 4 }) })
    .map(({ id, priority, strengths }) => ({ id, priority, specificity: specificityOf(strengths) }));

  test('antisymmetric, transitive, and without ties where ids differ', () => {
    fc.assert(fc.property(rule, rule, rule, (a, b, c) => {
      expect(Math.sign(compareRules(a, b))).toBe(-Math.sign(compareRules(b, a)) + 0);
      if (a.id !== b.id) expect(compareRules(a, b)).not.toBe(0);
      if (compareRules(a, b) < 0 && compareRules(b, c) < 0) expect(compareRules(a, c)).toBeLessThan(0);
    }), { numRuns: 2000 });
  });
});
