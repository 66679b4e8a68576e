import { describe, expect, test } from '@jest/globals';
import { booked, caseText, type CaseParts, readCase } from './example.js';
import { runCase } from '../../../workers/domain/fees/case.js';

const parts: CaseParts = {
  charges: 'c: { scope: item }\nt: { scope: transaction }',
  rules: '- { id: r, charge: c, on: booked, when: { product: flight }, amount: { percent: 10, of: unit-total } }\n- { id: x, charge: t, on: changed, amount: { fixed: 7 } }',
  events: booked(),
};

/** What each step appended: `charge r 20.00`. */
function appended(more: Partial<CaseParts>): readonly (readonly string[])[] {
  const result = runCase(readCase(caseText({ ...parts, ...more })), () => '');
  if (result.kind !== 'rated') throw new Error(result.problems.join('\n'));
  return result.appended.map((step) => step.map(({ type, rule, gross, seq }) => `${type} ${rule} ${gross} #${seq}`));
}

const world = 'customers: { anna: { attributes: { status: vip } } }';

describe('the ledger gets the difference', () => {
  test('nothing where nothing differs', () => {
    expect(appended({ rest: 'steps: [{ events: [e1] }, { events: [e1] }, {}]' })).toEqual([['charge r 20.00 #1'], [], []]);
  });

  test('a late event reverses the old line whole and writes a new one', () => {
    const events = `- { eventId: e2, type: changed, occurredAt: "2026-05-05T10:00:00+02:00", booking: { items: [{ id: i1, product: flight, price: { currency: EUR, total: "300" } }] } }\n${booked()}`;
    // The implied booked has the first event's state; it vanishes when the real one arrives.
    expect(appended({ events, rest: 'steps: [{ events: [e2] }, { events: [e1] }]' })).toEqual([['charge r 30.00 #1', 'charge x 7.00 #1'], ['charge r 20.00 #1', 'reversal r -30.00 #2']]);
  });

  test('another customer, another table: reversal and charge even if the balance stays', () => {
    const tables = `
- version: 1
  yaml: |
    feeTable: vip
    currency: EUR
    validFrom: 2019-01-01
    charges: { c: { scope: item } }
    rules: [{ id: r, charge: c, on: booked, amount: { fixed: 20 } }]`;
    const rest = 'steps: [{ events: [e1] }, { order: { customer: anna } }, { order: { customer: null } }]';
    expect(appended({ world, tables, assignments: '- { default: true, table: t }\n- { customer: anna, table: vip }', rest }))
      .toEqual([['charge r 20.00 #1'], ['reversal r -20.00 #2', 'charge r 20.00 #3'], ['reversal r -20.00 #4', 'charge r 20.00 #5']]);
  });
});

