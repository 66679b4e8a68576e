import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parseCase, runCase } from '../../../workers/domain/fees/case.js';
import { formatExplanation } from '../../../workers/domain/fees/explain.js';

test('an explanation names the tables, the winner, each loser with its first failing condition and both values, and the arithmetic to the cent', () => {
  const parsed = parseCase(readFileSync(new URL('../../fee-cases/11-explain/explain-three-tables.yaml', import.meta.url), 'utf8'));
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'));
  const result = runCase(parsed.case, () => '');
  if (result.kind !== 'rated') throw new Error(result.problems.join('\n'));
  expect(formatExplanation(result.trace)).toBe(`
booked (e1) on 2026-05-04 10:00 Europe/Berlin
  tables, nearest first: customer anna: anna version 1 → company acme: acme version 3 → default: standard version 2
  hotel-fee on item:i1: 20.50 EUR (net 17.23, VAT 3.27)
    table anna version 1
      ✗ anna-winter: travelFrom is 2026-06-01, wanted from 2026-11-01
      ✗ anna-suite: item.board is unknown, wanted HB
      ✗ anna-rail: product is hotel, wanted rail
    table acme version 3
      ✗ vip: customer.status is gold, wanted vip
      ✗ hotel-of-chain: supplierGroup is unknown, wanted CHAIN
      ✗ by-night: amount unknown, commission is missing
      ✗ dear-hotel: price is 512, wanted from 2000
      ✗ early: leadDays is 28, wanted from 60
      ✓ hotel wins
      ✗ online: channel is unknown, wanted online
      · usual holds, but is beaten: more specific in product, orderHas: 3 > 0
      (1 rule is for other transactions)
      = 4 % of unit-total 512: 20.48 EUR
      = rounded half-away to 0.5: 20.50 EUR
      = VAT 19 % (DE) included: net 17.23 + VAT 3.27 = 20.50 EUR
`.trim());
});
