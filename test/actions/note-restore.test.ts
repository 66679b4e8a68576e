import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { migrationSource } from '../../migrations/index.js';
import type { BookingEvent } from '../../schemas/booking-event.js';
import { startMailCatcher, type MailCatcher } from '../../services/mail-catcher.js';
import { postgresUser } from '../../services/places.js';
import { startServices, type RunningServices } from '../../services/start.js';
import { noteRestore } from '../../workers/actions/note-restore.js';
import { reconcile } from '../../workers/actions/reconcile.js';
import { createWire } from '../../workers/actions/settle/wire.js';
import { startOutreach } from '../../workers/outreach/main.js';
import { startRelay } from '../../workers/relay/main.js';
import { readConfig } from '../../workers/runtime/config.js';
import { createLog } from '../../workers/runtime/log.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { migrate } from '../../workers/store/schema.js';
import { createTopics } from '../../workers/topics/admin.js';
import { schemaIdOf } from '../../workers/topics/codec.js';
import { orderEventsTopic } from '../../workers/topics/names.js';
import { giveFeeTable } from '../fee-tables.js';
import { booked, createIngestWorld, type IngestWorld } from '../ingest/world.js';
import { servers } from '../servers.js';
import { until } from '../until.js';

const run = promisify(execFile);
const group = 'restored';

/** The never-restored one, with Kafka and the registry. */
let world: IngestWorld;
/** A Postgres of its own, which is lost. */
let services: RunningServices;
let url: string;
let db: Database;
let mail: MailCatcher;
let topic: string;
/** The data of the Postgres, the copy of it, and the log of what came after the copy. */
let places: { readonly data: string; readonly backup: string; readonly log: string };

const table = `
feeTable: standard
name: standard
currency: EUR
validFrom: 2020-01-01
charges: { file: { scope: order } }
rules: [{ id: file, charge: file, on: booked, amount: { fixed: 15 } }, { id: change, charge: file, on: changed, amount: { fixed: 5 } }]
`;

/** One statement after the other on one connection: a backup begins and ends in one session. */
async function withSession<Result>(work: (query: (sql: string) => Promise<readonly Record<string, string>[]>) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(async (sql) => (await client.query<Record<string, string>>(sql)).rows);
  } finally {
    await client.end();
  }
}

const ownedByServer = async (...paths: readonly string[]): Promise<void> => {
  const { uid, gid } = postgresUser();
  if (uid !== undefined && gid !== undefined) for (const path of paths) await chown(path, uid, gid);
};

beforeAll(async () => {
  [world, services, mail] = await Promise.all([createIngestWorld(), startServices({ only: ['postgres'], environment: {} }), startMailCatcher()]);
  url = services.environment.DATABASE_URL;
  await createTopics(world.admin, { partitions: 2 }).catch((error: unknown) => { if (!String(error).includes('already exists')) throw error; });
  topic = await world.newTopic(2);
  const [found] = await withSession((query) => query('show data_directory'));
  const data = found?.['data_directory'] ?? '';
  places = { data, backup: join(dirname(data), 'backup'), log: join(dirname(data), 'log') };
  await mkdir(places.log);
  await ownedByServer(places.log);
  await withSession(async (query) => {
    await query('alter system set archive_mode = on');
    await query(`alter system set archive_command = 'test ! -f ${places.log}/%f && cp %p ${places.log}/%f'`);
  });
  await services.restart('postgres');
  await migrate(url, migrationSource);
  db = createDatabase(url);
  await Promise.all([giveFeeTable(db, table), giveFeeTable(world.db, table)]);
}, 300_000);

afterAll(async () => {
  await ingest?.stop();
  await db.close();
  await services.stop();
  await mail.close();
  await world.close();
});

const bookings = 20;
/** Of this run alone: the topic of order events is everybody's. */
const prefix = `N${randomUUID().slice(0, 8)}-`;
const began = Date.now();
/** Every event of a part makes a message and charges a fee. */
const part = (number: number, from: number): readonly BookingEvent[] => Array.from({ length: bookings }, (_, n) => {
  const ref = `${prefix}${(n + from) % (bookings * 2)}`;
  const booker = { kind: 'person', externalId: ref, givenName: 'Kim', familyName: `Family${n}`, emails: [`${ref.toLowerCase()}@customer.example`] };
  return booked(ref, { eventId: `${ref}-${number}`, type: number === 1 ? 'booked' : 'changed', occurredAt: began + number * 1_000 }, { booker, remarks: [{ text: `part ${number}` }], price: { currency: 'EUR', total: String(100 + number) } });
});
const environment = () => ({ DATABASE_URL: url });
let ingest: Awaited<ReturnType<IngestWorld['start']>> | null = null;
let sent = 0;
/** Settled by the running ingest in so many batches: revisions tell how often an order was settled, and that is not the same when it is read again. */
async function settle(events: readonly BookingEvent[], pieces: number): Promise<void> {
  const size = Math.ceil(events.length / pieces);
  for (let at = 0; at < events.length; at += size) {
    const piece = events.slice(at, at + size);
    await world.send(topic, piece.map((event) => ({ key: event.bookingRef, value: world.codec.encodeBookingEvent(event), partition: Number(event.bookingRef.slice(prefix.length)) % 2 })));
    sent += piece.length;
    await until(async () => (await db.query<{ n: number }>('select coalesce(sum(read), 0)::int as n from consumer_offset'))[0]?.n === sent);
  }
}

