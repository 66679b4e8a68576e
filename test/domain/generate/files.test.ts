import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { parse as parseYaml } from 'yaml';
import { customerRecordOf, customerRowSchema } from '../../../schemas/customers-file.js';
import { orgUnitFileSchema, orgUnitRowSchema } from '../../../schemas/org-units-file.js';
import { parseFeeTable } from '../../../workers/domain/fees/parse.js';
import { assignmentLines, customerLines } from '../../../workers/domain/generate/customer-rows.js';
import { generateEvents } from '../../../workers/domain/generate/events.js';

const population = { seed: 9, customers: 400, companies: 30 };
const textOf = (file: string): string => readFileSync(new URL(`../../../workers/domain/generate/files/${file}`, import.meta.url), 'utf8');
const rowsOf = (lines: Iterable<string>): readonly Readonly<Record<string, string>>[] => parse([...lines].join(''), { columns: true });

const units = orgUnitFileSchema.parse(parseYaml(textOf('org-units.yaml'))).map((row) => orgUnitRowSchema.parse(row));

test('customers.csv holds nothing that the import refuses, and refers to nobody who is not in it', () => {
  const rows = rowsOf(customerLines(population)).map((row) => customerRowSchema.parse(customerRecordOf(row)));
  const companies = new Set(rows.filter(({ kind }) => kind === 'company').map(({ externalId }) => externalId));
  expect(rows).toHaveLength(430);
  expect(rows.flatMap(({ company, parent }) => [company, parent]).filter((id) => id !== undefined && !companies.has(id))).toEqual([]);
  expect(rows.filter(({ company }) => company !== undefined).length).toBeGreaterThan(20);
});

test('org-units.yaml is one tree that holds every unit of the events', () => {
  const ids = new Set(units.map(({ id }) => id));
  expect(units.filter(({ parent }) => parent === undefined)).toHaveLength(1);
  expect(units.every(({ parent }) => parent === undefined || ids.has(parent))).toBe(true);
  for (const { booking } of generateEvents({ seed: 9, bookings: 300, now: Date.UTC(2026, 0, 1) })) if (booking?.orgUnit != null) expect(ids).toContain(booking.orgUnit);
});

test('the fee tables are valid, and the assignments name them', () => {
  const tables = ['fees-standard.yaml', 'fees-corporate.yaml'].map((file) => {
    const parsed = parseFeeTable(textOf(file), 'yaml', file);
    if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
    return parsed.table.feeTable;
  });
  const assignments = rowsOf(assignmentLines(population));
  expect(assignments).toHaveLength(1 + 10);
  expect(assignments.every(({ table }) => table !== undefined && tables.includes(table))).toBe(true);
});
