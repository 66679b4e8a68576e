import { describe, expect, test } from '@jest/globals';
import { booked, standing, play } from './example.js';

const table = (name: string, amount: string, { validFrom = '2019-01-01', version = 1, charge = 'c: { scope: order }', more = '' } = {}): string => `
- version: ${version}
  yaml: |
    feeTable: ${name}
    currency: EUR
    validFrom: ${validFrom}
    ${more}
    charges: { ${charge} }
    rules: [{ id: ${name}, charge: c, on: booked, amount: ${amount} }]`;

const world = 'companies: { acme: { parent: holding }, holding: {}, other: {} }\ncustomers: { anna: [{ from: 2026-01-01, company: other }, { from: 2026-05-04, company: acme }] }';
const tables = ['anna', 'acme', 'holding', 'berlin', 'group'].map((name, index) => table(name, `{ fixed: ${index + 2} }`)).join('');

/** The table whose rule charged. */
function deciding(assignments: string, { order = '', charge = 'c: { scope: order }', events = booked() } = {}): string {
  return standing({ charges: charge, rules: '- { id: t, charge: c, on: booked, amount: { fixed: 1 } }', events, world, tables, order, assignments }).map((line) => line.split(' ')[4]).join(' ');
}

describe('the nearest table that has the charge decides', () => {
  test.each([
    ['the default', '- { default: true, table: t }', '', 't'],
    ['org units upward', '- { default: true, table: t }\n- { orgUnit: group, table: group }', '', 'group'],
    ['the nearer org unit', '- { orgUnit: group, table: group }\n- { orgUnit: berlin, table: berlin }', '', 'berlin'],
    ['companies before org units', '- { orgUnit: berlin, table: berlin }\n- { company: holding, table: holding }', 'company: acme', 'holding'],
    ['the corporate account itself', '- { company: acme, table: acme }\n- { company: holding, table: holding }', 'company: acme', 'acme'],
    ["else the customer's company of that day", '- { default: true, table: t }\n- { company: acme, table: acme }', 'customer: anna', 'acme'],
    ["the corporate account goes before the customer's company", '- { default: true, table: t }\n- { company: acme, table: acme }', 'customer: anna\ncompany: other', 't'],
    ['the customer before all', '- { company: acme, table: acme }\n- { customer: anna, table: anna }', 'customer: anna', 'anna'],
    ['from and until are days, both included', '- { default: true, table: t }\n- { customer: anna, table: anna, from: 2026-05-04, until: 2026-05-04 }', 'customer: anna', 'anna'],
    ['not before', '- { default: true, table: t }\n- { customer: anna, table: anna, from: 2026-05-05 }', 'customer: anna', 't'],
    ['not after', '- { default: true, table: t }\n- { customer: anna, table: anna, until: 2026-05-03 }', 'customer: anna', 't'],
    ['of overlapping assignments the later from counts', '- { customer: anna, table: acme, from: 2026-02-01 }\n- { customer: anna, table: anna, from: 2026-01-01 }', 'customer: anna', 'acme'],
    ['no assignment, no fee', '- { customer: bert, table: t }', 'customer: anna', ''],
  ])('%s', (_name, assignments, order, expected) => {
    expect(deciding(assignments, { order })).toBe(expected);
  });

  const two = (inherit: string, rule: string): readonly string[] => standing({
    charges: 'c: { scope: order }', rules: '- { id: t, charge: c, on: booked, amount: { fixed: 1 } }', events: booked(), order: 'customer: anna',
    tables: table('near', rule, { charge: `c: { scope: order, inherit: ${inherit} }` }), assignments: '- { default: true, table: t }\n- { customer: anna, table: near }',
  });
  test('inherit never: an unmatched point stays without a fee', () => {
    expect(two('never', '{ percent: 1, of: penalty }')).toEqual([]);
  });
  test('inherit when-unmatched asks the next table', () => {
    expect(two('when-unmatched', '{ percent: 1, of: penalty }')).toEqual(['e1 booked order c t 1.00']);
  });
  test('a rule with none is a match and ends the search', () => {
    expect(two('when-unmatched', 'none')).toEqual([]);
  });
  test('a table that does not have the charge is passed by', () => {
    expect(standing({
      charges: 'c: { scope: order }', rules: '- { id: t, charge: c, on: booked, amount: { fixed: 1 } }', events: booked(), order: 'customer: anna',
      tables: table('near', 'none', { charge: 'c: { scope: order }' }).replace('charge: c', 'charge: d').replace('c: {', 'd: {'), assignments: '- { default: true, table: t }\n- { customer: anna, table: near }',
    })).toEqual(['e1 booked order c t 1.00']);
  });
});