/** Runs relay and outreach until nothing is left to be told. */
async function tellAll(): Promise<void> {
  const { kafkaBrokers, redisUrl } = await servers();
  const config = readConfig({ KAFKA_BROKERS: kafkaBrokers.join(','), DATABASE_URL: url, REDIS_URL: new URL('/8', redisUrl).href, SMTP_URL: mail.url }, ['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL', 'SMTP_URL']);
  const log = createLog(process.env['TEST_LOG'] ?? 'silent');
  const [relay, outreach] = await Promise.all([startRelay(config, { log, queuePatience: 0 }), startOutreach(config, { log })]);
  try {
    const isDone = async () => (await db.query(`select 1 from outbox union all select 1 from message where state in ('due', 'queued', 'claimed')`)).length === 0;
    await Promise.race([relay.done, outreach.done, until(isDone)]);
  } finally {
    await Promise.all([relay.stop(), outreach.stop()]);
  }
}

/** A copy of the files while the server runs; what was written meanwhile is in its log. */
async function backUp(): Promise<void> {
  await withSession(async (query) => {
    await query(`select pg_backup_start('test', true)`);
    await run('cp', ['-a', places.data, places.backup]);
    const [end] = await query('select labelfile from pg_backup_stop()');
    await writeFile(join(places.backup, 'backup_label'), end?.['labelfile'] ?? '');
  });
  for (const file of ['postmaster.pid', 'postmaster.opts']) await rm(join(places.backup, file), { force: true });
  for (const file of await readdir(join(places.backup, 'pg_wal'))) await rm(join(places.backup, 'pg_wal', file), { recursive: true });
}

/** The present moment, once everything before it is in the archive. */
async function archivedMoment(): Promise<string> {
  return withSession(async (query) => {
    const [moment] = await query('select clock_timestamp()::text as at');
    await query('create table moment ()'); // something to be recovered beyond the moment
    const [end] = await query('select pg_walfile_name(pg_switch_wal()) as file');
    await until(async () => ((await query('select last_archived_wal as file from pg_stat_archiver'))[0]?.['file'] ?? '') >= (end?.['file'] ?? ''));
    return moment?.['at'] ?? '';
  });
}

async function loseAndRestore(moment: string): Promise<void> {
  const [server] = services.servers;
  process.kill(server?.pid ?? 0, 'SIGKILL');
  await until(async () => withSession(async () => false).catch(() => true));
  await db.close();
  await rm(places.data, { recursive: true });
  await run('cp', ['-a', places.backup, places.data]);
  await appendFile(join(places.data, 'postgresql.auto.conf'), `restore_command = 'cp ${places.log}/%f %p'\nrecovery_target_time = '${moment}'\nrecovery_target_action = 'promote'\n`);
  await writeFile(join(places.data, 'recovery.signal'), '');
  await ownedByServer(join(places.data, 'recovery.signal'), join(places.data, 'backup_label'));
  await services.restart('postgres');
  await until(() => withSession(async (query) => (await query('select pg_is_in_recovery() as still'))[0]?.['still'] === (false as unknown)).catch(() => false));
  db = createDatabase(url);
}

/** Every order, and what stands in the ledger for it: how that came about depends on the batches. */
const ordersOf = (of: Database) => of.query(
  `select md5(string_agg(concat_ws('|', source, booking_ref, status, currency, total, travel_from, state), chr(10) order by id)) as orders, count(*)::int as n,
     (select md5(string_agg(concat_ws('|', order_id, charge, event_id, unit, gross, currency), chr(10) order by order_id, charge, event_id, unit))
      from (select order_id, charge, event_id, unit, currency, sum(gross) as gross from fee_entry group by 1, 2, 3, 4, 5 having sum(gross) <> 0) standing) as ledger
   from orders`,
);

