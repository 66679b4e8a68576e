import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { migrationSource } from '../../migrations/index.js';
import { createDatabase as createdDatabase } from '../../services/database.js';
import { startMailCatcher, type MailCatcher } from '../../services/mail-catcher.js';
import { applySource } from '../../workers/actions/apply-source.js';
import { replayDeadLetters, resolve, showDeadLetter } from '../../workers/actions/dead-letters.js';
import { explainFees } from '../../workers/actions/explain-fees.js';
import { applyFeeTable, approveFeeTable, assignFeeTable, importTaxRates, listFeeTables, readFeeTable } from '../../workers/actions/fee-tables.js';
import { answerCase, openCase } from '../../workers/actions/cases.js';
import { customerHistory } from '../../workers/actions/customer-history.js';
import { eraseCustomer } from '../../workers/actions/erase-customer.js';
import { exportCustomerData } from '../../workers/actions/export-customer-data.js';
import { importCustomers } from '../../workers/actions/import-customers.js';
import { importOrgUnits } from '../../workers/actions/import-org-units.js';
import { adopt } from '../../workers/actions/offsets.js';
import { chargeFee } from '../../workers/actions/manual-fees.js';
import { showOrder } from '../../workers/actions/orders.js';
import { putModelToUse } from '../../workers/actions/match-model.js';
import { mergeCustomers, unmergeCustomer } from '../../workers/actions/merge-customers.js';
import { blockMailing, noteDeliverability, unblockMailing } from '../../workers/actions/reach.js';
import { acceptCustomer, rejectCandidates } from '../../workers/actions/review-links.js';
import { reconcile } from '../../workers/actions/reconcile.js';
import { rerateStale } from '../../workers/actions/rerate.js';
import { createFactsCache } from '../../workers/actions/settle/facts.js';
import { createWire } from '../../workers/actions/settle/wire.js';
import { addSensitive } from '../../workers/actions/sensitive.js';
import { readStatus } from '../../workers/actions/status.js';
import { startOutreach } from '../../workers/outreach/main.js';
import { startRelay } from '../../workers/relay/main.js';
import { readConfig } from '../../workers/runtime/config.js';
import { configuredEncryption } from '../../workers/runtime/encryption.js';
import { createLog } from '../../workers/runtime/log.js';
import { parseSourceMap } from '../../workers/sources/source-map.js';
import { listCases } from '../../workers/store/cases.js';
import { undeliverableContacts } from '../../workers/store/contacts.js';
import { fieldQuality, lackingCustomers } from '../../workers/store/data-quality.js';
import { findByCriteria, findCustomers, readCustomer } from '../../workers/store/customer-view.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { listDeadLetters } from '../../workers/store/dead-letters.js';
import { listMessages } from '../../workers/store/messages.js';
import { assertSchema, migrate } from '../../workers/store/schema.js';
import { listSources } from '../../workers/store/sources.js';
import { createTopics } from '../../workers/topics/admin.js';
import { createRelayProducer } from '../../workers/topics/relay-producer.js';
import { booked, cancelled, createIngestWorld, type IngestWorld } from '../ingest/world.js';
import { servers } from '../servers.js';
import { until } from '../until.js';

const roles = ['ingest', 'relay', 'outreach', 'operator', 'sensitive'] as const;
type Role = (typeof roles)[number];

let world: IngestWorld;
let mail: MailCatcher;
let folder: string;
const logins: string[] = [];
const open: Database[] = [];

/** A login user with these roles alone; the address it connects with. */
async function login(...granted: readonly Role[]): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  logins.push(name);
  await world.db.query(`create role ${name} login in role ${granted.map((role) => `midline_${role}`).join(', ')}`);
  const url = new URL(world.databaseUrl);
  url.username = name;
  return url.href;
}

function connected(url: string): Database {
  const database = createDatabase(url, { max: 2 });
  open.push(database);
  return database;
}

