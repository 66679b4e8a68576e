import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { zipSync } from 'fflate';
import type { CreatedDatabase } from '../../services/database.js';
import { importCustomers, type CustomerImport } from '../../workers/actions/import-customers.js';
import type { RowProblem } from '../../workers/actions/import-rows.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { migratedDatabase } from '../servers.js';

let made: CreatedDatabase;
let db: Database;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midline-bad-rows-'));
  made = await migratedDatabase();
  db = createDatabase(made.url);
});

beforeEach(() => db.query('truncate customer, customer_key, customer_contact, customer_attribute, customer_relation, identity_claim, audit_log'));

afterAll(async () => {
  await db.close();
  await made.drop();
  await rm(folder, { recursive: true });
});

async function load(content: string | Uint8Array, name: string): Promise<CustomerImport & { readonly problems: readonly RowProblem[] }> {
  const file = join(folder, name);
  await writeFile(file, content);
  const problems: RowProblem[] = [];
  const result = await importCustomers(db, {
    file, source: 'crm', country: 'DE', actor: 'tester', now: new Date('2026-06-01T12:00:00Z'), onProblem: (problem) => problems.push(problem), onProgress: () => undefined,
  });
  return { ...result, problems };
}

const long = (length: number): string => 'x'.repeat(length);
const told = ({ field, value, reason }: RowProblem): string => [field, value, reason].filter((part) => part !== '').join(' ');

/** A file with a good row between any two of its cases, and on which line each begins. */
function between(cases: readonly (string | Buffer)[], header: readonly string[], good: (n: number) => string): { readonly content: Buffer; readonly lines: readonly number[] } {
  const parts: Buffer[] = header.map((line) => Buffer.from(`${line}\n`));
  const lines: number[] = [];
  let line = header.length + 1;
  const add = (part: Buffer): void => {
    parts.push(part);
    line += part.toString('latin1').split('\n').length - 1;
  };
  cases.forEach((text, n) => {
    lines.push(line);
    add(Buffer.concat([Buffer.from(text), Buffer.from('\n')]));
    add(Buffer.from(`${good(n)}\n`));
  });
  return { content: Buffer.concat(parts), lines };
}

const goodIds = async (): Promise<number> => Number((await db.query<{ readonly n: string }>(`select count(*) as n from customer_key where kind = 'external' and value like 'crm:good%'`))[0]?.n);

const columns = 'externalId,kind,givenName,companyName,birthDate,language,nationality,emails,phones,country,loyalty,company,parent,attribute.status,validFrom';
/** The cells of a row, in the order of the columns, by their names. */
const row = (cells: Readonly<Record<string, string>>): string => columns.split(',').map((name) => cells[name] ?? '').join(',');

