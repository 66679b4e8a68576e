import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { FeeTable } from '../../../schemas/fee-table.js';
import { compileFeeTable } from '../../../workers/domain/fees/compile.js';
import { tableDifferences } from '../../../workers/domain/fees/difference.js';
import { lintFeeTable } from '../../../workers/domain/fees/lint/lint.js';
import { lineFinder, parseFeeTable, problemText } from '../../../workers/domain/fees/parse.js';
import { rateTransactions } from '../../../workers/domain/fees/rate.js';
import { createFeeWorld } from '../../../workers/domain/fees/world.js';
import { foldAll } from '../../../workers/domain/fold.js';
import { bookingHistory } from '../booking-histories.js';
import { feeTable } from './random-tables.js';

function read(text: string): FeeTable {
  const parsed = parseFeeTable(text, 'yaml', 'table.yaml');
  if ('problems' in parsed) throw new Error(parsed.problems.map(problemText).join('\n'));
  return parsed.table;
}

const textOf = (rules: string, { scope = 'item', head = '' } = {}): string => `feeTable: t
currency: EUR
validFrom: 2026-01-01
${head}
charges: { fee: { scope: ${scope} } }
rules:
${rules.trim().split('\n').map((rule) => `  - { charge: fee, on: booked, ${rule.trim()} }`).join('\n')}
`;

/** Each finding in short: kind, rule, field. */
const found = (rules: string, options: { readonly scope?: string; readonly head?: string } = {}): readonly string[] =>
  lintFeeTable(read(textOf(rules, options)), []).map(({ kind, rule, field }) => `${kind} ${rule ?? '-'} ${field}`);

const fixed = 'amount: { fixed: 10 }';
const cheaper = 'amount: { fixed: 5 }';