beforeAll(async () => {
  world = await createIngestWorld();
  await createTopics(world.admin, { partitions: 2 }).catch((error: unknown) => { if (!String(error).includes('already exists')) throw error; });
  mail = await startMailCatcher();
  folder = await mkdtemp(join(tmpdir(), 'midline-roles-'));
});
afterAll(async () => {
  await Promise.all(open.map((database) => database.close()));
  await mail.close();
  await world.close();
  const server = createDatabase((await servers()).databaseUrl, { max: 1 });
  for (const name of logins) await server.query(`drop role ${name}`);
  await server.close();
  await rm(folder, { recursive: true });
});

const table = `
feeTable: standard
name: standard
currency: EUR
validFrom: 2020-01-01
charges: { file: { scope: order } }
rules: [{ id: file, charge: file, on: booked, amount: { fixed: 15 } }]
`;
const map = 'name: gds\nsource: gds\nformat: json\ntimeZone: UTC\nfeePolicy: both\nevents: $\n';
const key = randomBytes(32).toString('base64');

// Seen to fail without insert on identity_claim for the operator (permission denied), and without select on trigger for outreach.
test('every process does its whole work, and every command its own, with its role alone', async () => {
  const [operator, ingestUrl, relayUrl, outreachUrl] = [connected(await login('operator', 'sensitive')), await login('ingest'), await login('relay'), await login('outreach')];
  const doing = { actor: 'anna', now: new Date() };
  const topic = await world.newTopic();
  const bad = { key: 'k', value: Buffer.from('garbage'), partition: 0 };

  // What people set up before.
  await writeFile(join(folder, 'units.yaml'), 'orgUnits:\n  - { id: root, timeZone: Europe/Berlin, country: DE }\n');
  await writeFile(join(folder, 'customers.csv'), 'externalId,kind,companyName,givenName,familyName,emails,attribute.status,company,interests,family,email.work,mailingBlockUntil\nC1,company,Acme,,,,,,,,,\nP1,person,,Anna,Berg,anna@customer.example,vip,C1,golf,spouse:P2,anna@work.example,always\n');
  const imported = await importOrgUnits(operator, { file: join(folder, 'units.yaml'), ...doing });
  expect(imported).toMatchObject({ changed: 1, problems: [] });
  const load = () => importCustomers(operator, { file: join(folder, 'customers.csv'), source: 'gds', country: 'DE', ...doing, onProblem: (problem) => { throw new Error(JSON.stringify(problem)); }, onProgress: () => undefined });
  await load();
  await importTaxRates(operator, [{ code: 'standard', country: 'DE', percent: '19', validFrom: null }], doing);
  const read = readFeeTable(table, 'standard.yaml');
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  await applyFeeTable(operator, read.table, table, doing);
  await approveFeeTable(operator, { ...doing, table: 'standard', backdate: true, reason: 'test', fourEyes: false });

  // Ingest: known and unknown people, changes, duplicates, late and special-category events, bad messages, a gap.
  const ingest = { group: 'roles', env: { DATABASE_URL: ingestUrl, MIDLINE_ENCRYPTION_KEY: key } };
  const anna = { kind: 'person', externalId: 'P1', givenName: 'Anna', familyName: 'Berg', emails: ['anna@new.example'] };
  const ben = { kind: 'person', givenName: 'Ben', familyName: 'Claus', emails: ['ben@customer.example'] };
  const now = Date.now();
  const events = [
    booked('A', { occurredAt: now }, { booker: anna }), booked('A', { occurredAt: now }, { booker: anna }),
    booked('B', { occurredAt: now }, { booker: ben }), booked('C', { occurredAt: now }, { booker: ben, sensitive: [{ kind: 'allergy', text: 'nuts' }] }),
    { ...cancelled('L'), occurredAt: now }, booked('L', { occurredAt: now - 60_000 }, { booker: ben }),
    booked('A', { eventId: 'A-2', type: 'changed', occurredAt: now + 1 }, { booker: ben }),
  ];
  await world.send(topic, [...events, bad]);
  await world.drain(topic, ingest);
  await world.send(topic, [booked('gone'), booked('G', { occurredAt: now })]);
  await world.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '9' }] });
  await world.drain(topic, ingest);
  expect(await world.fence(topic, 'roles')).toMatchObject([{ next: 10, read: 9, applied: 6, duplicate: 1, late: 1, dead: 1 }]);
  expect(await world.db.query('select first_offset from offset_gap')).toHaveLength(1);
  await assignFeeTable(operator, { ...doing, subject: { kind: 'default', id: '' }, table: 'standard', from: '2020-01-01', until: null, reason: 'test' });
  await world.drain(topic, ingest); // rates again
  expect(await world.db.query('select distinct gross from fee_entry')).toEqual([{ gross: '15.00' }]);

  // Relay and outreach.
  const { kafkaBrokers, redisUrl } = await servers();
  const config = readConfig({ KAFKA_BROKERS: kafkaBrokers.join(','), DATABASE_URL: relayUrl, REDIS_URL: new URL('/9', redisUrl).href, SMTP_URL: mail.url }, ['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL', 'SMTP_URL']);
  const log = createLog(process.env['TEST_LOG'] ?? 'silent');
  const relay = await startRelay(config, { log, queuePatience: 0 });
  const outreach = await startOutreach({ ...config, DATABASE_URL: outreachUrl }, { log });
  const isDone = async () => (await world.db.query(`select 1 from outbox union all select 1 from dead_letter where relay = 'pending' union all select 1 from message where state in ('due', 'queued', 'claimed')`)).length === 0;
  try {
    await Promise.race([relay.done, outreach.done, until(isDone)]);
    expect(await world.db.query(`select count(*)::int as n from message where state = 'sent'`)).toEqual([{ n: mail.mails().length }]);
    expect(await world.db.query(`select distinct state from message order by state`)).toEqual([{ state: 'sent' }, { state: 'skipped' }]);
  } finally {
    await Promise.all([relay.stop(), outreach.stop()]);
  }
  const seen = connected(relayUrl);
  await expect(assertSchema(seen, [])).resolves.toBeUndefined();

  // What people look at and do afterwards.
  const encryption = configuredEncryption(readConfig({ MIDLINE_ENCRYPTION_KEY: key }, []));
  const wire = createWire(world.codec, encryption);
  expect(await reconcile(operator, wire)).toMatchObject({ ok: true });
  expect((await readStatus(operator, 'roles', topic, async () => null)).events.read).toBe(9);
  await showOrder(operator, wire, 'gds:A');
  await explainFees(operator, wire, 'gds:A');
  await rerateStale({ database: operator, codec: world.codec, wire, factsAt: createFactsCache() }, Date.now);
  const rating = { database: operator, codec: world.codec, wire, factsAt: createFactsCache() };
  await chargeFee(rating, { order: 'gds:A', charge: 'courier', unit: 'order', gross: '25', vat: '0', currency: 'EUR', reason: 'a visa', by: 'anna', role: null, now: doing.now, dryRun: false });
  const parsed = parseSourceMap(map, 'gds.yaml');
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  await applySource(operator, parsed.map, 'anna', doing.now);
  expect((await rerateStale({ database: operator, codec: world.codec, wire, factsAt: createFactsCache() }, Date.now)).orders).toBeGreaterThan(0);
  await writeFile(join(folder, 'customers.csv'), 'externalId,kind,companyName,givenName,familyName,emails,attribute.status,company,interests,family,email.work\nP1,person,,Anna,Hill,anna@other.example,vip,C1,wine,partner:P2,hill@work.example\n');
  await load();
  await listFeeTables(operator);
  await listSources(operator);
  await listMessages(operator, { limit: 10 });
  const [found] = await findCustomers(operator, [], 'Anna Hill');
  await readCustomer(operator, found?.id ?? '');
  const [letter] = await listDeadLetters(operator, { limit: 10 });
  const id = letter?.id ?? '';
  await showDeadLetter(operator, null, id);
  const producer = createRelayProducer(world.kafka);
  await replayDeadLetters({ db: operator, producer, codec: null }, { ids: [id] }, 'anna', () => new Date());
  await producer.close();
  await world.drain(topic, ingest); // fails again: the same dead letter, once more open
  expect(await listDeadLetters(operator, { limit: 10 })).toMatchObject([{ id, state: 'open', attempts: 2 }, { state: 'resolved' }]);
  await resolve(operator, id, 'rubbish', 'anna', new Date());
  await world.send(topic, [booked('D', { occurredAt: now }, { booker: { ...ben, givenName: 'Doris' } }), booked('E', { occurredAt: now }, { booker: { ...ben, givenName: 'Emil' } })]);
  await world.drain(topic, ingest);
  const [benKnown] = await findCustomers(operator, [], 'Ben Claus');
  const request = { actor: 'anna', now: doing.now, reason: 'asked' };
  await acceptCustomer(rating, { ...request, place: 'gds:D/booker', customer: benKnown?.id ?? '' });
  await rejectCandidates(rating, { ...request, place: 'gds:E/booker' });
  await acceptCustomer(rating, { ...request, place: 'gds:E/booker', customer: benKnown?.id ?? '', replace: true });
  const { customerId: emil } = await rejectCandidates(rating, { ...request, place: 'gds:E/booker', replace: true });
  await mergeCustomers(operator, { ...request, customer: found?.id ?? '', into: emil ?? '' });
  await unmergeCustomer(operator, { ...request, customer: found?.id ?? '' });
  await putModelToUse(operator, { ...request, model: null });
  expect(await findByCriteria(operator, { interests: ['golf'] })).toEqual([]);
  const ofAnna = { ...request, customer: found?.id ?? '' };
  const { case: complaint } = await openCase(operator, { ...ofAnna, customer: benKnown?.id ?? '', order: 'gds:A', kind: 'complaint', subject: 'late', body: null });
  await answerCase(operator, { ...request, case: complaint, answer: 'sorry' });
  await listCases(operator, { customer: null, orderId: null, state: null, kind: null }, 10);
  await blockMailing(operator, { ...ofAnna, until: null });
  await unblockMailing(operator, ofAnna);
  await noteDeliverability(operator, { ...request, contact: 'hill@work.example', country: null, deliverable: true });
  expect((await customerHistory(operator, { customer: benKnown?.id ?? '', withSubsidiaries: true, limit: 10, page: 1, now: doing.now })).statistics.orders).toBeGreaterThan(0);
  await fieldQuality(operator, null, '2026-06-01', 30, () => undefined);
  await lackingCustomers(operator, null, '2026-06-01', 30, 10);
  await undeliverableContacts(operator, 10);
  const sealing = configuredEncryption(readConfig({ MIDLINE_ENCRYPTION_KEY: key }, []));
  if (sealing === null) throw new Error('there is a key');
  await addSensitive(operator, sealing, { ...ofAnna, kind: 'diet', text: 'vegan', consentProof: 'form', consentAt: doing.now, source: 'cli' });
  await exportCustomerData({ database: operator, wire }, sealing, ofAnna);
  expect(await eraseCustomer(rating, { ...ofAnna, dryRun: false })).toMatchObject({ sensitive: 1 });
  expect(await eraseCustomer(rating, { ...request, customer: benKnown?.id ?? '', dryRun: false })).toMatchObject({ orders: expect.arrayContaining(['gds:A']) });
  expect(await reconcile(operator, wire)).toMatchObject({ ok: true });
  await adopt(operator, topic, 'anna', new Date());
  expect(mail.mails().length).toBeGreaterThan(3);
}, 600_000);

