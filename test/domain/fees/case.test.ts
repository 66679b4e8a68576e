import { describe, expect, test } from '@jest/globals';
import { compareCase, caseOutput } from '../../../workers/domain/fees/case-compare.js';
import { parseCase, runCase } from '../../../workers/domain/fees/case.js';
import { explain, formatExplanation } from '../../../workers/domain/fees/explain.js';
import { createFeeWorld } from '../../../workers/domain/fees/world.js';
import { booked, type CaseParts, caseText, play, readCase } from './example.js';

const voidSameDay = `
case: void-same-day
comment: a ticket voided on the day of issue costs nothing
world:
  ownerZone: Europe/Berlin
  orgUnits: { group: { timeZone: Europe/Berlin, country: DE }, berlin: { parent: group } }
  customers: { anna: { attributes: { status: vip }, company: acme } }
  companies: { acme: { parent: acme-europe, country: DE, vatId: DE123456789 } }
  taxCodes: { DE-standard: { country: DE, rates: [{ from: 2007-01-01, percent: 19 }] } }
  places: { BER: DE, VIE: AT, MUC: DE }
  holidays: { DE: [2026-10-03] }
  sources: { gds: { agencyFees: ours, kinds: [refund-applied] } }
tables:
  - version: 1
    yaml: |
      feeTable: t
      currency: EUR
      validFrom: 2026-01-01
      zones: { home: [DE] }
      charges: { service-fee: { scope: document, vat: DE-standard } }
      rules:
        - { id: air-domestic, charge: service-fee, on: ticketed, when: { product: flight, geography: domestic }, amount: { fixed: 50 } }
        - { id: void, charge: service-fee, on: voided, amount: { fixed: 25 } }
        - { id: void-same-day, charge: service-fee, on: voided, when: { sameDay: true }, amount: none }
assignments: [{ default: true, table: t }, { customer: anna, table: vip, from: 2026-01-01 }]
order:
  ref: O-1
  source: gds
  customer: anna
  company: acme
  orgUnit: berlin
  events:
    - { eventId: e1, type: booked, occurredAt: "2026-05-04T10:00:00+02:00", booking: { items: [{ id: i1, product: flight, origin: BER, destination: MUC }] } }
    - eventId: e2
      type: ticketed
      occurredAt: "2026-05-04T10:05:00+02:00"
      booking: { items: [{ id: i1, product: flight, origin: BER, destination: MUC }], documents: [{ id: d1, type: TICKET, item: i1, issuedAt: "2026-05-04T10:05:00+02:00" }] }
    - { eventId: e3, type: voided, occurredAt: "2026-05-04T23:55:00+02:00", touches: { documents: [d1] } }
manual: [{ id: m1, kind: waiver, charge: service-fee, unit: "document:d1", by: anna, reason: goodwill }]
steps: [{ events: [e1] }, { events: [e2] }, { events: [e3] }, { manual: [m1] }]
expect:
  standing:
    - { transaction: e2, unit: "document:d1", charge: service-fee, rule: air-domestic, table: t, version: 1, net: "42.02", vat: "7.98", gross: "50.00", currency: EUR }
    - { transaction: e2, type: waiver, rule: "waiver:m1", table: null, version: null, gross: -50 }
  appended: [[], [{ type: charge, rule: air-domestic, gross: "50.00" }], [], [{ type: waiver, gross: "-50.00" }]]
`;

