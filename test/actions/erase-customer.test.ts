import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Booking } from '../../schemas/booking-event.js';
import { openCase } from '../../workers/actions/cases.js';
import { eraseCustomer } from '../../workers/actions/erase-customer.js';
import { exportCustomerData } from '../../workers/actions/export-customer-data.js';
import { importCustomers } from '../../workers/actions/import-customers.js';
import { mergeCustomers } from '../../workers/actions/merge-customers.js';
import { blockMailing } from '../../workers/actions/reach.js';
import { reconcile } from '../../workers/actions/reconcile.js';
import { rejectCandidates } from '../../workers/actions/review-links.js';
import { rerateStale, type RerateDependencies } from '../../workers/actions/rerate.js';
import { addSensitive } from '../../workers/actions/sensitive.js';
import { createFactsCache } from '../../workers/actions/settle/facts.js';
import { historiesOf } from '../../workers/actions/settle/histories.js';
import { createWire } from '../../workers/actions/settle/wire.js';
import { createEncryption } from '../../workers/runtime/encryption.js';
import type { Database } from '../../workers/store/database.js';
import { giveFeeTable } from '../fee-tables.js';
import { booked, createIngestWorld, type IngestWorld } from '../ingest/world.js';

const key = randomBytes(32);
const sealing = createEncryption([key]);
const now = new Date('2026-06-01T12:00:00Z');
const doing = { actor: 'tester', now };
let world: IngestWorld;
let db: Database;
let tools: RerateDependencies;
let folder: string;
let topic: string;

/** Of these nobody is told: in dead letters, of which only is told that they are there, and in claims of what somebody was called before. */
const unseen = ['998877', '998-8776', '9922 9988', 'zyx.old@qwertz.example'] as const;

/** What must be nowhere afterwards. */
const secrets = [
  'Zyxanna', 'Qwertzmann', 'zyxanna@qwertz.example', 'zyx@work.example', '+4930998877665', '1977-07-17', 'Geheimweg', '992299887766', 'sea view', 'REF-ZYX-1', 'EXT-ZYX-9', 'balconyless', 'hazelnuts', 'QWERTZMANN', 'sister of', 'orchids',
  ...unseen,
] as const;

const zyx = {
  kind: 'person', externalId: 'EXT-ZYX-9', givenName: 'Zyxanna', familyName: 'Qwertzmann', birthDate: '1977-07-17', emails: ['zyxanna@qwertz.example', 'fam@qwertz.example'], phones: ['+4930998877665'], nationality: 'DEU',
  addresses: [{ street: 'Geheimweg', houseNumber: '7', postalCode: '10115', city: 'Berlin', country: 'DE' }], loyalty: [{ program: 'LH', number: '992299887766' }],
};
const otto = { kind: 'person', givenName: 'Otto', familyName: 'Anders', emails: ['otto@anders.example'] };
const bert = { kind: 'person', externalId: 'BERT-1', givenName: 'Bertram', familyName: 'Sharedson', birthDate: '1979-01-01', emails: ['fam@qwertz.example'] };
const body: Partial<Booking> = {
  booker: zyx, travellers: [{ ...zyx, id: 't1', type: 'ADT' }, { ...otto, id: 't2', type: 'ADT' }], remarks: [{ type: 'wish', text: 'Zyxanna wants sea view' }], references: [{ type: 'client', value: 'REF-ZYX-1' }],
  price: { currency: 'EUR', total: '100' }, items: [{ id: '1', product: 'hotel', country: 'PT', travellers: ['t1'], attributes: { note: 'for Zyxanna Qwertzmann', board: 'half', desk: 'call QWERTZMANN, MS ZYXANNA' } }],
};