const csvCases: readonly (readonly [name: string, text: string | Buffer, problem: string | null])[] = [
  ['no id', row({ givenName: 'Anna' }), 'externalId is missing'],
  ['a blank id', row({ externalId: '   ', givenName: 'Anna' }), 'externalId     is missing'],
  ['an id too long', row({ externalId: long(201) }), `externalId ${long(79)}… must have at most 200 characters`],
  ['an id much too long', row({ externalId: long(5000) }), `externalId ${long(79)}… must have at most 500 characters`],
  ['too few cells', 'few,person', 'has 2 columns; the first row names 15'],
  ['too many cells', `${row({ externalId: 'many' })},,more`, 'has 17 columns; the first row names 15'],
  ['a quotation mark that nobody closes', row({ externalId: 'open', givenName: '"Anna' }), 'is no CSV: a quotation mark is not closed'],
  ['a quotation mark within a cell', row({ externalId: 'in', givenName: 'An"na' }), 'is no CSV: a quotation mark stands within a cell; there it must be written twice, and the cell between quotation marks'],
  ['bytes that are no UTF-8', Buffer.from(row({ externalId: 'latin', givenName: 'Jürgen' }), 'latin1'), 'givenName Jürgen holds characters that are not UTF-8: save the file in UTF-8'],
  ['the character U+0000', row({ externalId: 'nul', givenName: 'An\u0000na' }), 'givenName An\u0000na holds the character U+0000'],
  ['another kind', row({ externalId: 'k', kind: 'robot' }), 'kind robot must be person or company'],
  ['no e-mail address', row({ externalId: 'e', emails: 'anna@example.com|anna at home' }), 'emails anna@example.com|anna at home must be e-mail addresses such as anna@example.com'],
  ['no phone number', row({ externalId: 'p', phones: 'call me' }), 'phones call me must be phone numbers such as +49 30 1234567'],
  ['a birth date that is no day', row({ externalId: 'b1', birthDate: '1980-02-30' }), 'birthDate 1980-02-30 must be a birth date such as 1980-05-10'],
  ['a birth date in the future', row({ externalId: 'b2', birthDate: '2026-06-02' }), 'birthDate 2026-06-02 lies in the future'],
  ['a birth date of long ago', row({ externalId: 'b3', birthDate: '1850-01-01' }), 'birthDate 1850-01-01 must be a birth date such as 1980-05-10'],
  ['the name of a country', row({ externalId: 'c1', country: 'Germany' }), 'country Germany must be a country of ISO 3166, such as DE or DEU'],
  ['a country that does not exist', row({ externalId: 'c2', country: 'XX' }), 'country XX must be a country of ISO 3166, such as DE or DEU'],
  ['no language', row({ externalId: 'l', language: 'german' }), 'language german must be a language such as de or en-GB'],
  ['no nationality', row({ externalId: 'n', nationality: 'ZZ' }), 'nationality ZZ must be a country of ISO 3166, such as DE or DEU'],
  ['loyalty without a number', row({ externalId: 'y1', loyalty: 'LH:' }), 'loyalty LH: must be programme:number, such as LH:992220001234'],
  ['loyalty without a programme', row({ externalId: 'y2', loyalty: '992220001234' }), 'loyalty 992220001234 must be programme:number, such as LH:992220001234'],
  ['the company of a company', row({ externalId: 'cc', kind: 'company', company: 'acme' }), 'company acme is for persons; a company has a parent'],
  ['the parent of a person', row({ externalId: 'pp', kind: 'person', parent: 'acme' }), 'parent acme is for companies; a person has a company'],
  ['itself as parent', row({ externalId: 'self', kind: 'company', parent: 'self' }), 'parent self must not be the company itself'],
  ['a day that does not exist', row({ externalId: 'v', validFrom: '2026-13-01' }), 'validFrom 2026-13-01 must be a date such as 2026-05-10'],
  ['an attribute too long', row({ externalId: 'a', 'attribute.status': long(501) }), `attributes.status ${long(79)}… must have at most 500 characters`],
  ['two megabytes in a cell', row({ externalId: 'big', givenName: long(2 * 1024 * 1024) }), `givenName ${long(79)}… must have at most 500 characters`],
  ['a hundred and one e-mail addresses', row({ externalId: 'list', emails: Array.from({ length: 101 }, () => 'a@b.example').join('|') }), 'emails a@b.example|a@b.example|a@b.example|a@b.example|a@b.example|a@b.example|a@b.exa… must have at most 100 entries'],
  ['one circle of companies', row({ externalId: 'x1', kind: 'company', parent: 'x2' }), 'parent x2 makes a circle of companies'],
  ['the other half of it', row({ externalId: 'x2', kind: 'company', parent: 'x1' }), 'parent x1 makes a circle of companies'],
  ['an unknown company', row({ externalId: 'u1', company: 'nobody' }), 'company nobody is no company that is known'],
  ['an unknown parent', row({ externalId: 'u2', kind: 'company', parent: 'nobody' }), 'parent nobody is no company that is known'],
  // Not bad at all.
  ['an empty line', '', null],
  ['a cell over several lines', row({ externalId: 'lines', givenName: '"Anna\nMaria\r\n""von"""' }), null],
  ['a company by the id of a person', `${row({ externalId: 'both', kind: 'person' })}\n${row({ externalId: 'both', kind: 'company' })}`, null],
  ['commas in a cell', row({ externalId: 'comma', companyName: '"Acme, Inc."' }), null],
];

const object = (fields: Readonly<Record<string, unknown>>): string => JSON.stringify(fields);