describe('a role is refused', () => {
  const refusals: readonly (readonly [Role, string, string])[] = [
    ['ingest', 'to change the ledger', 'update fee_entry set net = 0'],
    ['ingest', 'to read the bytes of dead letters', 'select value from dead_letter'],
    ['ingest', 'to write the audit log', `insert into audit_log (actor, action, subject) values ('a', 'b', 'c')`],
    ['ingest', 'to delete events', 'delete from booking_event'],
    ['ingest', 'to assign a fee table', `update fee_assignment set valid_until = now()`],
    ['ingest', 'to approve a fee table', `update fee_table_version set state = 'approved'`],
    ['relay', 'to read bookings', 'select * from booking_event'],
    ['relay', 'to read orders', 'select state from orders'],
    ['relay', 'to read customers', 'select party from customer'],
    ['relay', 'to put something into the outbox', `insert into outbox (lane, topic, key, value) values (0, 'order-events', 'k', '')`],
    ['relay', 'to change what a dead letter says', `update dead_letter set value = ''`],
    ['outreach', 'to read bookings', 'select wire from booking_event'],
    ['outreach', 'to write the ledger', `insert into fee_entry (order_id) values (gen_random_uuid())`],
    ['outreach', 'to plan messages', `insert into message (id) values (gen_random_uuid())`],
    ['outreach', 'to change orders', `update orders set status = 'cancelled'`],
    ['operator', 'to read special-category data', 'select wire from booking_event'],
    ['operator', 'to read the bytes of dead letters', 'select value from dead_letter'],
    ['operator', 'to rewrite the audit log', `update audit_log set actor = 'nobody'`],
    ['sensitive', 'what it does not need for the bytes', 'select event_id from booking_event'],
    ...roles.flatMap((role): readonly (readonly [Role, string, string])[] => [
      [role, 'to alter a table', 'alter table orders add column mine text'],
      [role, 'to create a table', 'create table mine ()'],
      [role, 'to empty the ledger', 'truncate fee_entry'],
      [role, 'to delete from the ledger', 'delete from fee_entry'],
      [role, 'to switch off what guards the ledger', 'alter table fee_entry disable trigger ledger_is_append_only'],
    ]),
  ];
  const urls = new Map<Role, Database>();
  beforeAll(async () => { for (const role of roles) urls.set(role, connected(await login(role))); });

  // Seen to fail where the grant was given: select on booking_event to relay, insert on fee_entry to outreach, update on audit_log to the operator.
  test.each(refusals)('%s: %s', async (role, _what, sql) => {
    await expect(urls.get(role)?.query(sql)).rejects.toThrow(expect.objectContaining({ code: '42501' }));
  });
});

