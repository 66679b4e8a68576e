import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { columnMapSchema, type ColumnMap } from '../../schemas/column-map.js';
import { migrationSource } from '../../migrations/index.js';
import { importCustomers, type CustomerImport } from '../../workers/actions/import-customers.js';
import type { RowProblem } from '../../workers/actions/import-rows.js';
import { rekeyCustomers } from '../../workers/actions/rekey-customers.js';
import { shippedModel } from '../../workers/domain/match/shipped-model.js';
import { matchParties } from '../../workers/actions/match-parties.js';
import { matchKeys } from '../../workers/domain/match/keys.js';
import { findByCriteria, readCustomer } from '../../workers/store/customer-view.js';
import { insertCustomers } from '../../workers/store/customers.js';
import { companyTree } from '../../workers/store/company-tree.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { shareFacts } from '../../workers/store/facts-lock.js';
import { mailingBlocks } from '../../workers/store/mailing-blocks.js';
import { migrate } from '../../workers/store/schema.js';
import { freshDatabase } from '../servers.js';

let db: Database;
let drop: () => Promise<void>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midline-customers-'));
  const made = await freshDatabase();
  drop = made.drop;
  await migrate(made.url, migrationSource);
  db = createDatabase(made.url);
});

beforeEach(async () => {
  await db.query('truncate customer, customer_key, customer_contact, customer_tie, customer_mailing_block, customer_attribute, customer_relation, identity_claim, orders, rating_stale, audit_log');
});

afterAll(async () => {
  await db.close();
  await drop();
  await rm(folder, { recursive: true });
});

interface Imported extends CustomerImport {
  readonly problems: readonly RowProblem[];
}

async function load(content: string | Buffer, name = 'customers.csv', map?: ColumnMap): Promise<Imported> {
  const file = join(folder, name);
  await writeFile(file, content);
  const problems: RowProblem[] = [];
  const result = await importCustomers(db, {
    file, map, source: 'crm', country: 'DE', actor: 'tester', now: new Date('2026-06-01T12:00:00Z'), onProblem: (problem) => problems.push(problem), onProgress: () => undefined,
  });
  return { ...result, problems };
}

const told = ({ problems }: Imported): readonly string[] => problems.map(({ line, field, value, reason }) => `${line} ${field} ${value}: ${reason}`);
const rows = (sql: string, values: readonly unknown[] = []): Promise<readonly object[]> => db.query(sql, values);
const idOf = async (externalId: string): Promise<string> => String((await db.query<{ readonly id: string }>(`select customer_id as id from customer_key where value = $1`, [`crm:${externalId}`]))[0]?.id);
const factsVersion = async (): Promise<number> => Number((await db.query<{ readonly version: string }>('select version from facts_version'))[0]?.version);

/** An order of the customer, as ingest would leave it. */
const order = (digit: number, column: 'customer_id' | 'corporate_account_id', id: string): Promise<unknown> => db.query(
  `insert into orders (id, source, booking_ref, revision, status, link, ${column}, state, updated_at) values ($1::uuid, 's', $1::uuid::text, 1, 'booked', 'linked', $2, '{}', now())`,
  [`00000000-0000-4000-8000-00000000000${digit}`, id],
);

const people = [
  'externalId,kind,title,givenName,familyName,companyName,birthDate,language,emails,phones,street,houseNumber,postalCode,city,country,vatId,company,parent,attribute.status,validFrom',
  'anna,,Dr.,Anna,Müller,,1980-05-10,de,anna@example.com|anna@work.example,030 12345678,Hauptstr.,5,10115,Berlin,DE,,acme,,vip,',
  'acme,company,,,,Acme GmbH,,,,,,,,,DE,DE123456789,,holding,,',
  'holding,company,,,,Acme Holding AG,,,,,,,,,AT,,,,,',
].join('\n');