describe('waivers and manual charges', () => {
  const waiver = (more = ''): string => `manual: [{ id: w1, kind: waiver, charge: c, unit: "item:i1", by: anna, reason: goodwill${more} }]`;
  test('a waiver takes away what stands, in a line of its own', () => {
    expect(appended({ rest: `${waiver()}\nsteps: [{ events: [e1] }, { manual: [w1] }]` })).toEqual([['charge r 20.00 #1'], ['waiver waiver:w1 -20.00 #2']]);
  });
  test('also after any rating', () => {
    expect(appended({ rest: waiver() })).toEqual([['charge r 20.00 #1', 'waiver waiver:w1 -20.00 #2']]);
  });
  test('of one transaction alone', () => {
    expect(appended({ rest: waiver(', transaction: e9') })).toEqual([['charge r 20.00 #1']]);
  });
  test('a manual charge stays as typed and no waiver takes it away', () => {
    const rest = 'manual: [{ id: m1, kind: charge, charge: c, unit: "item:i1", by: anna, reason: extra, gross: 11.90, vat: 1.90, currency: EUR }, { id: w1, kind: waiver, charge: c, unit: "item:i1", by: anna, reason: goodwill }]';
    expect(appended({ rest })).toEqual([['manual manual:m1 11.90 #1', 'charge r 20.00 #1', 'waiver waiver:w1 -20.00 #2']]);
  });
  test('waived entries use up once and cap, manual ones do not', () => {
    const rules = '- { id: r, charge: c, on: [booked, changed], amount: { fixed: 30 } }';
    const events = `${booked()}\n- { eventId: e2, type: changed, occurredAt: "2026-05-05T10:00:00+02:00" }`;
    const manual = 'manual: [{ id: m1, kind: charge, charge: c, unit: "item:i1", by: anna, reason: extra, gross: 10, currency: EUR }, { id: w1, kind: waiver, charge: c, unit: "item:i1", transaction: e1, by: anna, reason: goodwill }]';
    expect(appended({ charges: 'c: { scope: item, capPerOrder: 40 }', rules, events, rest: manual })).toEqual([['manual manual:m1 10.00 #1', 'charge r 30.00 #1', 'waiver waiver:w1 -30.00 #2', 'charge r 10.00 #1']]);
  });
  test('a percentage of a charge leaves out what is waived', () => {
    const charges = 'c: { scope: item }\nz: { scope: item }';
    const rules = '- { id: r, charge: c, on: booked, amount: { fixed: 30 } }\n- { id: z, charge: z, on: booked, amount: { percent: 10, of: { charge: c } } }';
    expect(appended({ charges, rules, rest: waiver() })).toEqual([['charge r 30.00 #1', 'waiver waiver:w1 -30.00 #2']]);
  });
});

describe('fees that the source delivers', () => {
  const fee = (gross: string, more = ''): string => `agencyFees: [{ id: f1, code: c, item: i1, gross: "${gross}", vat: "1.00", currency: EUR${more} }]`;
  const events = `${booked(`items: [{ id: i1, product: flight }], ${fee('25')}`)}
- { eventId: e2, type: changed, occurredAt: "2026-05-05T10:00:00+02:00", booking: { items: [{ id: i1, product: flight }], ${fee('25')} } }
- { eventId: e3, type: changed, occurredAt: "2026-05-06T10:00:00+02:00", booking: { items: [{ id: i1, product: flight }], ${fee('30')} } }
- { eventId: e4, type: changed, occurredAt: "2026-05-07T10:00:00+02:00", booking: { items: [{ id: i1, product: flight }] } }`;
  const policy = (name: string): string => `sources: { gds: { agencyFees: ${name} } }`;
  const rest = 'steps: [{ events: [e1] }, { events: [e2] }, { events: [e3] }, { events: [e4] }]';
  test('theirs: the difference to the state before; repeating charges nothing and vanishing reverses', () => {
    expect(appended({ events, world: policy('theirs'), rest })).toEqual([['charge source:f1 25.00 #1'], [], ['charge source:f1 5.00 #1'], ['charge source:f1 -30.00 #1']]);
  });
  test('ours: stored, not charged', () => {
    expect(appended({ events, world: policy('ours'), rest })).toEqual([[], ['charge x 7.00 #1'], ['charge x 7.00 #1'], ['charge x 7.00 #1']]);
  });
  test('both', () => {
    expect(appended({ events, world: policy('both'), rest })).toEqual([['charge source:f1 25.00 #1'], ['charge x 7.00 #1'], ['charge x 7.00 #1', 'charge source:f1 5.00 #1'], ['charge x 7.00 #1', 'charge source:f1 -30.00 #1']]);
  });
  test('a waiver takes delivered fees away too', () => {
    expect(appended({ events: booked(`items: [{ id: i1, product: flight }], ${fee('25')}`), world: policy('theirs'), rest: 'manual: [{ id: w1, kind: waiver, charge: c, unit: "item:i1", by: anna, reason: goodwill }]' }))
      .toEqual([['charge source:f1 25.00 #1', 'waiver waiver:w1 -25.00 #2']]);
  });
});