describe('a rule that can never win', () => {
  test.each([
    ['a rule of higher priority holds wherever it does', `id: a, priority: 1, ${fixed}\nid: b, when: { product: hotel }, ${cheaper}`],
    ['its values are among those of a list that goes before', `id: a, priority: 1, when: { carrier: [LH, OS] }, ${fixed}\nid: b, when: { carrier: LH, bookingClass: Y }, ${cheaper}`],
    ['its range lies within another one', `id: a, priority: 1, when: { price: { from: 100 } }, ${fixed}\nid: b, when: { price: { from: 150, to: 200 } }, ${cheaper}`],
    ['its number lies within a range', `id: a, priority: 1, when: { leadDays: { to: 14 } }, ${fixed}\nid: b, when: { leadDays: 3 }, ${cheaper}`],
    ['the same attribute of the customer', `id: a, priority: 1, when: { customer: { status: [vip, gold] } }, ${fixed}\nid: b, when: { customer: { status: vip, region: north } }, ${cheaper}`],
    ['its days lie within the days of another one', `id: a, priority: 1, from: 2026-01-01, ${fixed}\nid: b, from: 2026-03-01, until: 2026-03-31, when: { product: hotel }, ${cheaper}`],
    ['travel later than another one asks', `id: a, priority: 1, when: { travelFrom: 2026-06-01 }, ${fixed}\nid: b, when: { travelFrom: 2026-07-01, travelUntil: 2026-07-31 }, ${cheaper}`],
    ['an exemption goes before it', `id: a, priority: 1, when: { product: hotel }, amount: none\nid: b, when: { product: hotel, orderHas: { product: flight } }, ${cheaper}`],
    ['the same conditions and a smaller id', `id: a, when: { product: hotel }, ${fixed}\nid: b, when: { product: hotel }, ${cheaper}`],
    ['the same not', `id: a, priority: 1, when: { not: { product: hotel } }, ${fixed}\nid: b, when: { not: { product: hotel }, channel: web }, ${cheaper}`],
  ])('is found: %s', (_why, rules) => {
    expect(found(rules)).toEqual(['dead-rule b when']);
  });

  test.each([
    ['another amount may be unknown', `id: a, priority: 1, amount: { percent: 3, of: unit-total }\nid: b, when: { product: hotel }, ${cheaper}`],
    ['another multiplier may be unknown', `id: a, priority: 1, amount: { fixed: 3, times: nights }\nid: b, when: { product: hotel }, ${cheaper}`],
    ['it holds for more transactions', `id: a, priority: 1, ${fixed}\nid: b, on: [booked, changed], ${cheaper}`.replace('id: b, on:', 'id: b, "on":')],
    ['its range is wider', `id: a, priority: 1, when: { price: { from: 100, to: 200 } }, ${fixed}\nid: b, when: { price: { from: 150 } }, ${cheaper}`],
    ['a country is no station', `id: a, priority: 1, when: { destination: DE }, ${fixed}\nid: b, when: { destination: BER }, ${cheaper}`],
    ['it begins earlier', `id: a, priority: 1, from: 2026-02-01, ${fixed}\nid: b, when: { product: hotel }, ${cheaper}`],
  ])('is not suspected: %s', (_why, rules) => {
    const text = textOf(rules).replace('on: booked, id: b, "on": [booked, changed]', 'id: b, on: [booked, changed]');
    expect(lintFeeTable(read(text), []).filter(({ kind }) => kind === 'dead-rule')).toEqual([]);
  });

  test('is told with the rule that kills it, why that goes before, and what to do', () => {
    const text = textOf(`id: vip, when: { customer: { status: vip } }, ${fixed}\nid: vip-hotel, when: { customer: { status: vip }, product: hotel }, priority: -1, ${cheaper}`);
    const [finding, ...others] = lintFeeTable(read(text), []);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ level: 'error', rule: 'vip-hotel', problem: 'it can never win: wherever it holds, vip holds too and goes before it (priority 0 > -1)', remedy: 'remove it, narrow vip, or give it a higher priority' });
    expect(lineFinder(text, 'yaml')(finding?.rule ?? null, finding?.field ?? '')).toBe(8);
  });

  test('may be killed by a rule of a table that is extended; what is wrong there is not told again', () => {
    const base = read(textOf(`id: all, priority: 5, ${fixed}\nid: dead, ${cheaper}`).replace('feeTable: t', 'feeTable: base'));
    const own = read(`feeTable: t\nextends: base\ncurrency: EUR\nvalidFrom: 2026-01-01\nrules: [{ id: mine, charge: fee, on: booked, when: { product: hotel }, ${cheaper} }]\n`);
    expect(lintFeeTable(own, [base]).map(({ kind, rule }) => `${kind} ${rule}`)).toEqual(['dead-rule mine']);
  });

  // Seen to fail when amounts that may be unknown count as sure, when `on` is not compared, and when conditions that the rule lacks count as implied.
  test('never wins at any fee point of any order', () => {
    let [dead, wins] = [0, 0];
    const tables = fc.sample(feeTable('base', 7), 250).map(withNarrowed).map((table) => {
      const suspects = new Set(lintFeeTable(table, []).filter(({ kind }) => kind === 'dead-rule').map(({ rule }) => rule));
      dead += suspects.size;
      return {
        suspects,
        world: createFeeWorld({
          ownerZone: 'Europe/Berlin', orgUnits: [{ id: 'group', timeZone: 'Europe/Berlin', country: 'DE' }, { id: 'berlin', parent: 'group' }], taxCodes: [{ code: 'DE-standard', rates: [{ percent: '19' }] }],
          customers: [{ id: 'anna', attributes: [{ name: 'status', value: 'vip' }] }], tables: [{ table: 'base', version: 1, validFrom: 0, compiled: compileFeeTable(table, 1) }], assignments: [{ subject: { kind: 'default' }, table: 'base' }],
        }),
      };
    });
    fc.assert(fc.property(fc.constantFrom(...tables), fc.constantFrom(null, 'anna'), bookingHistory, ({ suspects, world }, customerId, history) => {
      const { trace } = rateTransactions({ source: 'gds', customerId, companyId: null, orgUnit: 'berlin' }, foldAll(history).transactions, world, [], { trace: true });
      for (const { points } of trace?.transactions ?? []) {
        for (const { winner } of points) {
          if (winner === null) continue;
          wins += 1;
          expect(suspects).not.toContain(winner.rule);
        }
      }
    }), { numRuns: 2_000 });
    expect(dead).toBeGreaterThan(100);
    expect(wins).toBeGreaterThan(1_000);
  });
});

/** Each rule again, narrowed by what another one asks for, behind all others: such a rule is dead where its model always has an amount. */
function withNarrowed(table: FeeTable): FeeTable {
  const rules = table.rules ?? [];
  return { ...table, rules: rules.flatMap((rule, index) => [rule, { ...rule, id: `${rule.id}-narrow`, priority: '-1', when: { ...rules[(index + 1) % rules.length]?.when, ...rule.when } }]) };
}