describe('a file', () => {
  test('lands: customers, keys, contacts, attributes and relations, also to companies further down', async () => {
    expect(await load(people)).toEqual({ rows: 3, created: 3, updated: 0, unchanged: 0, facts: 3, stale: 0, refused: 0, incomplete: 0, skipped: 0, stoppedAt: null, problems: [] });
    const [anna, acme, holding] = [await idOf('anna'), await idOf('acme'), await idOf('holding')];
    expect(await rows('select kind, party, origin from customer where id = $1', [anna])).toEqual([{
      kind: 'person', origin: 'import',
      party: {
        kind: 'person', externalId: 'anna', title: 'Dr.', givenName: 'Anna', familyName: 'Müller', birthDate: '1980-05-10', language: 'de',
        emails: ['anna@example.com', 'anna@work.example'], phones: ['030 12345678'],
        addresses: [{ street: 'Hauptstr.', houseNumber: '5', postalCode: '10115', city: 'Berlin', country: 'DE' }],
      },
    }]);
    expect(await rows(`select value from customer_key where kind = 'house'`)).toEqual([{ value: 'haupt 5 10115' }]);
    expect(await rows(`select kind, value from customer_key where kind in ('email', 'external', 'external-company', 'name-birth', 'phone', 'vat') order by 1, 2`)).toEqual([
      { kind: 'email', value: 'anna@example.com' }, { kind: 'email', value: 'anna@work.example' }, { kind: 'external', value: 'crm:anna' },
      { kind: 'external-company', value: 'crm:acme' }, { kind: 'external-company', value: 'crm:holding' },
      { kind: 'name-birth', value: 'muller anna 1980-05-10' }, { kind: 'phone', value: '+493012345678' }, { kind: 'vat', value: 'DE123456789' },
    ]);
    expect(await rows('select kind, value, origin from customer_contact order by 1, 2')).toEqual([
      { kind: 'address', value: 'Hauptstr. 5, 10115 Berlin, DE', origin: 'import' }, { kind: 'email', value: 'anna@example.com', origin: 'import' },
      { kind: 'email', value: 'anna@work.example', origin: 'import' }, { kind: 'phone', value: '+493012345678', origin: 'import' },
    ]);
    expect(await rows('select customer_id, type, related_id, valid_from from customer_relation order by type')).toEqual([
      { customer_id: anna, type: 'company', related_id: acme, valid_from: '-infinity' }, { customer_id: acme, type: 'parent', related_id: holding, valid_from: '-infinity' },
    ]);
    expect(await rows('select customer_id, name, value from customer_attribute')).toEqual([{ customer_id: anna, name: 'status', value: 'vip' }]);
  });

  // Seen to fail when a date that many systems write for nobody knows is refused: some people are born on that day.
  test('lands people who were born on a day that elsewhere stands for unknown; nobody is found by it', async () => {
    expect(told(await load('externalId,givenName,familyName,birthDate\nunix,Uwe,Null,1970-01-01'))).toEqual([]);
    expect(await rows(`select party ->> 'birthDate' as birth, (select count(*)::int from customer_key where customer_id = c.id) as keys from customer c where id = $1`, [await idOf('unix')])).toEqual([{ birth: '1970-01-01', keys: 1 }]);
    await db.query('delete from customer_key where customer_id = $1', [await idOf('unix')]);
  });

  test('with other columns lands by a map', async () => {
    const map = columnMapSchema.parse({ record: 'no', kind: 'person', columns: { givenName: 'first', familyName: 'last', emails: ['mail', 'second mail'], birthDate: 'born', loyalty: { MILES: 'card' }, attributes: { status: 'class' } } });
    expect(told(await load('no, first ,last,mail,second mail,born,card,class\nm1, Mia ,Berg,mia@berg.example,mia@work.example,1.2.1990,77 1234,vip\nm2,Max,Berg,max at home,,,,', 'other.csv', map))).toEqual([
      '3 emails ["max at home"]: must be e-mail addresses such as anna@example.com',
    ]);
    expect(await rows(`select party from customer where id = $1`, [await idOf('m1')])).toMatchObject([{
      party: { kind: 'person', givenName: 'Mia', familyName: 'Berg', birthDate: '1.2.1990', emails: ['mia@berg.example', 'mia@work.example'], loyalty: [{ program: 'MILES', number: '77 1234' }] },
    }]);
    expect(await rows('select name, value from customer_attribute where customer_id = $1', [await idOf('m1')])).toEqual([{ name: 'status', value: 'vip' }]);
    await db.query('delete from customer_key where customer_id = $1', [await idOf('m1')]);
  });

  test('again changes nothing', async () => {
    await load(people);
    const everything = (): Promise<readonly object[]> => rows(
      `select (select json_agg(c order by id) from customer c) as customers, (select json_agg(k order by kind, value) from customer_key k) as keys,
        (select json_agg(k order by kind, value) from customer_contact k) as contacts, (select version from facts_version), (select count(*) from audit_log) as audited`,
    );
    const before = await everything();
    expect(await load(people)).toEqual({ rows: 3, created: 0, updated: 0, unchanged: 3, facts: 0, stale: 0, refused: 0, incomplete: 0, skipped: 0, stoppedAt: null, problems: [] });
    expect(await everything()).toEqual(before);
  });

  test('given fields replace, empty ones stay, and keys follow', async () => {
    await load(people);
    expect(await load('externalId,emails,city\nanna,new@example.com,\n')).toMatchObject({ updated: 1, created: 0 });
    expect(await rows(`select value from customer_key where kind = 'email'`)).toEqual([{ value: 'new@example.com' }]);
    expect(await rows(`select value from customer_contact where kind = 'email'`)).toEqual([{ value: 'new@example.com' }]);
    expect(await rows(`select party->>'familyName' as name, party->'addresses'->0->>'city' as city from customer where id = $1`, [await idOf('anna')])).toEqual([{ name: 'Müller', city: 'Berlin' }]);
  });

  test('NDJSON, semicolons and a byte order mark are read, too', async () => {
    expect(await load('{"externalId":"a","emails":["a@example.com"],"attributes":{"status":"gold"}}\n\n{"externalId":"b","kind":"company","companyName":"B AG"}\n', 'c.ndjson')).toMatchObject({ created: 2, facts: 1, problems: [] });
    expect(await load('\uFEFFexternalId;givenName;emails\nc;Carl, der Große;c@example.com\n')).toMatchObject({ created: 1, problems: [] });
  });

  test('holds what is known beyond who somebody is, and whom a customer belongs to', async () => {
    await load([
      'externalId,familyName,companyName,emails,maritalStatus,debitorNumber,interests,destinations,email.work,phone.mobile,address.invoice.street,address.invoice.city,family,agency,mailingBlockUntil,mailingBlockReason,externalIds',
      'anna,Weber,,anna@example.com,married,10 023,golf|wine,Madeira,anna@work.example,+49 170 1234567,Domplatz,Köln,spouse:bert|child:cleo,north,2027-01-31,asked for peace,gds:K-77|pms:9',
      'bert,Weber,,,,,,,,,,,,,always,,',
      'north,,North Travel GmbH,,,,,,,,,,,,,,',
    ].join('\n'));
    const [anna, bert, north] = [await idOf('anna'), await idOf('bert'), await idOf('north')];
    expect(await rows('select profile from customer where id = $1', [anna])).toEqual([{ profile: {
      maritalStatus: 'married', debitorNumber: '10 023', interests: ['golf', 'wine'], destinations: ['Madeira'], externalIds: [{ source: 'gds', externalId: 'K-77' }, { source: 'pms', externalId: '9' }],
      contacts: [
        { kind: 'email', label: 'work', value: 'anna@work.example' }, { kind: 'phone', label: 'mobile', value: '+49 170 1234567' },
        { kind: 'address', label: 'invoice', address: { street: 'Domplatz', city: 'Köln' } },
      ],
      mailingBlock: { until: '2027-01-31', reason: 'asked for peace' },
      ties: [{ type: 'family', role: 'spouse', externalId: 'bert' }, { type: 'family', role: 'child', externalId: 'cleo' }, { type: 'agency', externalId: 'north' }],
    } }]);
    expect(await rows('select kind, value, label, source from customer_contact where customer_id = $1 order by 1, 2', [anna])).toEqual([
      { kind: 'address', value: 'Domplatz, Köln', label: 'invoice', source: 'crm' }, { kind: 'email', value: 'anna@example.com', label: null, source: 'crm' },
      { kind: 'email', value: 'anna@work.example', label: 'work', source: 'crm' }, { kind: 'phone', value: '+491701234567', label: 'mobile', source: 'crm' },
    ]);
    expect(await rows(`select customer_id as id from customer_key where (kind, value) in (('email', 'anna@work.example'), ('phone', '+491701234567'), ('debitor', '10023'), ('external', 'gds:K-77'), ('external', 'pms:9'))`)).toEqual(Array.from({ length: 5 }, () => ({ id: anna })));
    expect(await mailingBlocks(db, [anna, bert], '2027-01-31')).toMatchObject([{ customerId: anna, source: 'crm', until: '2027-01-31', reason: 'asked for peace' }, { customerId: bert, until: null, reason: null }]);
    const context = { source: 'gds', country: 'DE' };
    const payer = { role: 'payer', position: '', party: { familyName: 'Weber-Lang' }, debitorNumber: '10023' } as const;
    const { results } = await matchParties(db, shippedModel, [{ ...payer, context, keys: matchKeys(payer.party, 'payer', context, payer) }]);
    expect(results).toMatchObject([{ decision: 'link', customerId: anna, evidence: [{ field: 'familyName' }, { field: 'id', level: 'equal' }] }]);
    expect((await readCustomer(db, anna))?.ties).toEqual([
      { type: 'agency', role: null, of: false, other: 'crm:north', customerId: north, name: 'North Travel GmbH' },
      { type: 'family', role: 'spouse', of: false, other: 'crm:bert', customerId: bert, name: 'Weber' },
      { type: 'family', role: 'child', of: false, other: 'crm:cleo', customerId: null, name: null },
    ]);
    expect((await readCustomer(db, north))?.ties).toEqual([{ type: 'agency', role: null, of: true, other: 'crm:north', customerId: anna, name: 'Weber' }]);
    expect((await findByCriteria(db, { interests: ['golf'], destinations: ['Madeira'] })).map(({ id }) => id)).toEqual([anna]);
    expect(await findByCriteria(db, { interests: ['golf', 'opera'] })).toEqual([]);
  });

  // Seen to fail when contact points of the profile before stay in the party, and when ties that are said no more are not deleted.
  test('a list that is given replaces the list before, ties those of their type; what is said again is no change', async () => {
    const first = '{"externalId":"a","emails":["a@example.com"],"contacts":[{"kind":"email","value":"a@example.com","verified":true,"consentHint":"form of 2024"},{"kind":"email","value":"a@old.example"},{"kind":"address","address":{"city":"Bonn"},"label":"holiday"}],"family":["spouse:b","child:d"],"branch":["west"],"interests":["golf"]}\n';
    await load(first, 'a.ndjson');
    expect(await load(first, 'a.ndjson')).toMatchObject({ updated: 0, unchanged: 1 });
    expect(await load('{"externalId":"a","contacts":[{"kind":"email","value":"a@example.com","verified":true},{"kind":"email","value":"a@new.example"}],"family":["partner:b"]}\n', 'a.ndjson')).toMatchObject({ updated: 1 });
    const id = await idOf('a');
    expect(await rows(`select party->'emails' as emails, party->'addresses' as addresses, profile->'interests' as interests, since from customer where id = $1`, [id])).toEqual([{
      emails: ['a@example.com', 'a@new.example'], addresses: null, interests: ['golf'],
      since: { emails: '2026-06-01', addresses: '2026-06-01', contacts: '2026-06-01', ties: '2026-06-01' },
    }]);
    expect(await rows('select kind, value, verified, consent_hint as hint from customer_contact where customer_id = $1 order by 1, 2', [id])).toEqual([
      { kind: 'email', value: 'a@example.com', verified: true, hint: null }, { kind: 'email', value: 'a@new.example', verified: false, hint: null },
    ]);
    expect(await rows('select type, value, role from customer_tie order by 1')).toEqual([{ type: 'branch', value: 'crm:west', role: null }, { type: 'family', value: 'crm:b', role: 'partner' }]);
  });

  test('ids of different sources are different customers', async () => {
    expect(await load('externalId,source,familyName\n1,gds,Weber\n1,pms,Vogt\n1,,Braun\n')).toMatchObject({ created: 3 });
    expect(await rows('select value from customer_key order by 1')).toEqual([{ value: 'crm:1' }, { value: 'gds:1' }, { value: 'pms:1' }]);
  });

  test('good rows land, and each thing that is wrong is told by line, field and value', async () => {
    const result = await load([
      'externalId,kind,givenName,birthDate,language,emails,phones,country,company,parent,validFrom,attribute.status',
      'ok,,Anna,,,,,,,,,',
      ',,Nobody,,,,,,,,,',
      'k,human,,,,,,,,,,',
      'b,,,30.02.1980,,,,,,,,',
      'l,,,,german,,,,,,,',
      'e,,,,,anna@example|b@example.com,,,,,,',
      'p,,,,,,call me,,,,,',
      'c,,,,,,,Germany,,,,',
      'x,company,,,,,,,acme,,,',
      'y,person,,,,,,,,acme,,',
      'z,company,,,,,,,,z,,',
      'd,,,,,,,,,,2026-13-01,',
      'short,,',
      'u,,,,,,,,unknown,,,',
      `long,,${'x'.repeat(600)},,,,,,,,,`,
      'nul,,a\u0000b,,,,,,,,,',
      'fine,,Bert,,,,,,,,,gold',
    ].join('\n'));
    expect(told(result)).toEqual([
      '3 externalId : is missing',
      '4 kind human: must be person or company',
      '5 birthDate 30.02.1980: must be a birth date such as 1980-05-10',
      '6 language german: must be a language such as de or en-GB',
      '7 emails anna@example|b@example.com: must be e-mail addresses such as anna@example.com',
      '8 phones call me: must be phone numbers such as +49 30 1234567',
      '9 country Germany: must be a country of ISO 3166, such as DE or DEU',
      '10 company acme: is for persons; a company has a parent',
      '11 parent acme: is for companies; a person has a company',
      '12 parent z: must not be the company itself',
      '13 validFrom 2026-13-01: must be a date such as 2026-05-10',
      '14  : has 3 columns; the first row names 12',
      `16 givenName ${'x'.repeat(79)}…: must have at most 500 characters`,
      '17 givenName a\u0000b: holds the character U+0000',
      '15 company unknown: is no company that is known',
    ]);
    expect(result).toMatchObject({ rows: 17, created: 3, facts: 1, refused: 14, incomplete: 1 });
    expect(await rows('select value from customer_key order by 1')).toEqual([{ value: 'crm:fine' }, { value: 'crm:ok' }, { value: 'crm:u' }]);
  });

  test.each([
    ['family', 'bert', 'must be role:externalId, the role one of spouse, partner, parent, child, sibling, guardian, other'],
    ['family', 'foe:bert', 'must be role:externalId, the role one of spouse, partner, parent, child, sibling, guardian, other'],
    ['externalIds', 'K-77', 'must be system:id, such as gds:K-77'],
    ['contacts', 'anna@example.com', 'must be a list, in CSV as JSON'],
    ['contacts', [{ kind: 'pigeon' }], 'must be email, phone or address'],
    ['contacts', [{ kind: 'email', value: 'anna' }], 'must be an e-mail address such as anna@example.com'],
    ['contacts', [{ kind: 'phone', value: 'call me' }], 'must be a phone number such as +49 30 1234567'],
    ['contacts', [{ kind: 'address', value: 'Bonn' }], 'must have an address where kind is address, else a value'],
    ['contacts', [{ kind: 'email', value: 'a@b.example', verified: 'maybe' }], 'must be true or false'],
    ['mailingBlockUntil', 'soon', 'must be a date such as 2026-05-10, or always'],
  ])('with %s %j is told what is wrong with it', async (field, value, reason) => {
    const result = await load(`${JSON.stringify({ externalId: 'x', [field]: value })}\n{"externalId":"y"}\n`, 'x.ndjson');
    expect(result).toMatchObject({ created: 1, refused: 1 });
    expect(result.problems).toEqual([{ line: 1, field: expect.stringMatching(new RegExp(`^${field}`)), value: expect.any(String), reason }]);
  });

  test('with a reason for a mailing block and no day is told to say until when', async () => {
    expect(told(await load('externalId,mailingBlockReason\nx,tired\n'))).toEqual(['2 mailingBlockReason tired: needs a mailingBlockUntil: a day, or always']);
  });

  test('of more rows than a batch holds, with one customer in both', async () => {
    const many = Array.from({ length: 2500 }, (_, index) => `p${index % 2000},Person,p${index % 2000}@example.com`);
    expect(await load(['externalId,familyName,emails', ...many].join('\n'))).toMatchObject({ rows: 2500, created: 2000, unchanged: 500, problems: [] });
  });
});