// Seen to fail without doubting messages (mails go out twice), and without the base of revisions (consumers never hear of the last change).
test('a database that was restored to a point reads Kafka again from there: nothing is lost, doubled or told twice', async () => {
  ingest = await world.start({ topic, group, env: environment() });
  await settle(part(1, 0), 2);
  await tellAll();
  await backUp();
  await settle(part(1, bookings), 2);
  await settle(part(2, 0), 3);
  const moment = await archivedMoment(); // messages of part 2 are due, and will have been sent
  await tellAll();
  await settle(part(3, bookings / 2), 10);
  await settle(part(4, 0), 10);
  await settle(part(5, 0), 10);
  await tellAll();
  const told = mail.mails().length;
  const lostAt = new Date();
  await ingest.stop();

  await loseAndRestore(moment);
  expect(await world.db.query('select 1 from orders')).toEqual([]);
  expect((await db.query(`select 1 from booking_event where event_id like '%-2'`)).length).toBe(bookings);
  expect((await db.query(`select 1 from booking_event where event_id like '%-3'`)).length).toBe(0);
  const noted = await noteRestore(db, lostAt, 'anna', new Date());
  expect(noted).toMatchObject({ orders: bookings * 2 });
  expect(noted.unknownMessages).toBeGreaterThan(0);
  ingest = await world.start({ topic, group, env: environment() });
  await until(async () => (await db.query<{ n: number }>('select sum(read)::int as n from consumer_offset'))[0]?.n === sent);
  await tellAll();
  expect(mail.mails()).toHaveLength(told);

  // What comes afterwards is told as ever.
  await settle(part(6, 0), 1);
  await ingest.stop();
  ingest = null;
  await tellAll();
  const perMail = new Map<string, number>();
  for (const one of mail.mails()) perMail.set(one.headers['message-id'] ?? '', (perMail.get(one.headers['message-id'] ?? '') ?? 0) + 1);
  expect([...perMail.values()].filter((count) => count !== 1)).toEqual([]);
  expect(mail.mails()).toHaveLength(told + bookings);

  // As if nothing had happened.
  await world.drain(topic, { group: 'never-restored' });
  expect(await ordersOf(db)).toEqual(await ordersOf(world.db));
  expect(await reconcile(db, createWire(world.codec, null))).toMatchObject({ ok: true });
  expect(await db.query(`select sum(read)::int as read, sum(applied + late)::int as applied from consumer_offset where consumer_group = $1`, [group])).toEqual([{ read: bookings * 7, applied: bookings * 7 }]);

  // Consumers of order events, who ignore what is not newer, end with what stands.
  const standing = new Map((await db.query<{ id: string; revision: string }>('select id, revision from orders')).map(({ id, revision }) => [id, Number(revision)]));
  const seen = new Map<string, { revision: number; total: string | undefined }>();
  const values = await valuesOf(orderEventsTopic, (key) => standing.has(key));
  await world.codec.prepare(values.flatMap((value) => schemaIdOf(value) ?? []));
  for (const value of values) {
    const decoded = world.codec.decodeOrderEvent(value);
    if (!decoded.ok) throw new Error(decoded.reason);
    const { event } = decoded;
    const before = seen.get(event.orderId);
    if (before === undefined || event.revision > before.revision) seen.set(event.orderId, { revision: event.revision, total: event.price?.total });
  }
  const settledSince = [...standing].filter(([, revision]) => revision > noted.revisionBase);
  expect(settledSince.length).toBeGreaterThanOrEqual(bookings);
  expect(settledSince.filter(([id, revision]) => seen.get(id)?.revision !== revision)).toEqual([]);
  const totals = await db.query<{ id: string; total: string }>('select id, total::text as total from orders');
  expect(totals.filter(({ id, total }) => Number(seen.get(id)?.total) !== Number(total))).toEqual([]);
}, 600_000);

/** The values of all messages of a topic that are there now and whose key is wanted, in the order of their partitions. */
async function valuesOf(name: string, isWanted: (key: string) => boolean): Promise<readonly Buffer[]> {
  const waiting = new Map((await world.admin.fetchTopicOffsets(name)).filter(({ low, high }) => low !== high).map(({ partition, high }) => [partition, Number(high)]));
  const values: Buffer[] = [];
  const consumer = world.kafka.consumer({ groupId: `test-${randomUUID()}`, sessionTimeout: 10_000 });
  await consumer.connect();
  await consumer.subscribe({ topic: name, fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      values.push(...batch.messages.flatMap(({ key, value }) => (value !== null && isWanted(key?.toString() ?? '') ? [value] : [])));
      if (Number(batch.lastOffset()) + 1 >= (waiting.get(batch.partition) ?? 0)) waiting.delete(batch.partition);
    },
  });
  await until(async () => waiting.size === 0);
  await consumer.disconnect();
  return values;
}
