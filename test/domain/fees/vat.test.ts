import { describe, expect, test } from '@jest/globals';
import { play, type CaseParts } from './example.js';

/** `net + vat = gross` of the first line that stands, and what is said of its tax. */
function tax(parts: Partial<CaseParts> & { readonly charge?: string; readonly amount?: string; readonly at?: string; readonly event?: string }): string {
  const { charge = 'vat: DE-standard', amount = '{ fixed: 50 }', at = '2026-05-04T10:00:00+02:00', event = '', ...rest } = parts;
  const events = `- { eventId: e1, type: booked, occurredAt: "${at}", ${event} booking: { items: [{ id: i1, product: flight }] } }`;
  const result = play({ charges: `c: { scope: order, ${charge} }`, rules: `- { id: r, charge: c, on: booked, amount: ${amount} }`, events, ...rest });
  if (result.kind !== 'rated') return result.problems.join('\n');
  const [entry] = result.standing;
  return entry === undefined ? 'nothing' : `${entry.net} + ${entry.vat} = ${entry.gross} at ${entry.vatRate ?? 'no rate'}${entry.reverseCharge ? ' reverse' : ''}`;
}

describe('VAT', () => {
  test.each([
    ['gross: VAT is taken out', {}, '42.02 + 7.98 = 50.00 at 19'],
    ['net at the charge: VAT is added', { charge: 'vat: DE-standard, vatIncluded: false' }, '50.00 + 9.50 = 59.50 at 19'],
    ['net at the table', { head: 'vatIncluded: false' }, '50.00 + 9.50 = 59.50 at 19'],
    ['the charge goes before the table', { head: 'vatIncluded: false', charge: 'vat: DE-standard, vatIncluded: true' }, '42.02 + 7.98 = 50.00 at 19'],
    ['a charge without vat has VAT 0', { charge: '' }, '50.00 + 0.00 = 50.00 at no rate'],
    ["the rate is that of the transaction's local day", { at: '2020-06-30T23:59:00+02:00' }, '42.02 + 7.98 = 50.00 at 19'],
    ['from the next local day the new rate', { at: '2020-07-01T00:00:00+02:00' }, '43.10 + 6.90 = 50.00 at 16'],
    ['half away from zero', { amount: '{ fixed: 0.05, min: 0.03, max: 0.03 }', charge: 'vat: DE-standard, vatIncluded: true' }, '0.03 + 0.00 = 0.03 at 19'],
  ] as const)('%s', (_name, parts, expected) => {
    expect(tax(parts)).toBe(expected);
  });

  test('a table whose tax code has no rate on validFrom is refused', () => {
    expect(tax({ charge: 'vat: XX' })).toContain('a tax code with a rate on 2019-01-01');
  });
});

describe('reverse charge', () => {
  const world = 'companies: { acme: { parent: holding }, holding: { country: AT, vatId: ATU1 }, local: { country: DE, vatId: DE1 }, novat: { country: FR }, three: { country: AUT, vatId: ATU2 } }\ncustomers: { anna: { company: acme } }';
  test.each([
    ["the corporate account's nearest company with a country", { order: 'company: holding' }, '42.02 + 0.00 = 42.02 at 19 reverse'],
    ['companies upward', { order: 'company: acme' }, '42.02 + 0.00 = 42.02 at 19 reverse'],
    ["else the customer's company", { order: 'customer: anna' }, '42.02 + 0.00 = 42.02 at 19 reverse'],
    ['from a net amount gross = net', { order: 'company: holding', head: 'vatIncluded: false' }, '50.00 + 0.00 = 50.00 at 19 reverse'],
    ['not in the same country', { order: 'company: local' }, '42.02 + 7.98 = 50.00 at 19'],
    ['not without a VAT id', { order: 'company: novat' }, '42.02 + 7.98 = 50.00 at 19'],
    ["the country is that of the transaction's org unit", { order: 'company: holding', event: 'orgUnit: wien,' }, '42.02 + 7.98 = 50.00 at 19'],
    ['country codes of two and three letters are the same country', { order: 'company: three', event: 'orgUnit: wien,' }, '42.02 + 7.98 = 50.00 at 19'],
  ] as const)('%s', (_name, parts, expected) => {
    expect(tax({ world, ...parts })).toBe(expected);
  });

  test('what gives back takes the rate of what it gives back, and reverse charge as of its own transaction', () => {
    const result = play({
      charges: 'a: { scope: item, vat: DE-standard }\nb: { scope: item }',
      rules: '- { id: a, charge: a, on: booked, amount: { fixed: 50 } }\n- { id: b, charge: b, on: cancelled, amount: { percent: -100, of: { charge: a } } }',
      events: '- { eventId: e1, type: booked, occurredAt: "2020-12-31T10:00:00+01:00", booking: { items: [{ id: i1, product: flight }] } }\n- { eventId: e2, type: cancelled, occurredAt: "2021-01-01T10:00:00+01:00" }',
    });
    if (result.kind !== 'rated') throw new Error('refused');
    expect(result.standing.map(({ net, vat, gross, vatRate }) => [net, vat, gross, vatRate])).toEqual([['43.10', '6.90', '50.00', '16'], ['-43.10', '-6.90', '-50.00', '16']]);
  });
});