describe('case files', () => {
  test('a case as the design writes it comes out as it expects', () => {
    const feeCase = readCase(voidSameDay);
    const result = runCase(feeCase, () => '');
    expect(compareCase(feeCase, result)).toEqual([]);
    expect(caseOutput(result)).toEqual({
      case: 'void-same-day',
      standing: [
        { transaction: 'e2', type: 'ticketed', unit: 'document:d1', charge: 'service-fee', rule: 'air-domestic', table: 't', version: 1, net: '42.02', vat: '7.98', gross: '50.00', currency: 'EUR' },
        { transaction: 'e2', type: 'waiver', unit: 'document:d1', charge: 'service-fee', rule: 'waiver:m1', table: null, version: null, net: '-42.02', vat: '-7.98', gross: '-50.00', currency: 'EUR' },
      ],
      appended: [
        [],
        [{ type: 'charge', transaction: 'e2', transactionType: 'ticketed', unit: 'document:d1', charge: 'service-fee', rule: 'air-domestic', table: 't', version: 1, net: '42.02', vat: '7.98', gross: '50.00', currency: 'EUR' }],
        [],
        [{ type: 'waiver', transaction: 'e2', transactionType: 'ticketed', unit: 'document:d1', charge: 'service-fee', rule: 'waiver:m1', table: null, version: null, net: '-42.02', vat: '-7.98', gross: '-50.00', currency: 'EUR' }],
      ],
    });
  });

  test.each([
    ['another amount', 'gross: "50.00", currency', 'gross: "51.00", currency', ['standing: missing', 'standing: unexpected']],
    ['a line too few', 'expect:\n  standing:', 'expect:\n  standing:\n    - { transaction: e9 }', ['standing: missing {"transaction":"e9"}']],
    ['a step too few', '[[], [{ type: charge', '[[{ type: charge', ['appended: 4 steps instead of 3']],
    ['a refusal that does not come', 'expect:', 'expect:\n  refused: nonsense', ['the tables should be refused']],
  ])('%s differs', (_name, from, to, texts) => {
    const feeCase = readCase(voidSameDay.replace(from, to));
    const differences = compareCase(feeCase, runCase(feeCase, () => ''));
    for (const text of texts) expect(differences.some((difference) => difference.startsWith(text))).toBe(true);
  });

  test('an expected line with few keys does not take the partner of one with more', () => {
    const parts: CaseParts = {
      charges: 'c: { scope: item }', rules: '- { id: r, charge: c, on: booked, amount: { fixed: 10 } }', events: booked('items: [{ id: i1, product: flight }, { id: i2, product: hotel }]'),
      rest: 'expect: { standing: [{ charge: c }, { charge: c, unit: "item:i1" }] }',
    };
    const feeCase = readCase(caseText(parts));
    expect(compareCase(feeCase, runCase(feeCase, () => ''))).toEqual([]);
  });

  test('a left-out type means the type of the event itself', () => {
    const events = `${booked('items: [{ id: i1, product: flight }]')}\n- { eventId: e2, type: changed, occurredAt: "2026-05-05T10:00:00+02:00", booking: { items: [{ id: i1, product: flight }, { id: i2, product: hotel }] } }`;
    const differences = (standing: string): number => {
      const feeCase = readCase(caseText({ charges: 'c: { scope: item }', rules: '- { id: r, charge: c, on: booked, when: { product: hotel }, amount: { fixed: 10 } }', events, rest: `expect: { standing: ${standing} }` }));
      return compareCase(feeCase, runCase(feeCase, () => '')).length;
    };
    expect(differences('[{ transaction: e2, rule: r }]')).toBe(2);
    expect(differences('[{ transaction: e2, type: booked, rule: r }]')).toBe(0);
  });

  test('a re-sent booked has the type changed', () => {
    const events = `${booked('items: [{ id: i1, product: flight }]')}\n${booked('items: [{ id: i1, product: hotel }]').replace('e1', 'e2').replace('05-04', '05-05')}`;
    const result = play({ charges: 'c: { scope: transaction }', rules: '- { id: r, charge: c, on: changed, amount: { fixed: 10 } }', events });
    expect(result.kind === 'rated' && result.standing.map(({ eventId, transactionType }) => [eventId, transactionType])).toEqual([['e2', 'changed']]);
  });

  test('tables that are refused', () => {
    const feeCase = readCase(voidSameDay.replace('fixed: 50', 'fixed: 50.005').replace(/expect:[\s\S]*/, 'expect: { refused: at most 2 decimals }'));
    expect(compareCase(feeCase, runCase(feeCase, () => ''))).toEqual([]);
  });

  test('events that would be dead letters make a case invalid', () => {
    const feeCase = readCase(voidSameDay.replace(', touches: { documents: [d1] }', ''));
    expect(runCase(feeCase, () => '')).toEqual(expect.objectContaining({ kind: 'invalid', problems: [expect.stringContaining('TOUCHES')] }));
  });

  test('what is no case is told by field', () => {
    expect(parseCase('case: *nobody\n')).toEqual({ problems: [expect.stringContaining('*nobody stands for nothing')] });
    expect(parseCase(voidSameDay.replace('source: gds', 'sauce: gds'))).toEqual({ problems: expect.arrayContaining([expect.stringContaining('order')]) });
  });

  test('a step may add tables, change the world, assignments and the order', () => {
    const two = '\n  - version: 2\n    yaml: |\n      feeTable: t\n      currency: EUR\n      validFrom: 2026-01-01\n      charges: { c: { scope: order } }\n      rules: [{ id: r2, charge: c, on: booked, amount: { fixed: 12 } }]\n';
    const parts: CaseParts = {
      charges: 'c: { scope: order }', rules: '- { id: r, charge: c, on: booked, amount: { fixed: 10 } }', events: booked(),
      rest: `steps:
  - { events: [e1] }
  - tables: ${JSON.stringify([{ version: 2, yaml: two.split('yaml: |\n')[1]?.replaceAll('\n      ', '\n').trim() }])}
  - assignments: []
  - { assignments: [{ customer: bert, table: t }], order: { customer: bert } }`,
    };
    const result = runCase(readCase(caseText(parts)), () => '');
    expect(result.kind === 'rated' ? result.appended.map((step) => step.map(({ type, rule, version, gross }) => [type, rule, version, gross])) : result.problems).toEqual([
      [['charge', 'r', 1, '10.00']], [['reversal', 'r', 1, '-10.00'], ['charge', 'r2', 2, '12.00']], [['reversal', 'r2', 2, '-12.00']], [['charge', 'r2', 2, '12.00']],
    ]);
  });
});