describe('what else is found', () => {
  test.each([
    ['a tie', `id: a, when: { price: { from: 100 } }, ${fixed}\nid: b, when: { price: { to: 200 } }, ${cheaper}`, ['tie b when']],
    ['a tie between a wide and a narrow range, neither of which holds wherever the other does', `id: a, when: { price: { from: 100, to: 300 } }, ${fixed}\nid: b, when: { price: { from: 200, to: 500 } }, ${cheaper}`, ['tie b when']],
    ['no tie: the ranges do not meet', `id: a, when: { price: { to: 100 } }, ${fixed}\nid: b, when: { price: { from: 100.01 } }, ${cheaper}`, []],
    ['no tie: an item has one product', `id: a, when: { product: hotel }, ${fixed}\nid: b, when: { product: flight }, ${cheaper}`, []],
    ['no tie: the same amount', `id: a, when: { price: { from: 100 } }, ${fixed}\nid: b, when: { price: { to: 200 } }, ${fixed}`, []],
    ['an exemption that a priced rule beats', `id: a, when: { customer: { status: vip } }, ${fixed}\nid: b, when: { product: hotel }, amount: none`, ['beaten-exemption b amount']],
    ['not contradicted by the rule itself', `id: a, when: { product: hotel, not: { product: [hotel, rail] } }, ${fixed}`, ['contradiction a when.not']],
    ['two days at once', `id: a, when: { sameDay: true, previousDay: true }, ${fixed}`, ['contradiction a when.previousDay']],
    ['nothing has a number 0', `id: a, when: { nth: 0 }, ${fixed}`, ['contradiction a when.nth']],
    ['a source is never absent', `id: a, when: { source: absent }, ${fixed}`, ['never-absent a when.source']],
    ['hours that never come', `id: a, when: { hours: "Mo-Fr 09:00-18:00; Mo-Su off" }, ${fixed}`, ['never-open a when.hours']],
    ['hours without an outside', `id: a, when: { outsideHours: "00:00-24:00" }, ${fixed}`, ['never-open a when.outsideHours']],
    ['a rule that ended before its table begins', `id: a, until: 2025-12-31, ${fixed}`, ['ended-rule a until']],
    ['a product that nobody books', `id: a, when: { product: hotell }, ${fixed}`, ['unknown-code a when.product']],
    ['a country that does not exist', `id: a, when: { destination: [DE, XY] }, ${fixed}`, ['unknown-code a when.destination']],
    ['the same inside orderHas', `id: a, when: { orderHas: { product: airplane } }, ${fixed}`, ['unknown-code a when.orderHas.product']],
    ['geography without a zone', `id: a, when: { geography: domestic }, ${fixed}`, ['geography-without-zone a when.geography']],
    ['bands below what the rule asks for', `id: a, when: { price: { from: 150 } }, amount: { bands: [{ upTo: 100, fixed: 6 }, { upTo: 200, fixed: 7 }, { fixed: 8 }] }`, ['unreachable-band a amount.bands.1']],
    ['bands above what the rule asks for', `id: a, when: { leadDays: { to: 10 } }, amount: { bands: [{ upTo: 13, fixed: 6 }, { fixed: 8 }], over: leadDays }`, ['unreachable-band a amount.bands.2']],
  ] as const)('%s', (_what, rules, expected) => {
    expect(found(rules)).toEqual(expected);
  });

  test('a traveller has one type', () => {
    const rules = `id: a, when: { passengerType: ADT }, ${fixed}\nid: b, when: { passengerType: CHD }, ${cheaper}`;
    expect(found(rules, { scope: 'traveller' })).toEqual([]);
    expect(found(rules, { scope: 'order' })).toEqual(['tie b when']);
  });

  test('charges without rules, zones that no rule asks for, countries in zones that do not exist', () => {
    const text = textOf(`id: a, when: { origin: far }, ${fixed}`, { head: 'zones: { far: [US, QQ], home: [DE], unused: [FR] }' }).replace('charges: {', 'charges: { other: { scope: order }, ');
    expect(lintFeeTable(read(text), []).map(({ kind, field }) => `${kind} ${field}`)).toEqual(['charge-without-rules charges.other', 'unknown-code zones.far', 'unused-zone zones.home', 'unused-zone zones.unused']);
  });

  test('rules of an order scope may hold by different items, so products do not keep them apart', () => {
    expect(found(`id: a, when: { product: hotel }, ${fixed}\nid: b, when: { product: flight }, ${cheaper}`, { scope: 'order' })).toEqual(['tie b when']);
  });
});

describe('the difference of two tables', () => {
  const before = read(textOf(`id: a, when: { product: hotel }, ${fixed}\nid: b, ${cheaper}`));

  test('names what was added, removed and changed, with both values', () => {
    const after = read(textOf(`id: c, ${cheaper}\nid: a, when: { product: [hotel, car] }, amount: { fixed: 12, times: nights }`, { head: 'vatIncluded: false\nzones: { home: [DE] }' }).replace('scope: item', 'scope: item, vat: DE'));
    expect(tableDifferences(before, after)).toEqual([
      { part: 'head', change: 'changed', field: 'vatIncluded', before: null, after: 'false' },
      { part: 'zone home', change: 'added', field: null, before: null, after: '["DE"]' },
      { part: 'charge fee', change: 'changed', field: 'vat', before: null, after: 'DE' },
      { part: 'rule a', change: 'changed', field: 'when.product', before: 'hotel', after: 'hotel, car' },
      { part: 'rule a', change: 'changed', field: 'amount.fixed', before: '10', after: '12' },
      { part: 'rule a', change: 'changed', field: 'amount.times', before: null, after: 'nights' },
      { part: 'rule b', change: 'removed', field: null, before: expect.any(String), after: null },
      { part: 'rule c', change: 'added', field: null, before: null, after: expect.any(String) },
    ]);
  });

  test('the order of rules is none', () => {
    expect(tableDifferences(before, { ...before, rules: [...(before.rules ?? [])].reverse() })).toEqual([]);
  });
});