const ndjsonCases: readonly (readonly [name: string, text: string | Buffer, problem: string | null])[] = [
  ['no id', object({ givenName: 'Anna' }), 'externalId is missing'],
  ['a blank id', object({ externalId: ' ' }), 'externalId   is missing'],
  ['the register number of a person', object({ externalId: 'rn', kind: 'person', registerNumber: 'HRB 1234 Bonn' }), 'registerNumber HRB 1234 Bonn is for companies'],
  ['a number where a text belongs', object({ externalId: 4711 }), 'externalId 4711 must be a text'],
  ['nothing where a text belongs', object({ externalId: null }), 'externalId null must be a text'],
  ['a field that is none', object({ externalId: 'f', nickname: 'Anni' }), 'nickname Anni is no field of this file'],
  ['a field with an endless name', object({ externalId: 'f', [long(10_000)]: 1 }), `${long(79)}… 1 is no field of this file`],
  ['an object where a text belongs', object({ externalId: 'o', givenName: { first: 'Anna' } }), 'givenName {"first":"Anna"} must be a text'],
  ['an object within that is no field', object({ externalId: 'o', address: { city: 'Bonn' } }), 'address {"city":"Bonn"} is no field of this file'],
  ['an object where a list belongs', object({ externalId: 'o', emails: {} }), 'emails {} must be a list, in CSV with | between'],
  ['a number in a list', object({ externalId: 'o', phones: [4_930_123_456] }), 'phones.0 4930123456 must be a text'],
  ['a list', '["anna"]', '["anna"] is no object such as {"externalId": "4711", "familyName": "Example"}'],
  ['a text', '"anna"', 'anna is no object such as {"externalId": "4711", "familyName": "Example"}'],
  ['no JSON', '{"externalId": "j",', 'is no JSON'],
  ['no JSON at all', 'anna;berg', 'is no JSON'],
  ['half of a surrogate pair', '{"externalId":"h","givenName":"An\\ud83dna"}', 'givenName An\ud83dna holds a broken character (half of a surrogate pair)'],
  ['the character U+0000', '{"externalId":"h","givenName":"An\\u0000na"}', 'givenName An\u0000na holds the character U+0000'],
  ['bytes that are no UTF-8', Buffer.from(object({ externalId: 'latin', givenName: 'Jürgen' }), 'latin1'), 'is not valid utf-8'],
  ['an attribute without a name', object({ externalId: 'a', attributes: { ' ': 'vip' } }), 'attributes.  vip must have a name'],
  ['an attribute with too long a name', object({ externalId: 'a', attributes: { [long(501)]: 'vip' } }), `attributes.${long(68)}… vip must have at most 500 characters`],
  ['attributes that are a list', object({ externalId: 'a', attributes: ['vip'] }), 'attributes ["vip"] must be an object of texts'],
  ['nesting without end', `{"externalId":${'['.repeat(1000)}${']'.repeat(1000)}}`, 'is nested deeper than 200'],
  ['a line of eight megabytes', object({ externalId: 'big', givenName: long(8 * 1024 * 1024) }), `givenName ${long(79)}… must have at most 500 characters`],
  ['a line of more than sixteen megabytes', object({ externalId: 'big', givenName: long(17 * 1024 * 1024) }), 'is longer than 16777216 bytes: something in it is not closed'],
  ['an empty line', '', null],
  ['a whole number with many digits', object({ externalId: 'digits', givenName: '1e400' }), null],
];

describe.each([
  ['CSV', 'bad.csv', csvCases, [columns], (n: number) => row({ externalId: `good${n}`, givenName: 'Anna', emails: `good${n}@example.com` })],
  ['NDJSON', 'bad.ndjson', ndjsonCases, [], (n: number) => object({ externalId: `good${n}`, givenName: 'Anna', emails: [`good${n}@example.com`] })],
] as const)('a %s file of bad rows', (_, name, cases, header, good) => {
  const { content, lines } = between(cases.map(([, text]) => text), header, good);
  let result: Awaited<ReturnType<typeof load>>;

  beforeEach(async () => {
    result = await load(content, name);
  });

  // Seen to fail: where rows that landed without their company count as refused, without wholeRows (rows behind an open quotation mark are lost), without isKnownCountry (XX lands), without the last day of birth dates,
  // and when parseRow tells everything that the schema says of a field (the id that is much too long is told twice).
  test('lands every good row between them, and tells each bad one once, by the line in the file', async () => {
    expect(await goodIds()).toBe(cases.length);
    const bad = cases.flatMap(([, , problem], index) => (problem === null ? [] : [lines[index]]));
    expect(result.problems.map(({ line }) => line).sort((one, other) => one - other)).toEqual(bad);
    const landed = result.problems.filter((problem) => problem.landed);
    expect(landed.map(({ reason }) => reason)).toEqual(name.endsWith('.csv') ? [...Array<string>(2).fill('makes a circle of companies'), ...Array<string>(2).fill('is no company that is known')] : []);
    expect(result).toMatchObject({ refused: bad.length - landed.length, incomplete: landed.length });
    expect(cases.map(([caseName, , problem], index) => [caseName, problem === null ? null : result.problems.filter(({ line }) => line === lines[index]).map(told)[0]])).toEqual(
      cases.map(([caseName, , problem]) => [caseName, problem === null || problem !== 'is no JSON' ? problem : expect.stringMatching(/^is no JSON/)]),
    );
  });

  test('changes nothing when it is imported again', async () => {
    const everything = (): Promise<readonly object[]> => db.query(
      `select (select json_agg(c order by id) from customer c) as customers, (select json_agg(k order by kind, value) from customer_key k) as keys,
        (select json_agg(r order by customer_id) from customer_relation r) as relations, (select count(*) from audit_log) as audited`,
    );
    const before = await everything();
    const again = await load(content, name);
    expect(again).toMatchObject({ created: 0, updated: 0, facts: 0, refused: result.refused });
    expect(again.problems).toEqual(result.problems);
    expect(await everything()).toEqual(before);
  });
});