describe('of the grants', () => {
  // Seen to fail with a table more in a migration.
  test('every table has some, or is known to need none', async () => {
    const bare = await world.db.query(
      `select relname as name from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') and relname <> 'knex_migrations_lock'
         and not exists (select from information_schema.role_column_grants g where g.table_name = c.relname and g.grantee like 'midline\\_%') order by 1`,
    );
    expect(bare).toEqual([]);
  });

  // Seen to fail with a column more in booking_event.
  test('every column is readable for the operator who may read bytes', async () => {
    expect(await world.db.query(
      `select table_name, column_name from information_schema.columns c where table_schema = 'public' and table_name not like 'knex%'
         and not exists (select from information_schema.role_column_grants g where (g.table_name, g.column_name) = (c.table_name, c.column_name)
                         and g.privilege_type = 'SELECT' and g.grantee in ('midline_operator', 'midline_sensitive'))`,
    )).toEqual([]);
  });

  // Seen to fail with update on audit_log for the operator.
  test('ledger and audit log only grow, for everybody, and so does the inbox; archiving takes the bytes of events, erasing somebody those that name them, and details of the audit log', async () => {
    expect(await world.db.query(
      `select distinct grantee, table_name, privilege_type from information_schema.role_column_grants
       where grantee like 'midline\\_%' and table_name in ('fee_entry', 'audit_log', 'booking_event') and privilege_type not in ('SELECT', 'INSERT')
         and (grantee, table_name, column_name) not in (('midline_sensitive', 'booking_event', 'wire'), ('midline_sensitive', 'booking_event', 'wire_form'), ('midline_sensitive', 'audit_log', 'details'))
       union all
       select distinct grantee, table_name, privilege_type from information_schema.role_table_grants
       where grantee like 'midline\\_%' and (table_name in ('fee_entry', 'audit_log', 'booking_event') and privilege_type not in ('SELECT', 'INSERT')
         or privilege_type in ('TRUNCATE', 'TRIGGER', 'REFERENCES', 'MAINTAIN') or is_grantable = 'YES')`,
    )).toEqual([]);
  });

  test('nobody has any by being nobody in particular', async () => {
    expect(await world.db.query(`select table_name from information_schema.role_table_grants where grantee = 'PUBLIC' and table_schema = 'public'`)).toEqual([]);
  });
});

test('databases of one cluster that are migrated at once do not stumble over roles', async () => {
  const { databaseUrl } = await servers();
  const made = await Promise.all(Array.from({ length: 3 }, () => createdDatabase(databaseUrl)));
  await Promise.all(made.map(({ url }) => migrate(url, migrationSource)));
  await Promise.all(made.map(({ drop }) => drop()));
});
