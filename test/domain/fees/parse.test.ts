import { expect, test } from '@jest/globals';
import { parseFeeTable } from '../../../workers/domain/fees/parse.js';

export const exampleTable = `
feeTable: corporate-2026
name: Corporate customers 2026
owner: group
currency: EUR
validFrom: 2026-01-01
vatIncluded: true
zones: { home: [DE], near: [AT, CH, NL] }
pairs: [{ between: [SIN, KUL], as: domestic }]
charges:
  service-fee: { scope: document, vat: DE-standard }
  hotel-fee:   { scope: item, vat: DE-standard }
  file-fee:    { scope: order }
  merchant:    { scope: order }
  after-hours: { scope: transaction, once: day }
rules:
  - { id: air-domestic, charge: service-fee, on: ticketed, when: { product: flight, geography: domestic }, amount: { fixed: 50 } }
  - { id: hotel, charge: hotel-fee, on: booked, when: { product: hotel }, amount: { fixed: 45, times: rooms } }
  - { id: hotel-with-air, charge: hotel-fee, on: booked, when: { product: hotel, orderHas: { product: flight } }, amount: none }
  - { id: void-same-day, charge: service-fee, on: voided, when: { sameDay: true }, amount: none }
  - { id: late, charge: after-hours, on: [booked, ticketed], when: { outsideHours: "Mo-Fr 09:00-18:00" }, amount: { fixed: 120 } }
  - { id: amex, charge: merchant, on: booked, when: { payment: amex }, amount: { percent: 3, of: order-total, min: 5, max: 250 } }
`;

test('the example of the design is a table', () => {
  const parsed = parseFeeTable(exampleTable, 'yaml', 'example.yaml');
  console.log(JSON.stringify(parsed, null, 1));
  expect('table' in parsed).toBe(true);
});
test('x', () => {
  console.log(JSON.stringify(parseFeeTable(exampleTable.replace('fixed: 50 ', 'fixed: 50.005, fixd: 3 ').replace('sameDay: true','sameDy: true').replace('percent: 3','percent: x').replace('rooms','room').replace('scope: order','scope: orders')+`
  - { id: late, charge: nix, on: booked, when: { leadDays: { form: 1 }, product: [a, absent], price: { from: 5, to: 3 } , not: { carrier: 007 } }, amount: { fixed: 1, percent: 2 } }
  - { id: late2, charge: nix, amount: { bands: [ { upTo: 5, fixed: 1 }, { upTo: 3, fixed: 1 } ] } }
`, 'yaml', 'example.yaml'), null, 0).replaceAll('},','},\n'));
});