beforeAll(async () => {
  world = await createIngestWorld();
  db = world.db;
  folder = await mkdtemp(join(tmpdir(), 'midline-erase-'));
  tools = { database: db, codec: world.codec, wire: createWire(world.codec, sealing), factsAt: createFactsCache() };
  await giveFeeTable(db, `
feeTable: standard
currency: EUR
validFrom: 2020-01-01
charges: { file: { scope: order }, change: { scope: order } }
rules:
  - { id: half, charge: file, on: booked, when: { item: { board: half } }, amount: { fixed: 12 } }
  - { id: file, charge: file, on: booked, amount: { fixed: 10 } }
  - { id: who, charge: change, on: changed, when: { changed: [travellers] }, amount: { fixed: 5 } }
`);
  await writeFile(join(folder, 'customers.csv'), [
    'externalId,givenName,familyName,emails,birthDate,street,interests,family,email.work,attribute.status,mailingBlockUntil',
    'zyx,Zyxanna,Qwertzmann,zyxanna@qwertz.example,1977-07-17,Geheimweg,orchids,spouse:otto,zyx@work.example,vip,always', 'otto,Otto,Anders,otto@anders.example,,,,spouse:zyx,,,',
  ].join('\n'));
  await writeFile(join(folder, 'before.csv'), 'externalId,givenName,familyName,emails,birthDate\nzyx,Zyxanna,Before,zyx.old@qwertz.example,1977-07-17\n');
  await load('before.csv', 'crm');
  await load('customers.csv', 'crm');
  await writeFile(join(folder, 'gds.csv'), 'externalId,givenName,familyName,emails,birthDate\nBERT-1,Bertram,Sharedson,fam@qwertz.example,1979-01-01\n');
  await load('gds.csv', 'gds');
  topic = await world.newTopic();
  const at = Date.now() - 3_600_000; // so that there is something to be said
  const events = [
    booked('E-1', { occurredAt: at }, body),
    booked('E-1', { eventId: 'E-1/2', type: 'changed', occurredAt: at + 60_000 }, { ...body, travellers: [{ ...zyx, id: 't1', type: 'ADT', givenName: 'Zyxanna Maria' }, { ...otto, id: 't2', type: 'ADT' }] }),
    booked('E-2', { occurredAt: at }, { booker: otto, travellers: [{ id: 't1', givenName: 'Zyxanna', familyName: 'Qwertzmann', emails: ['zyxanna@qwertz.example'] }], price: { currency: 'EUR', total: '50' } }),
    booked('E-3', { occurredAt: at }, { ...body, sensitive: [{ kind: 'allergy', traveller: 't1', text: 'hazelnuts' }, { kind: 'diet', traveller: 't2', text: 'vegan' }] }),
    booked('E-4', { occurredAt: at }, { booker: otto }),
    booked('E-5', { occurredAt: at }, { booker: bert, travellers: [{ ...zyx, id: 't1' }] }),
  ];
  await world.send(topic, [...events, { key: 'crm:zyx', value: Buffer.from('{"email":"zyxanna@qwertz.example"'), partition: 0 }, 
    ...['QWERTZMANN/ZYXANNA MRS', 'ZYXANNA@QWERTZ.example', '+49 (0)30 998-8776-65', 'LH 9922 9988 7766', 'pms EXT-ZYX-9x'].map((text) => ({ key: 'y', value: Buffer.from(`{"spelled": ${text}`), partition: 0 })),
    { key: 'z', value: Buffer.from('{'), partition: 0, headers: { about: ['nobody', 'mrs zyxanna qwertzmann'] } },
    { key: 'x', value: Buffer.from('{"who":"Bertram Sharedson","email":"fam@qwertz.example"'), partition: 0 }]);
  await world.drain(topic, { env: { MIDLINE_ENCRYPTION_KEY: key.toString('base64') } });
}, 120_000);

afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

const idOf = async (name: string): Promise<string> => (await db.query<{ readonly id: string }>(`select c.root_id::text as id from customer_key k join customer c on c.id = k.customer_id where k.value = $1`, [`crm:${name}`]))[0]?.id ?? '';

const load = (name: string, source: string) => importCustomers(db, { file: join(folder, name), source, country: 'DE', ...doing, onProblem: (problem) => { throw new Error(JSON.stringify(problem)); }, onProgress: () => undefined });

/** Everything that is kept: every column of every table, bytes as text, sealed ones opened. */
async function everything(): Promise<string> {
  const columns = await db.query<{ readonly t: string; readonly c: string; readonly bytes: boolean }>(
    `select c.table_name as t, column_name as c, data_type = 'bytea' as bytes from information_schema.columns c join information_schema.tables using (table_schema, table_name) where table_schema = 'public' and table_type = 'BASE TABLE'`);
  const texts: string[] = [];
  for (const { t, c, bytes } of columns) texts.push(...(await db.query<{ readonly text: string | null }>(`select ${bytes ? `encode("${c}", 'escape')` : `"${c}"::text`} as text from "${t}"`)).map(({ text }) => text ?? ''));
  const orders = await db.query<{ readonly id: string }>('select id from orders');
  texts.push(JSON.stringify([...(await historiesOf(db, tools.wire, orders.map(({ id }) => id))).values()]));
  for (const { sealed, customer, kind } of await db.query<{ readonly sealed: Buffer; readonly customer: string; readonly kind: string }>('select sealed, customer_id::text as customer, kind from customer_sensitive')) {
    texts.push(sealing.open(sealed, `customer ${customer} ${kind}`).toString());
  }
  return texts.join('\n');
}

const ledger = () => db.query('select order_id, charge, unit, seq, gross from fee_entry order by 1, 2, 3, 4');
async function expectReconciled(): Promise<void> {
  expect((await reconcile(db, tools.wire)).checks.filter(({ ok }) => !ok)).toEqual([]);
}