describe('versions', () => {
  const versions = table('v', '{ fixed: 1 }', { validFrom: '2026-01-01' }) + table('v', '{ fixed: 2 }', { validFrom: '2026-05-04', version: 2 }) + table('v', '{ fixed: 3 }', { validFrom: '2026-05-04', version: 3 }) + table('v', '{ fixed: 4 }', { validFrom: '"2026-05-04T09:30:00+02:00"', version: 4 });
  const at = (time: string): string => standing({
    charges: 'x: { scope: order }', rules: '[]', tables: versions, assignments: '- { default: true, table: v }',
    events: `- { eventId: e1, type: booked, occurredAt: "${time}", booking: { items: [{ id: i1, product: flight }] } }`,
  }).map((line) => line.split(' ')[5]).join(' ');
  test.each([
    ['the latest validFrom that has come', '2026-05-03T23:59:59+02:00', '1.00'],
    ["a day begins in the owner's zone; of equals the higher number", '2026-05-04T00:00:00+02:00', '3.00'],
    ['an instant with offset', '2026-05-04T09:30:00+02:00', '4.00'],
    ['no version yet: as if not assigned', '2025-12-31T23:59:59+01:00', ''],
  ])('%s', (_name, time, expected) => {
    expect(at(time)).toBe(expected);
  });

  test("a rule's own days are compared with the transaction's day in the owner's zone", () => {
    const days = (rule: string): number => standing({ charges: 'c: { scope: order }', rules: `- { id: r, charge: c, on: booked, ${rule}, amount: { fixed: 1 } }`, events: booked() }).length;
    expect(days('from: 2026-05-04, until: 2026-05-04')).toBe(1);
    expect(days('from: 2026-05-05')).toBe(0);
    expect(days('until: 2026-05-03')).toBe(0);
  });
});

describe('extends', () => {
  const base = `
- version: 7
  yaml: |
    feeTable: base
    currency: EUR
    validFrom: 2019-01-01
    vatIncluded: false
    zones: { home: [DE] }
    charges: { c: { scope: order, vat: DE-standard }, d: { scope: order } }
    rules:
      - { id: one, charge: c, on: booked, amount: { fixed: 10 } }
      - { id: two, charge: d, on: booked, when: { geography: domestic }, amount: { fixed: 20 } }`;
  const run = (head: string, charges: string, rules: string) => {
    const result = play({ charges, rules, head: `extends: base\n${head}`, tables: base, events: booked() });
    if (result.kind !== 'rated') return result.problems;
    return result.standing.map(({ rule, table: of, version, origin, net, gross }) => `${rule} ${of} ${version} ${origin === null ? '-' : `${origin.table} ${origin.version}`} ${net} ${gross}`);
  };
  test("the base's rules, charges and zones join; vatIncluded of the base holds where the table says none", () => {
    expect(run('', 'x: { scope: order }', '[]')).toEqual(['one t 1 base 7 10.00 11.90', 'two t 1 base 7 20.00 20.00']);
  });
  test('an equal id replaces, and fields of a charge one by one', () => {
    expect(run('', 'c: { vatIncluded: true }', '- { id: one, charge: c, on: booked, amount: { fixed: 11.90 } }')).toEqual(['one t 1 - 10.00 11.90', 'two t 1 base 7 20.00 20.00']);
  });
  test('an equal zone replaces', () => {
    expect(run('zones: { home: [AT] }', 'x: { scope: order }', '[]')).toEqual(['one t 1 base 7 10.00 11.90']);
  });
  test('remove drops a rule', () => {
    expect(run('remove: [two]', 'x: { scope: order }', '[]')).toEqual(['one t 1 base 7 10.00 11.90']);
  });
  test.each([
    ['remove of an unknown id', 'remove: [three]', 'x: { scope: order }', '[]', 'the id of a rule of the extended table'],
    ['a charge that no table declares', '', 'x: { scope: order }', '- { id: q, charge: nix, on: booked, amount: none }', 'one of the charges'],
    ['another scope of the same charge', '', 'c: { scope: item }', '[]', 'a charge has one scope in all tables'],
  ])('refused: %s', (_name, head, charges, rules, text) => {
    expect(run(head, charges, rules).join('\n')).toContain(text);
  });
});