test('line ends of Windows and old Macs, and a byte order mark, do no harm', async () => {
  expect(await load('\uFEFFexternalId;givenName\r\na;"x\r\ny"\r\n\r\nb;B;\r\n', 'windows.csv')).toMatchObject({ created: 1, problems: [{ line: 5, reason: 'has 3 columns; the first row names 2' }] });
  expect(await load('externalId,givenName\rc,C\rd\r', 'mac.csv')).toMatchObject({ created: 1, problems: [{ line: 3 }] });
  expect(await load('externalId\tgivenName\ne\tE, F\n', 'tabs.csv')).toMatchObject({ created: 1, problems: [] });
});

describe('a file that cannot be used is refused as a whole, and it is said why', () => {
  const people = 'externalId,givenName\nanna,Anna\n';
  test.each([
    ['no column externalId', 'ID,givenName\n1,Anna\n', 'a.csv', 'there is no column externalId; there is ID, givenName'],
    ['a column that is none', 'externalId,E-Mail,givenName\n1,a@b.example,Anna\n', 'a.csv', 'a column cannot be called "E-Mail"'],
    ['an attribute without a name', 'externalId,attribute.\n1,x\n', 'a.csv', 'a column cannot be called "attribute."'],
    ['a column without a name', 'externalId,givenName,\n1,Anna,\n', 'a.csv', 'a column cannot be called ""'],
    ['a column twice', 'externalId,givenName,givenName\n1,Anna,Berta\n', 'a.csv', 'two columns are called "givenName"'],
    ['a broken first line', 'externalId,"givenName\n', 'a.csv', 'the first row, which should name the columns, is no CSV'],
    ['nothing', '', 'a.csv', 'is empty'],
    ['nothing but blanks', ' \n\n', 'a.csv', 'looks like nothing but blanks'],
    ['UTF-16', Buffer.from(`\uFEFF${people}`, 'utf16le'), 'a.csv', 'is in UTF-16: save it in UTF-8'],
    ['UTF-16 without a mark', Buffer.from(people, 'utf16le'), 'a.csv', 'is in UTF-16'],
    ['gzipped', gzipSync(people), 'a.csv.gz', 'is gzipped: unpack it first'],
    ['gzipped, by the name of CSV', gzipSync(people), 'a.csv', 'is gzipped: unpack it first'],
    ['a zip', zipSync({ 'a.csv': Buffer.from(people) }), 'a.csv', 'is a zip or an Excel workbook'],
    ['JSON, by the name of CSV', '{"externalId":"a"}\n', 'a.csv', 'is no CSV, as its name says: it looks like JSON'],
    ['CSV, by the name of NDJSON', people, 'a.ndjson', 'is no NDJSON, as its name says: it looks like CSV'],
  ])('%s', async (_, content, name, problem) => {
    await expect(load(content, name)).rejects.toThrow(problem);
    await expect(load(content, name)).rejects.toThrow(join(folder, name));
    expect(await db.query('select from customer')).toEqual([]);
  });

  test('no file, or a folder', async () => {
    const options = { source: 'crm', country: null, actor: 'tester', now: new Date(), onProblem: () => undefined, onProgress: () => undefined };
    await expect(importCustomers(db, { ...options, file: join(folder, 'none.csv') })).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(importCustomers(db, { ...options, file: folder })).rejects.toMatchObject({ code: 'EISDIR' });
  });

  test('a file without rows is none of these: nothing has changed since', async () => {
    expect(await load(people.split('\n').slice(0, 1).join('\n'), 'a.csv')).toMatchObject({ rows: 0, refused: 0 });
  });
});