describe('a customer who asks for it', () => {
  // Seen to fail when dead letters, the details of the audit log, or the bytes of events are left as they are, when whoever travels without a link of their own is left, and when somebody else who shares an address goes, too.
  test('gets everything that is kept handed out, and is then nowhere: not in events, states, dead letters, messages or the audit log', async () => {
    const customer = await idOf('zyx');
    // Somebody whom a booking made, and who turns out to be her.
    await writeFile(join(folder, 'pms.csv'), 'externalId,givenName,familyName,phones\nEXT-ZYX-9x,Zyxanna,Qwertzmann,+4930998877665\n');
    await load('pms.csv', 'pms');
    const [twin] = await db.query<{ readonly id: string }>(`select customer_id::text as id from customer_key where value = 'pms:EXT-ZYX-9x'`);
    await mergeCustomers(db, { ...doing, customer: twin?.id ?? '', into: customer, reason: 'asked Zyxanna Qwertzmann' });
    await rerateStale(tools, Date.now);
    await rejectCandidates(tools, { ...doing, place: 'gds:E-4/booker', reason: 'sister of Zyxanna Qwertzmann' });
    await openCase(db, { ...doing, customer, order: 'gds:E-1', kind: 'complaint', subject: 'balconyless', body: null });
    await blockMailing(db, { ...doing, customer, until: null, reason: 'Zyxanna is tired' });
    await addSensitive(db, sealing, { ...doing, customer, kind: 'allergy', text: 'hazelnuts', consentProof: 'form', consentAt: now, source: 'cli' });

    const before = await everything();
    expect(secrets.filter((secret) => !before.includes(secret))).toEqual([]);
    const [balances, handed] = [await ledger(), JSON.stringify(await exportCustomerData(tools, sealing, { ...doing, customer }))];
    expect(secrets.filter((secret) => !unseen.some((one) => one === secret) && !handed.includes(secret))).toEqual([]);
    for (const other of ['otto@anders.example', 'Bertram']) expect(handed).not.toContain(other);

    const request = { ...doing, customer, reason: 'request 17' };
    const would = await eraseCustomer(tools, { ...request, dryRun: true });
    expect(would).toMatchObject({ orders: ['gds:E-1', 'gds:E-2', 'gds:E-3', 'gds:E-5'], events: 5, sensitive: 1, deadLetters: Array.from({ length: 7 }, () => expect.any(String)), customers: expect.arrayContaining([customer, twin?.id]) });
    expect(secrets.filter((secret) => !before.includes(secret))).toEqual([]);
    expect(await eraseCustomer(tools, { ...request, dryRun: false })).toEqual(would);

    const after = await everything();
    expect(secrets.filter((secret) => after.includes(secret))).toEqual([]);
    for (const kept of ['Otto', 'otto@anders.example', 'vegan', 'half', '"Bertram"', '1979-01-01', 'Bertram Sharedson', 'fam@qwertz.example']) expect([kept, after.includes(kept)]).toEqual([kept, true]);
    expect(await db.query(`select state #>> '{booking,booker,givenName}' as booker, state #>> '{booking,travellers,0,givenName}' as traveller from orders where booking_ref = 'E-5'`)).toEqual([{ booker: 'Bertram', traveller: expect.stringMatching(/^erased-/) }]);
    expect(await db.query(`select c.profile from customer c join customer_key k on k.customer_id = c.id where k.value = 'crm:otto'`)).toEqual([{ profile: {} }]);
    expect(await ledger()).toEqual(balances);
    expect(balances.length).toBeGreaterThan(4);
    await expectReconciled();
    await expect(eraseCustomer(tools, { ...request, dryRun: false })).rejects.toThrow('is erased already');
    await expect(exportCustomerData(tools, sealing, { ...doing, customer })).rejects.toThrow('is erased: nothing is kept');
    expect(await db.query(`select distinct m.state, m.reason from message m join orders o on o.id = m.order_id where o.booking_ref in ('E-1', 'E-3')`)).toEqual([{ state: 'cancelled', reason: 'the customer was erased' }]);
    expect(await db.query(`select distinct m.state from message m join orders o on o.id = m.order_id where o.booking_ref in ('E-2', 'E-4')`)).toEqual([{ state: 'due' }]);
  }, 120_000);

  // Seen to fail when an erased event is compared with the message as it came: a reused id.
  test('stays so when everything is read again: each message is known, and nobody comes back', async () => {
    const [count, balances] = [await db.query('select count(*) from customer'), await ledger()];
    await world.drain(topic, { group: 'again', env: { MIDLINE_ENCRYPTION_KEY: key.toString('base64') } });
    expect(await world.fence(topic, 'again')).toMatchObject([{ read: 14, applied: 0, duplicate: 6, dead: 8 }]);
    expect([await db.query('select count(*) from customer'), await ledger()]).toEqual([count, balances]);
    const text = await everything();
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    await expectReconciled();
  });

  test('is somebody new when they book again', async () => {
    await world.send(topic, [booked('E-9', {}, { booker: zyx })]);
    await world.drain(topic, { env: { MIDLINE_ENCRYPTION_KEY: key.toString('base64') } });
    expect(await db.query(`select o.link, c.erased_at as erased from orders o join customer c on c.id = o.customer_id where booking_ref = 'E-9'`)).toEqual([{ link: 'new', erased: null }]);
    await expectReconciled();
  });
});