describe('explanations', () => {
  const parts: CaseParts = {
    charges: 'fee: { scope: item, vat: DE-standard }',
    rules: `
- { id: usual, charge: fee, on: booked, amount: { fixed: 40 } }
- { id: hotels, charge: fee, on: booked, when: { product: hotel }, amount: { fixed: 45 } }
- { id: by-carrier, charge: fee, on: booked, when: { product: flight, carrier: LH }, amount: { percent: 3, of: unit-total, min: 12 } }
- { id: vip, charge: fee, on: booked, when: { customer: { status: vip } }, amount: none }
- { id: commission, charge: fee, on: booked, when: { product: flight, carrier: LH, bookingClass: absent }, amount: { percent: 50, of: commission } }
- { id: changes, charge: fee, on: changed, amount: { fixed: 10 } }`,
    events: booked(),
  };

  test('tell the chain, the winner, each loser with its first failing condition and both values, and the arithmetic', () => {
    const result = play(parts);
    expect(result.kind === 'rated' && formatExplanation(result.trace)).toBe(`booked (e1) on 2026-05-04 10:00 Europe/Berlin
  tables, nearest first: default: t version 1
  fee on item:i1: 12.00 EUR (net 10.08, VAT 1.92)
    table t version 1
      ✗ vip: customer.status is unknown, wanted vip
      ✗ commission: amount unknown, commission is missing
      ✓ by-carrier wins
      ✗ hotels: product is flight, wanted hotel
      · usual holds, but is beaten: more specific in carrier: 3 > 0
      (1 rule is for other transactions)
      = 3 % of unit-total 200: 6 EUR
      = at least: 12 EUR
      = VAT 19 % (DE-standard) included: net 10.08 + VAT 1.92 = 12.00 EUR`);
  });

  test('are data too, and explaining nothing is empty', () => {
    const result = play(parts);
    expect(result.kind === 'rated' && result.trace.transactions[0]?.points[0]?.tables[0]?.candidates.find(({ rule }) => rule === 'hotels')).toEqual({ rule: 'hotels', origin: null, result: 'failed', failed: { condition: 'product', wanted: 'hotel', actual: 'flight' } });
    expect(explain({ source: 'x', customerId: null, companyId: null, orgUnit: null }, [], createFeeWorld({}))).toEqual({ transactions: [] });
  });
});
