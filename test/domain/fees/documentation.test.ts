import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { compareCase } from '../../../workers/domain/fees/case-compare.js';
import { runCase } from '../../../workers/domain/fees/case.js';
import { parseFeeTable } from '../../../workers/domain/fees/parse.js';
import { precedenceGroups } from '../../../workers/domain/fees/precedence.js';
import { readCase } from './example.js';

const page = readFileSync(new URL('../../../docs/fees.md', import.meta.url), 'utf8');
const blocks = (language: string): readonly string[] => [...page.matchAll(new RegExp(`\`\`\`${language}\n([^\`]*)\`\`\``, 'g'))].map(([, text = '']) => text);

describe('docs/fees.md', () => {
  const [smallest = '', amounts = '', example = ''] = blocks('yaml');

  test('its tables are tables', () => {
    expect(parseFeeTable(smallest, 'yaml', 'smallest')).toHaveProperty('table');
    for (const csv of blocks('csv')) expect(parseFeeTable(csv, 'csv', 'rows')).toHaveProperty('table');
  });

  test.each(amounts.trim().split('\n'))('%s', (line) => {
    const text = `feeTable: t\ncurrency: EUR\nvalidFrom: 2026-01-01\ncharges: { c: { scope: item }, booking-fee: { scope: item } }\nrules:\n  - id: r\n    charge: c\n    on: booked\n    ${line}`;
    expect(parseFeeTable(text, 'yaml', 'amount')).toHaveProperty('table');
  });

  test('its case comes out as it expects', () => {
    const feeCase = readCase(example);
    expect(compareCase(feeCase, runCase(feeCase, () => smallest))).toEqual([]);
  });

  test('its order of precedence names every group', () => {
    precedenceGroups.forEach((_, index) => expect(page).toContain(`${index + 1} `));
    for (const [first = ''] of precedenceGroups) expect(page).toContain(first.replace('travelFrom', 'travel and return dates'));
  });
});
