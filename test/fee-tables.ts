import { applyFeeTable, approveFeeTable, assignFeeTable, readFeeTable } from '../workers/actions/fee-tables.js';
import type { Database } from '../workers/store/database.js';

/** Applies a fee table (YAML), approves it for the past as well, and assigns it to everybody from 2020 on. */
export async function giveFeeTable(db: Database, text: string): Promise<void> {
  const doing = { actor: 'anna', now: new Date() };
  const read = readFeeTable(text, 'table.yaml');
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  const { feeTable: table } = read.table;
  await applyFeeTable(db, read.table, text, doing);
  await approveFeeTable(db, { ...doing, table, backdate: true, reason: 'test', fourEyes: false });
  await assignFeeTable(db, { ...doing, subject: { kind: 'default', id: '' }, table, from: '2020-01-01', until: null, reason: 'test' });
}