// Seen to fail when a customer that is read is not the one that the key is for.
test('keys that an older build has not made are added, and nothing else changes', async () => {
  await load(people.replace('externalId,kind', 'debitorNumber,externalIds,externalId,kind').replace('anna,,Dr.', '10023,gds:K-7,anna,,Dr.').replace('acme,company', ',,acme,company').replace('holding,company', ',,holding,company'));
  const keys = () => rows('select kind, value, customer_id from customer_key order by 1, 2, 3');
  const before = await keys();
  const rekey = () => rekeyCustomers(db, { actor: 'tester', now: new Date(), onProgress: () => undefined });
  expect(await rekey()).toEqual({ customers: 3, added: 0 });
  const removed = await rows(`delete from customer_key where kind in ('name-year', 'company-name', 'debitor', 'house') or value = 'gds:K-7' returning kind`);
  expect(removed.length).toBe(6);
  expect(await rekey()).toEqual({ customers: 3, added: 6 });
  expect(await keys()).toEqual(before);
});

describe('companies', () => {
  // Seen to fail when the newer relation of the same company is not looked at.
  test('stand in a hierarchy as of a day: subsidiary, company, concern', async () => {
    await load([
      'externalId,kind,companyName,familyName,company,parent,validFrom',
      'branch,company,Acme Bonn GmbH,,,acme,', 'branch,company,,,,other,2026-05-01', 'acme,company,Acme GmbH,,,concern,', 'concern,company,Acme Holding AG,,,,', 'other,company,Other AG,,,concern,',
      'anna,person,,Weber,branch,,', 'bert,person,,Maier,branch,,', 'bert,person,,,acme,,2026-04-01',
    ].join('\n'));
    const [branch, acme, concern, other, anna] = await Promise.all(['branch', 'acme', 'concern', 'other', 'anna'].map(idOf));
    const names = (companies: readonly { readonly id: string; readonly steps: number }[]): readonly string[] => companies.map(({ id, steps }) => `${steps} ${id}`);
    const tree = async (id: string | undefined, day: string) => {
      const { above, below, employees } = await companyTree(db, id ?? '', day);
      return { above: names(above), below: names(below), employees };
    };
    expect(await tree(branch, '2026-03-01')).toEqual({ above: [`1 ${acme}`, `2 ${concern}`], below: [], employees: 2 });
    expect(await tree(branch, '2026-06-01')).toEqual({ above: [`1 ${other}`, `2 ${concern}`], below: [], employees: 1 });
    expect(await tree(acme, '2026-06-01')).toEqual({ above: [`1 ${concern}`], below: [], employees: 1 });
    expect(await tree(concern, '2026-03-01')).toEqual({ above: [], below: [acme, other].map((id) => `1 ${id}`).sort().concat(`2 ${branch}`), employees: 0 });
    expect(await tree(anna, '2026-06-01')).toEqual({ above: [`1 ${branch}`, `2 ${other}`, `3 ${concern}`], below: [], employees: 0 });
  });
});

