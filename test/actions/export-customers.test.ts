import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Party } from '../../schemas/booking-event.js';
import { customerRowSchema } from '../../schemas/customers-file.js';
import type { CreatedDatabase } from '../../services/database.js';
import { exportCustomers, type CustomerExport, type CustomerFormat, type ExportCustomersOptions, type Omitted } from '../../workers/actions/export-customers.js';
import { importCustomers, type CustomerImport } from '../../workers/actions/import-customers.js';
import type { RowProblem } from '../../workers/actions/import-rows.js';
import { mergeCustomers } from '../../workers/actions/merge-customers.js';
import { matchKeys } from '../../workers/domain/match/keys.js';
import { allocateCustomerIds, insertCustomers } from '../../workers/store/customers.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { copyOf, migratedDatabase } from '../servers.js';

let empty: CreatedDatabase;
let folder: string;
const made: CreatedDatabase[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midline-export-'));
  empty = await migratedDatabase();
});

afterAll(async () => {
  for (const database of [...made, empty]) await database.drop();
  await rm(folder, { recursive: true });
});

async function withCopy<Result>(work: (db: Database) => Promise<Result>): Promise<Result> {
  const copy = await copyOf(empty);
  made.push(copy);
  const db = createDatabase(copy.url);
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

async function load(db: Database, content: string, name: string): Promise<CustomerImport & { readonly problems: readonly RowProblem[] }> {
  const file = join(folder, name);
  await writeFile(file, content);
  const problems: RowProblem[] = [];
  const result = await importCustomers(db, { file, source: 'crm', country: 'DE', actor: 'tester', now: new Date('2026-06-01T12:00:00Z'), onProblem: (problem) => problems.push(problem), onProgress: () => undefined });
  return { ...result, problems };
}

interface Exported extends CustomerExport {
  readonly text: string;
  readonly notInFile: readonly Omitted[];
}

async function exported(db: Database, format: CustomerFormat, which: Partial<Pick<ExportCustomersOptions, 'kind' | 'source'>> = {}): Promise<Exported> {
  let text = '';
  const notInFile: Omitted[] = [];
  const result = await exportCustomers(db, {
    kind: null, source: null, ...which, format, file: `customers.${format}`, actor: 'tester', now: new Date('2026-06-01T12:00:00Z'),
    write: async (piece) => { text += piece; }, onOmitted: (omitted) => notInFile.push(omitted), onProgress: () => undefined,
  });
  return { ...result, text, notInFile };
}

/** Whatever may be said of a customer, with texts that CSV and spreadsheets trip over. */
const said = [
  {
    externalId: 'anna', salutation: 'Mrs', title: 'Dr.', givenName: '=Anna', familyName: 'Mül"ler, von', fullName: "'=X", birthDate: '10.05.1980', gender: 'female', language: 'de', nationality: 'DEU',
    emails: ['anna@example.com', 'anna@work.example'], phones: ['+49 30 1234567', '030 7654321'], street: 'Haupt;str.', houseNumber: '5\n2. Hof', postalCode: '01069', city: '-', region: '@home', country: 'DE',
    loyalty: ['LH:992220001234', 'IHG: 77'], maritalStatus: 'married', debitorNumber: '0815', externalIds: ['amadeus:anna', 'gds:K-77'], interests: ['golf|mini', '[wine]'], hobbies: ['a', 'b'], wishes: ['[sea view'], destinations: ['Madeira'], accommodation: ['hotel'],
    contacts: [
      { kind: 'email', value: 'anna@home.example', label: 'home', verified: true, consentHint: 'form, 2024' }, { kind: 'email', value: 'anna@work.example', label: 'work', verified: false },
      { kind: 'address', label: 'invoice', address: { street: 'Domplatz', city: 'Köln' } },
    ],
    family: ['spouse:bert', 'child:carl'], agency: ['acme'], mediator: ['x', 'y'], mailingBlockUntil: '2027-01-01', mailingBlockReason: 'asked for it',
    company: 'acme', attributes: { status: 'vip', 'cost centre': '+1', 'a.b': 'c' },
  },
  { externalId: 'anna', attributes: { status: 'gold' }, ended: ['cost centre'], company: 'holding', validFrom: '2026-01-01' },
  { externalId: 'anna', ended: ['status', 'never'], validFrom: '2026-09-01' },
  { externalId: 'bert', source: 'hotel-pms', familyName: 'Weber', agency: ['acme'], mailingBlockUntil: 'always', contacts: [{ kind: 'address', label: 'home', address: { city: 'Bonn', country: 'DE' } }] },
  { externalId: 'bert', source: 'hotel-pms', family: ['spouse:anna'] },
  { externalId: 'acme', kind: 'company', companyName: 'Acme, Inc.', vatId: 'DE123456789', registerNumber: 'HRB 1234, Bonn', country: 'DE', parent: 'holding' },
  { externalId: 'holding', kind: 'company', companyName: 'Acme Holding' },
  { externalId: 'anna', kind: 'company', companyName: 'Anna GmbH', branch: ['acme'] },
  { externalId: '0' },
];
const rows = said.map((row) => JSON.stringify(row)).join('\n');

test('every field that a file may say is tried here', () => {
  expect(Object.keys(customerRowSchema.shape).filter((field) => !said.some((row) => field in row))).toEqual([]);
});

async function booked(db: Database, party: Party, source = 'gds'): Promise<string> {
  const [id = ''] = await allocateCustomerIds(db, 1);
  await insertCustomers(db, [{ id, kind: 'person', party: { kind: 'person', ...party }, keys: matchKeys(party, 'payer', { source, country: 'DE' }), contacts: [], origin: source }]);
  return id;
}

const everything = (db: Database): Promise<readonly object[]> => db.query(
  `select (select json_agg(c order by id) from customer c) as customers, (select json_agg(k order by kind, value) from customer_key k) as keys, (select json_agg(k order by kind, value) from customer_contact k) as contacts,
    (select json_agg(a order by a) from customer_attribute a) as attributes, (select json_agg(r order by r) from customer_relation r) as relations, (select json_agg(t order by t) from customer_tie t) as ties, (select version from facts_version)`,
);

// Seen to fail: when storedProfile leaves ties as they came (bert is updated by his own export), when plainCell or the JSON of lists is left out (CSV), when ended attributes are.
describe.each(['csv', 'ndjson'] as const)('an export as %s', (format) => {
  test('makes the same customers of an empty database, and the same bytes of those', async () => {
    const first = await withCopy(async (db) => {
      expect(await load(db, rows, 'rows.ndjson')).toMatchObject({ created: 6, problems: [] });
      const result = await exported(db, format);
      expect(result).toMatchObject({ customers: 6, rows: 8, withoutId: 0, omitted: 0 });
      return { text: result.text, parties: await db.query(`select kind, party, profile from customer order by id`) };
    });
    await withCopy(async (db) => {
      expect(await load(db, first.text, `first.${format}`)).toMatchObject({ created: 6, problems: [] });
      expect(await db.query(`select kind, party, profile from customer order by id`)).toEqual(first.parties);
      expect((await exported(db, format)).text).toBe(first.text);
    });
  });

  test('of many pages makes the same bytes again', async () => {
    const many = Array.from({ length: 2500 }, (_, n) => JSON.stringify({ externalId: `p${n}`, familyName: `Person ${n}`, ...(n % 2 === 0 && { company: 'acme' }), attributes: { [`a${n % 3}`]: 'x' } }));
    const first = await withCopy(async (db) => {
      await load(db, [...many, '{"externalId":"acme","kind":"company"}'].join('\n'), 'many.ndjson');
      return exported(db, format);
    });
    expect(first).toMatchObject({ customers: 2501, rows: 2501 });
    await withCopy(async (db) => {
      await load(db, first.text, `many.${format}`);
      expect((await exported(db, format)).text).toBe(first.text);
    });
  });

  test('changes nothing when it is imported into the database that it comes from, whoever made the customers', () => withCopy(async (db) => {
    await load(db, rows, 'rows.ndjson');
    const booking = await booked(db, { externalId: 'g1', fullName: 'MUELLER/ANNA MRS', emails: ['anna@example.com'], addresses: [{ city: 'Bonn', street: null, country: 'DE' }] });
    await mergeCustomers(db, { customer: booking, into: '1', reason: 'same', actor: 'tester', now: new Date() });
    const { text } = await exported(db, format);
    const before = await everything(db);
    expect(await load(db, text, `back.${format}`)).toMatchObject({ created: 0, updated: 0, facts: 0, unchanged: 7, problems: [] });
    expect(await everything(db)).toEqual(before);
  }));
});

test('customers without an id of their own are counted, and what a file cannot say is told and left out', () => withCopy(async (db) => {
  await booked(db, { fullName: 'NOBODY/NINA', emails: ['nina@example.com'] });
  const odd = await booked(db, { externalId: 'odd', familyName: 'Odd', birthDate: 'soon', emails: ['no address'], addresses: [{ city: 'Bonn' }, { city: 'Köln' }] });
  const gone = await booked(db, { externalId: 'gone' });
  await db.query('update customer set active = false where id = $1', [gone]);
  const { text, notInFile, ...result } = await exported(db, 'ndjson');
  expect(text).toBe('{"externalId":"odd","source":"gds","kind":"person","familyName":"Odd","city":"Bonn"}\n');
  expect(result).toEqual({ customers: 1, rows: 1, withoutId: 1, omitted: 3 });
  expect(notInFile).toEqual(['addresses', 'emails', 'birthDate'].map((field) => ({ customerId: odd, field })));
  expect(await db.query(`select actor, action, subject from audit_log`)).toEqual([{ actor: 'tester', action: 'customers export', subject: 'customers.ndjson' }]);
}));

// Seen to fail when all e-mail addresses and phone numbers stand in their columns, and (dora) when those with a label are always left out of them, and (emil) when contact points that the import refuses take theirs along.
test('an e-mail address or phone number with a label stands in the file once, unless its place in the list would be another one', () => withCopy(async (db) => {
  await load(db, [
    'externalId,emails,email.work,phones,phone.home', 'cleo,c@one.example|c@two.example,c@work.example,,030 1111', 'dora,d@work.example|d@one.example,d@work.example,030 2222,',
  ].join('\n'), 'labels.csv');
  const labelled = { kind: 'email', value: 'e@work.example', label: 'work' };
  const refused = await booked(db, { externalId: 'emil', emails: ['e@one.example', labelled.value] });
  await db.query('update customer set profile = $2 where id = $1', [refused, { contacts: [labelled, { kind: 'pigeon' }] }]);
  const { text, notInFile } = await exported(db, 'ndjson');
  expect(text.trim().split('\n').map((line) => JSON.parse(line) as object)).toMatchObject([
    { externalId: 'cleo', emails: ['c@one.example', 'c@two.example'], contacts: [{ value: 'c@work.example' }, { value: '030 1111' }] },
    { externalId: 'dora', emails: ['d@work.example', 'd@one.example'], phones: ['030 2222'], contacts: [{ value: 'd@work.example' }] },
    { externalId: 'emil', emails: ['e@one.example', labelled.value] },
  ]);
  expect(text.split('\n', 1)[0]).not.toContain('phones');
  expect(notInFile).toEqual([{ customerId: refused, field: 'contacts' }]);
  const before = await everything(db);
  expect(await load(db, text, 'labels.ndjson')).toMatchObject({ updated: 0, problems: [] });
  expect(await everything(db)).toEqual(before);
  const again = await withCopy(async (other) => { await load(other, text, 'labels.ndjson'); return exported(other, 'ndjson'); });
  expect(again.text).toBe(text);
}));

test('may be of one kind, or of one source', () => withCopy(async (db) => {
  await load(db, rows, 'rows.ndjson');
  const ids = ({ text }: Exported): readonly unknown[] => text.trim().split('\n').map((line) => (JSON.parse(line) as { readonly externalId: string }).externalId);
  expect(ids(await exported(db, 'ndjson', { kind: 'company' }))).toEqual(['acme', 'holding', 'anna']);
  expect(ids(await exported(db, 'ndjson', { source: 'hotel-pms' }))).toEqual(['bert']);
  expect((await exported(db, 'csv', { source: 'hotel-pms' })).text.split('\n', 1)[0]).not.toContain('attribute.');
}));

test('no cell of a CSV export is a formula for a spreadsheet', () => withCopy(async (db) => {
  await load(db, rows, 'rows.ndjson');
  const { text } = await exported(db, 'csv');
  expect(text).toContain(`,'=Anna,`);
  expect(text).toContain(`'+49 30 1234567|030 7654321`);
  expect(await readFile(join(folder, 'rows.ndjson'), 'utf8')).toContain('"=Anna"');
  expect(text).not.toMatch(/(?:^|[,"\n])[=@]/);
}));