/** Of every table what becomes of a person in it. */
const tables: Readonly<Record<string, string>> = {
  archive: 'nobody: names of files', archived_order: 'nobody: hashes; erasing is refused', audit_log: 'details emptied', booking_event: 'written anew', consumer_offset: 'nobody', customer: 'emptied',
  customer_attribute: 'deleted, or kept where something was rated by it', customer_case: 'deleted', customer_consent: 'deleted', customer_contact: 'deleted', customer_deactivation: 'deleted', customer_event: 'deleted',
  customer_import: 'nobody: names of files', customer_key: 'deleted', customer_link: 'ids, evidence without personal data; reasons dropped', customer_mailing_block: 'deleted', customer_merge: 'reasons emptied',
  customer_message_key: 'deleted', customer_not_same: 'reasons emptied', customer_relation: 'ids; deleted, or kept where something was rated by it', customer_sensitive: 'deleted', customer_tie: 'deleted',
  dead_letter: 'emptied', facts_version: 'nobody', fee_assignment: 'ids', fee_entry: 'the ledger stays', fee_table: 'nobody', fee_table_version: 'nobody', identity_claim: 'deleted', knex_migrations: 'nobody', knex_migrations_lock: 'nobody',
  manual_fee: 'part of the ledger', match_model: 'names that many have', message: 'ids; what is due is dropped', offset_gap: 'nobody', order_item: 'suppliers', orders: 'folded anew', org_unit: 'nobody', outbox: 'ids', rating_stale: 'nobody',
  restore: 'nobody', source: 'nobody', source_map: 'nobody', tax_code: 'nobody', topic_epoch: 'nobody', trigger: 'nobody', worker_status: 'nobody',
};

// Seen to fail with a table more in a migration: whoever adds one says what becomes of a person in it.
test('every table is known to erasing', async () => {
  const found = await db.query<{ readonly name: string }>(`select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`);
  expect(found.map(({ name }) => name).toSorted()).toEqual(Object.keys(tables).toSorted());
});

// Seen to fail when a place that waits counts as the customer's: what another one booked is handed out, and wiped.
test('a booking of which nobody has said whose it is is not handed out, and has to be decided first', async () => {
  await writeFile(join(folder, 'vera.csv'), 'externalId,givenName,familyName,emails\nvera,Vera,Undecided,vera@undecided.example\n');
  await load('vera.csv', 'crm');
  await world.send(topic, [booked('E-20', {}, { booker: { givenName: 'Zorro', familyName: 'Undecided', emails: ['vera@undecided.example'] } })]);
  await world.drain(topic, { env: { MIDLINE_ENCRYPTION_KEY: key.toString('base64') } });
  const customer = await idOf('vera');
  expect(await exportCustomerData(tools, sealing, { ...doing, customer })).toMatchObject({ orders: [], undecided: ['gds:E-20/booker'] });
  const erase = () => eraseCustomer(tools, { ...doing, customer, reason: 'request 18', dryRun: false });
  await expect(erase()).rejects.toThrow('of 1 places nobody has said yet whether they are this customer\'s, e.g. gds:E-20/booker: decide that first');
  await rejectCandidates(tools, { ...doing, place: 'gds:E-20/booker', reason: 'her brother' });
  expect(await erase()).toMatchObject({ customers: [customer], orders: [] });
  expect(await db.query(`select state #>> '{booking,booker,givenName}' as booker from orders where booking_ref = 'E-20'`)).toEqual([{ booker: 'Zorro' }]);
  await expectReconciled();
});

test('what cannot be erased says why', async () => {
  const request = { ...doing, reason: 'request', dryRun: false };
  await expect(eraseCustomer(tools, { ...request, customer: '999999' })).rejects.toThrow('there is no customer 999999');
  const otto = await idOf('otto');
  await db.query(`update orders set archive = 1 where booking_ref = 'E-4'`);
  await expect(eraseCustomer(tools, { ...request, customer: otto })).rejects.toThrow('the events of 1 orders are in archives, e.g. gds:E-4');
  await db.query(`update orders set archive = null where booking_ref = 'E-4'`);
});