describe('dated facts', () => {
  test('a customer may have several rows with different days', async () => {
    await load('externalId,attribute.status,validFrom\nanna,silver,\nanna,gold,2026-01-01\nanna,vip,2026-09-01\n');
    expect(await rows('select value, valid_from from customer_attribute order by valid_from')).toEqual([
      { value: 'silver', valid_from: '-infinity' }, { value: 'gold', valid_from: '2026-01-01' }, { value: 'vip', valid_from: '2026-09-01' },
    ]);
    expect(await rows('select count(*)::int as n from customer')).toEqual([{ n: 1 }]);
  });

  test('a change of the past marks the orders of the customer, and of everybody below a company; one to come marks none', async () => {
    await load(people);
    await order(1, 'customer_id', await idOf('anna'));
    await order(2, 'corporate_account_id', await idOf('acme'));
    await order(3, 'customer_id', '999999');
    const version = await factsVersion();
    expect(await load('externalId,attribute.status,validFrom\nanna,gold,2026-09-01\n')).toMatchObject({ facts: 1, stale: 0 });
    expect(await factsVersion()).toBe(version + 1);
    expect(await load('externalId,attribute.status,validFrom\nanna,gold,2026-03-01\n')).toMatchObject({ facts: 1, stale: 1 });
    expect(await load('externalId,kind,country\nholding,company,CH\n')).toMatchObject({ updated: 1, stale: 2 });
    expect(await load('externalId,kind,companyName\nholding,company,Acme Group AG\n')).toMatchObject({ updated: 1, stale: 0 });
    expect(await load('externalId,kind,parent\nnew,company,\nholding,company,new\n')).toMatchObject({ created: 1, facts: 1, stale: 2 });
    expect(await rows('select right(order_id::text, 1) as id, cause from rating_stale order by 1')).toEqual([{ id: '1', cause: 'customers import' }, { id: '2', cause: 'customers import' }]);
  });

  // Fails when FactsLockNeeded is never thrown: the import then commits while the batch holds the old facts.
  test('a change waits until running batches have committed; customers without a changed fact do not wait', async () => {
    await load(people);
    let changed: Promise<Imported> | undefined;
    let finished = false;
    await db.transaction(async (tx) => {
      await shareFacts(tx);
      expect(await load('externalId,familyName\nbert,Weber\n', 'other.csv')).toMatchObject({ created: 1 });
      changed = load('externalId,attribute.status\nanna,gold\n').finally(() => { finished = true; });
      for (let waiting = 0; waiting === 0;) {
        const found = await db.query<{ readonly n: string }>(`select count(*) as n from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`);
        waiting = Number(found[0]?.n);
      }
      expect(finished).toBe(false);
    });
    expect(await changed).toMatchObject({ facts: 1 });
  });

  test('companies in a circle: the row is told, the rest of the file lands', async () => {
    const result = await load('externalId,kind,parent\na,company,b\nb,company,c\nc,company,a\nd,company,a\n');
    expect(told(result)).toEqual(['2 parent b: makes a circle of companies', '3 parent c: makes a circle of companies', '4 parent a: makes a circle of companies']);
    expect(result).toMatchObject({ created: 4, facts: 1, refused: 0, incomplete: 3 });
    await load('externalId,kind,parent\nb,company,d\n');
    expect(told(await load('externalId,kind,parent\na,company,b\n'))).toEqual(['2 parent b: makes a circle of companies']);
  });
});

