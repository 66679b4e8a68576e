import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyFeeTable, approveFeeTable, assignFeeTable, importTaxRates, readFeeTable } from '../../../workers/actions/fee-tables.js';
import { importCustomers } from '../../../workers/actions/import-customers.js';
import { importOrgUnits } from '../../../workers/actions/import-org-units.js';
import { companyOf } from '../../../workers/domain/generate/people.js';
import type { Database } from '../../../workers/store/database.js';
import { readPriceList, agencyFile, vatPercent, type PriceList } from './price-list.js';

/** What is fixed in a world of the proof besides its bookings: who charges whom how much, and what is told to whom. */
export interface Agency {
  /** The table of everybody. */
  readonly standard: PriceList;
  /** Tables of corporate accounts, by the id that bookings give them. */
  readonly ofAccounts: Readonly<Record<string, PriceList>>;
  readonly rootOrgUnit: string;
  /** What makes a message due: the trigger's id, the type of step it waits for. */
  readonly triggers: Readonly<Record<string, string>>;
  /** A step older than this, in milliseconds, gets no message. */
  readonly messageMaxAge: number;
}

const corporateAccount = 'K00001';
const from = '2020-01-01';

/** @param standard the table that everybody has in the end: `raised` where a scenario has assigned it */
export const agencyWith = (standard: 'standard' | 'raised' = 'standard'): Agency => ({
  standard: readPriceList(standard),
  ofAccounts: { [corporateAccount]: readPriceList('corporate') },
  rootOrgUnit: 'group',
  triggers: { 'order-confirmed': 'booked', 'order-changed': 'changed', 'order-cancelled': 'cancelled' },
  messageMaxAge: 48 * 3_600_000,
});

/** Puts org units, tax rates and fee tables into a migrated database, and assigns the standard one to everybody. */
export async function foundAgency(database: Database): Promise<void> {
  const doing = { actor: 'proof', now: new Date() };
  const units = await importOrgUnits(database, { ...doing, file: agencyFile('org-units.yaml') });
  if (units.problems.length > 0) throw new Error(JSON.stringify(units.problems));
  await importTaxRates(database, [{ code: 'DE-standard', country: 'DE', percent: String(vatPercent), validFrom: from }], doing);
  for (const table of ['standard', 'corporate', 'raised']) {
    const text = await readFile(agencyFile(`${table}.yaml`), 'utf8');
    const read = readFeeTable(text, `${table}.yaml`);
    if ('problems' in read) throw new Error(JSON.stringify(read.problems));
    await applyFeeTable(database, read.table, text, doing);
    await approveFeeTable(database, { ...doing, table, backdate: true, reason: 'proof', fourEyes: false });
  }
  await assignStandard(database, 'standard');
}

/** Adds the corporate accounts that generated bookings name, and assigns the corporate table to one of them; they are all the customers that the agency knows. */
export async function addAccounts(database: Database, { seed, companies }: { readonly seed: number; readonly companies: number }): Promise<void> {
  await importCompanies(database, seed, companies);
  const subject = { kind: 'company', id: await customerIdOf(database, corporateAccount) } as const;
  await assignFeeTable(database, { actor: 'proof', now: new Date(), subject, table: 'corporate', from, until: null, reason: 'proof' });
}

/** Gives everybody another table, from the beginning on: orders that stand are rated again. */
export async function assignStandard(database: Database, table: 'standard' | 'raised'): Promise<void> {
  await assignFeeTable(database, { actor: 'proof', now: new Date(), subject: { kind: 'default', id: '' }, table, from, until: null, reason: 'proof' });
}

/** Without a country: no VAT is turned round. */
async function importCompanies(database: Database, seed: number, companies: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'midline-proof-'));
  try {
    const file = join(folder, 'companies.csv');
    const rows = Array.from({ length: companies }, (_, index) => companyOf({ seed }, index)).map(({ externalId, companyName, vatId }) => `${externalId},crm,company,"${companyName}",${vatId}`);
    await writeFile(file, ['externalId,source,kind,companyName,vatId', ...rows, ''].join('\n'));
    const problems: string[] = [];
    await importCustomers(database, { file, source: 'crm', country: 'DE', actor: 'proof', now: new Date(), onProblem: ({ reason }) => { problems.push(reason); }, onProgress: () => undefined });
    if (problems.length > 0) throw new Error(problems.join('; '));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function customerIdOf(database: Database, externalId: string): Promise<string> {
  const [row] = await database.query<{ id: string }>(`select customer_id as id from customer_key where kind = 'external-company' and value = $1`, [`crm:${externalId}`]);
  if (row === undefined) throw new Error(`the company ${externalId} was not imported`);
  return row.id;
}