describe('an import and bookings', () => {
  const context = { source: 'crm', country: 'DE' };

  test('the customer that a booking made is the one that the file names by the same id; what bookings knew stays', async () => {
    const party = { externalId: 'anna', fullName: 'MUELLER/ANNA MRS', emails: ['old@example.com'] };
    const { drafts } = await matchParties(db, shippedModel, [{ role: 'payer', position: '', party, keys: matchKeys(party, 'payer', context), context }]);
    await insertCustomers(db, drafts);
    expect(await load('externalId,givenName,familyName,emails\nanna,Anna,Müller,anna@example.com\n')).toMatchObject({ created: 0, updated: 1 });
    expect(await rows(`select value from customer_key where kind = 'email' order by 1`)).toEqual([{ value: 'anna@example.com' }, { value: 'old@example.com' }]);
  });

  // Fails when knownCustomers does not claim, or does not look again.
  test('an import and a batch that meet the same unknown person at once make one customer', async () => {
    const party = { externalId: 'anna', emails: ['anna@example.com'] };
    let imported: Promise<Imported> | undefined;
    await db.transaction(async (tx) => {
      const { drafts } = await matchParties(tx, shippedModel, [{ role: 'payer', position: '', party, keys: matchKeys(party, 'payer', context), context }]);
      imported = load('externalId,familyName\nanna,Müller\n');
      for (let waiting = 0; waiting === 0;) {
        const found = await db.query<{ readonly n: string }>(`select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
        waiting = Number(found[0]?.n);
      }
      await insertCustomers(tx, drafts);
    });
    expect(await imported).toMatchObject({ created: 0, updated: 1 });
    expect(await rows('select count(*)::int as n from customer')).toEqual([{ n: 1 }]);
  });
});
