import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Admin, Kafka } from 'kafkajs';
import { createDatabase as createServerDatabase, type CreatedDatabase, replaceDatabase } from '../../../services/database.js';
import { type CaughtMail, type MailCatcher, startMailCatcher } from '../../../services/mail-catcher.js';
import type { RunningServices } from '../../../services/start.js';
import { reconcile } from '../../../workers/actions/reconcile.js';
import { takeFactsLockExclusively } from '../../../workers/store/facts-lock.js';
import { createQueue } from '../../../workers/queue/queue.js';
import { createWire } from '../../../workers/actions/settle/wire.js';
import { createRandom, type Random } from '../../../workers/domain/generate/random.js';
import { configuredEncryption } from '../../../workers/runtime/encryption.js';
import { readConfig } from '../../../workers/runtime/config.js';
import { createDatabase, type Database } from '../../../workers/store/database.js';
import { createTopics } from '../../../workers/topics/admin.js';
import { type Codec, createCodec } from '../../../workers/topics/codec.js';
import { createKafka } from '../../../workers/topics/connection.js';
import { bookingEventsTopic, customerEventsTopic, deadLetterTopic, orderEventsTopic } from '../../../workers/topics/names.js';
import { agencyWith, assignStandard } from './agency.js';
import { createCrew, type Crew, type RunningWorker } from './crew.js';
import { differences } from './differences.js';
import { strike } from './faults.js';
import { readFound } from './found.js';
import { type Load, startLoad } from './load.js';
import { createPostgresTap, type SqlFailure } from './postgres-tap.js';
import { type Proxy, startProxy } from './proxy.js';
import { expectedFrom, type PublishedMessage } from './oracle.js';
import { readTopic } from './read-topic.js';
import type { Door, Scenario, Way } from './scenarios.js';
import { addCustomers, encryptionKey, population, prepareTemplate } from './setting.js';
import { createSmtpTap } from './smtp-tap.js';

/** What all worlds of one run share. */
export interface Stage {
  readonly services: RunningServices;
  readonly kafka: Kafka;
  /** Connected. */
  readonly admin: Admin;
  readonly codec: Codec;
  /** A database that every world begins with a copy of. */
  readonly template: string;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Folder of the build whose workers run. */
  readonly dist: string;
  readonly seed: number;
  /** They happen one after another. */
  readonly scenarios: readonly Scenario[];
  readonly say: (text: string) => void;
}

/** What a fault did. */
export interface Endured {
  readonly scenario: string;
  /** Until everything that must go on did; null: not within the limit. */
  readonly recoverySeconds: number | null;
}

export interface WorldReport {
  readonly seed: number;
  readonly scenarios: readonly Endured[];
  /** That Kafka has acknowledged, retries of the sender included. */
  readonly messages: number;
  /** Everything that is not as it must be; empty: nothing was lost, doubled or left unexplained. */
  readonly differences: readonly string[];
  /** Logs of the workers, kept when something was different. */
  readonly folder: string | null;
  readonly seconds: number;
}

/** What faults can reach. */
export interface World {
  readonly seed: number;
  readonly random: Random;
  readonly services: RunningServices;
  readonly crew: Crew;
  readonly proxies: Readonly<Record<Door, Proxy>>;
  /** What the proxies do to the protocols at this moment. */
  readonly troubles: { sql: SqlFailure | null; vanishingMails: number };
  /** The group of the first ingest processes, and all groups. */
  readonly group: string;
  readonly groups: Set<string>;
  /** Asks Postgres, not through the proxy, for as long as it takes. */
  readonly ask: Database['query'];
  flushRedis(): Promise<void>;
  /** Puts another job for messages into Redis, sent ones too. */
  enqueueAgain(): Promise<void>;
  /** Has the facts lock for so many seconds, as whoever changes a fact. */
  holdFacts(seconds: number): Promise<void>;
  /** Gives everybody another fee table, for the past too. */
  assign(table: 'standard' | 'raised'): Promise<void>;
  /** Keeps the database as it is at this moment; everybody loses the connection. */
  keepCopy(): Promise<void>;
  /** Puts the copy in the database's place. */
  goBackToCopy(): Promise<void>;
  /** What a fault itself saw that must not be. */
  readonly complaints: string[];
  /** Whether the group has committed something in every partition since then. */
  everyPartition(group: string, since: number): Promise<boolean>;
  /** Whether a relay has produced order events since then. */
  relayedSince(since: number): Promise<boolean>;
  /** Kafka's ids of the ingest processes that the first group has at this moment; none while they are being joined. */
  members(): Promise<readonly string[]>;
}

export const sessionTimeout = 6_000;
const partitions = 6;
const ingestProcesses = 2;
const messagesPerSecond = 30;
const topics = [bookingEventsTopic, customerEventsTopic, deadLetterTopic, orderEventsTopic];
const lookEvery = 100;
/** Longest wait for anything, in milliseconds: what is not there by then will not come. Long enough for a machine that others use too. */
const limit = 90_000;

/** @param services started by this process: faults need their pids */
export async function createStage(services: RunningServices): Promise<Stage> {
  const { environment } = services;
  const template = await createServerDatabase(environment.DATABASE_URL);
  await prepareTemplate({ ...environment, DATABASE_URL: template.url });
  const kafka = createKafka({ brokers: environment.KAFKA_BROKERS.split(','), clientId: 'midline-chaos' });
  const admin = kafka.admin();
  await admin.connect();
  const codec = createCodec({ registryUrl: environment.SCHEMA_REGISTRY_URL });
  await codec.register();
  return {
    services, kafka, admin, codec, template: new URL(template.url).pathname.slice(1),
    async close() {
      await admin.disconnect();
      await template.drop();
    },
  };
}

/** One seed: a new database, new topics, real workers under load, some faults; then everything is drained and compared. */
export async function runWorld(stage: Stage, { dist, seed, scenarios, say }: WorldOptions): Promise<WorldReport> {
  const began = performance.now();
  const { services, kafka, admin, codec } = stage;
  const folder = await mkdtemp(join(tmpdir(), `midline-chaos-${seed}-`));
  const server = await createServerDatabase(services.environment.DATABASE_URL, { template: stage.template });
  await addCustomers(server.url, seed);
  await renewTopics(admin);
  const redis = new Redis(services.environment.REDIS_URL, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  await redis.flushall();
  const database = createDatabase(server.url, { max: 3, application: 'midline chaos' });
  const mails = await startMailCatcher();
  const troubles: World['troubles'] = { sql: null, vanishingMails: 0 };
  const proxies = await openDoors(services, mails, troubles);
  const group = `chaos-${seed}-${Date.now()}`;
  const crew = createCrew({ dist, group, folder, environment: environmentOf(services, server.url, proxies) });
  const own = new URL(server.url).pathname.slice(1);
  const queue = createQueue(services.environment.REDIS_URL);
  let [extraJobs, table]: [number, 'standard' | 'raised'] = [0, 'standard'];
  const copies: CreatedDatabase[] = [];
  /** Copying a database, and putting another in its place, needs that nobody is connected. */
  async function withoutSessions(work: () => Promise<void>): Promise<void> {
    proxies.postgres.setAway(true);
    await database.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()');
    database.cut();
    await patiently(work);
    proxies.postgres.setAway(false);
  }
  const ask: World['ask'] = (text, values) => patiently(() => database.query(text, values));
  const world: World = {
    seed, services, crew, proxies, troubles, group, ask,
    random: createRandom(seed, 'faults'), groups: new Set([group]),
    flushRedis: async () => { await redis.flushall(); },
    async enqueueAgain() {
      const rows = await ask<{ id: string; enqueued: number }>(`select id, enqueued from message where state in ('queued', 'claimed', 'sent') order by updated_at desc limit 20`);
      await patiently(() => queue.addAll(rows.map(({ id, enqueued }) => ({ id, enqueued: 1_000 * (1 + enqueued) + extraJobs++ }))));
    },
    holdFacts: (seconds) => database.transaction(async (tx) => {
      await takeFactsLockExclusively(tx);
      await pause(seconds * 1_000);
    }),
    async assign(name) {
      await assignStandard(database, name);
      table = name;
    },
    keepCopy: () => withoutSessions(async () => { copies.push(await createServerDatabase(services.environment.DATABASE_URL, { template: own })); }),
    goBackToCopy: () => withoutSessions(async () => {
      const copy = copies.pop();
      if (copy === undefined) throw new Error('no copy was kept');
      await replaceDatabase(services.environment.DATABASE_URL, own, new URL(copy.url).pathname.slice(1));
    }),
    complaints: [],
    everyPartition: (name, since) => everyPartition(ask, name, since),
    relayedSince: (since) => patiently(async () => {
      const ends = await admin.fetchTopicOffsets(orderEventsTopic);
      const then = await admin.fetchTopicOffsetsByTimestamp(orderEventsTopic, since);
      return then.some(({ partition, offset }) => ends.some((end) => end.partition === partition && Number(end.high) > Number(offset)));
    }),
    members: async () => {
      const { groups: [found] } = await admin.describeGroups([group]);
      return found?.state === 'Stable' ? found.members.map(({ memberId }) => memberId) : [];
    },
  };
  const endured: Endured[] = [];
  const different: string[] = [];
  let load: Load | null = null;
  let messages = 0;
  try {
    for (const kind of [...Array.from({ length: ingestProcesses }, () => 'ingest' as const), 'relay' as const, 'outreach' as const]) crew.start(kind);
    load = startLoad({ kafka, codec, seed, ...population, rate: messagesPerSecond });
    await recovered(world, 0, ['ingest', 'relay', 'outreach']);
    for (const scenario of scenarios) {
      await pause(world.random.whole(100, 500));
      endured.push(await endure(world, scenario));
      say(`    ${scenario.name}: ${endured.at(-1)?.recoverySeconds ?? 'no recovery'} s`);
    }
    await load.stop();
    // What is left undone is told, and what stands all the same is looked at.
    await drained(world, admin).catch((error: unknown) => { different.push(error instanceof Error ? error.message : String(error)); });
    await Promise.all(crew.running().map((worker) => crew.stop(worker)));
    const published = await readTopic(kafka, admin, bookingEventsTopic);
    messages = published.length;
    if (messages < load.acknowledged()) different.push(`Kafka acknowledged ${load.acknowledged()} messages and holds ${messages}`);
    different.push(...await inspected(stage, database, world, { scenarios, table, published, mails: mails.mails() }));
  } catch (error) {
    different.push(...world.complaints, error instanceof Error ? error.message : String(error));
  } finally {
    await load?.stop().catch(() => undefined);
    await crew.end();
    await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
    redis.disconnect();
    await Promise.all([database.close(), mails.close(), queue.close()]);
    await Promise.all(copies.map((copy) => copy.drop()));
    await server.drop();
  }
  different.push(...crew.complaints);
  if (different.length === 0) await rm(folder, { recursive: true, force: true });
  return { seed, scenarios: endured, messages, differences: different, folder: different.length === 0 ? null : folder, seconds: secondsSince(began) };
}

/** Lets a fault happen, waits until everything goes on, and sees to it that the next one finds two ingest processes. */
async function endure(world: World, { name, fault, arrival = false, ways }: Scenario): Promise<Endured> {
  if (arrival) world.crew.start('ingest');
  const since = await strike(world, fault);
  const recoverySeconds = await recovered(world, since, ways).catch(() => null);
  const own = (): readonly RunningWorker[] => world.crew.running('ingest').filter((worker) => worker.group === world.group);
  for (let missing = ingestProcesses - own().length; missing > 0; missing -= 1) world.crew.start('ingest');
  if (own().length > ingestProcesses) {
    await until('every ingest process has joined its group', async () => (await world.members()).length >= own().length);
    for (const oldest of own().slice(0, -ingestProcesses)) await world.crew.stop(oldest);
  }
  return { scenario: name, recoverySeconds };
}

/** Seconds from `since` until all these ways go on. Rejects when they do not within the limit. */
async function recovered(world: World, since: number, ways: readonly Way[]): Promise<number> {
  await until(`${ways.join(', ')} went on`, async () => {
    for (const way of ways) if (!await goesOn[way](world, since)) return false;
    return true;
  });
  return Math.max(0, Math.round((Date.now() - since) / 100) / 10);
}

const goesOn: Readonly<Record<Way, (world: World, since: number) => Promise<boolean>>> = {
  ingest: (world, since) => world.everyPartition(world.group, since),
  relay: async ({ ask, relayedSince }, since) => await relayedSince(since) && (await ask(
    `select 1 from outbox where lane >= 0 and created_at <= $1 union all select 1 from message where state = 'due' and due_at <= $1 and updated_at <= $1 limit 1`, [new Date(since)],
  )).length === 0,
  outreach: async ({ ask }, since) => (await ask(`select 1 from message where state = 'sent' and updated_at > $1 limit 1`, [new Date(since)])).length > 0,
};

async function everyPartition(ask: World['ask'], group: string, since: number): Promise<boolean> {
  const rows = await ask('select 1 from consumer_offset where consumer_group = $1 and updated_at > $2', [group, new Date(since)]);
  return rows.length === partitions;
}

/** Waits until nothing is left to do. Leases and pauses before another try end early: the clock of the messages is moved. */
async function drained({ ask, groups }: World, admin: Admin): Promise<void> {
  const settled = async (): Promise<boolean> => {
    const ends = await admin.fetchTopicOffsets(bookingEventsTopic);
    const rows = await ask<{ group: string; partition: number; next: string }>('select consumer_group as "group", partition, next_offset as next from consumer_offset');
    return [...groups].every((group) => ends.every(({ partition, high }) => rows.some((row) => row.group === group && row.partition === partition && row.next === high)));
  };
  const rated = async (): Promise<boolean> => (await ask('select from rating_stale limit 1')).length === 0;
  const relayed = async (): Promise<boolean> => (await ask(`select 1 from outbox where lane >= 0 union all select 1 from dead_letter where relay = 'pending' limit 1`)).length === 0;
  const told = async (): Promise<boolean> => (await ask(`select 1 from message where state in ('due', 'queued', 'claimed') limit 1`)).length === 0;
  await until('every message of Kafka was settled', settled);
  await until('every order was rated again', rated);
  await until('the relay has carried everything away', relayed);
  await until('every message to a customer has ended', async () => {
    if (await told()) return true;
    await ask(`update message set due_at = now() where state = 'due' and due_at > now()`);
    await ask(`update message set claimed_until = now() where state = 'claimed' and claimed_until > now() and updated_at < now() - interval '8 seconds'`);
    return false;
  }, 500);
  await until('the relay has carried everything away', relayed);
}

/** What happened in a world. */
interface Ended {
  readonly scenarios: readonly Scenario[];
  readonly table: 'standard' | 'raised';
  readonly published: readonly PublishedMessage[];
  readonly mails: readonly CaughtMail[];
}

/** Compares what stands in the end with what the published messages make of it. */
async function inspected({ kafka, admin, codec }: Stage, database: Database, { groups, complaints }: World, { scenarios, table, published, mails }: Ended): Promise<readonly string[]> {
  const seal = configuredEncryption(readConfig({ MIDLINE_ENCRYPTION_KEY: encryptionKey }, []));
  const { checks } = await reconcile(database, createWire(codec, seal));
  const orderEvents = await readTopic(kafka, admin, orderEventsTopic);
  const deadLetters = await readTopic(kafka, admin, deadLetterTopic);
  const found = await readFound({ database, codec, orderEvents, deadLetters, mails });
  const expected = await expectedFrom(published, agencyWith(table), codec);
  return [
    ...complaints,
    ...checks.filter((check) => !check.ok).map((check) => `${check.name}: ${check.detail}`),
    ...differences(expected, found, { groups: [...groups], outreach: true, unknownAllowed: scenarios.some(({ ways }) => ways.includes('outreach')), repeatsAllowed: scenarios.some(({ ways, fault }) => ways.includes('relay') && fault.how !== 'second relay') }),
  ];
}

async function openDoors({ environment }: RunningServices, mails: MailCatcher, troubles: World['troubles']): Promise<World['proxies']> {
  const portOf = (url: string): number => Number(new URL(url).port);
  const vanishes = (): boolean => {
    if (troubles.vanishingMails === 0) return false;
    troubles.vanishingMails -= 1;
    return true;
  };
  return {
    postgres: await startProxy(portOf(environment.DATABASE_URL), () => createPostgresTap(() => troubles.sql)),
    registry: await startProxy(portOf(environment.SCHEMA_REGISTRY_URL)),
    redis: await startProxy(portOf(environment.REDIS_URL)),
    smtp: await startProxy(portOf(mails.url), () => createSmtpTap(vanishes)),
  };
}

/** What the workers of a world see: every server but Kafka (which tells its own address) behind a proxy. */
function environmentOf({ environment }: RunningServices, databaseUrl: string, proxies: World['proxies']): Readonly<Record<string, string>> {
  const behind = (url: string, { port }: Proxy): string => Object.assign(new URL(url), { port: String(port) }).href;
  return {
    KAFKA_BROKERS: environment.KAFKA_BROKERS,
    SCHEMA_REGISTRY_URL: behind(environment.SCHEMA_REGISTRY_URL, proxies.registry),
    DATABASE_URL: behind(databaseUrl, proxies.postgres),
    REDIS_URL: behind(environment.REDIS_URL, proxies.redis),
    SMTP_URL: `smtp://127.0.0.1:${proxies.smtp.port}`,
    MIDLINE_ENCRYPTION_KEY: encryptionKey,
    KAFKA_SESSION_TIMEOUT_MS: String(sessionTimeout),
    INGEST_BATCH_SIZE: '50',
  };
}

/** Deletes midline's topics and makes them anew, empty. */
export async function renewTopics(admin: Admin): Promise<void> {
  const there = async (): Promise<string[]> => (await admin.listTopics()).filter((name) => topics.includes(name));
  const old = await there();
  if (old.length > 0) await admin.deleteTopics({ topics: old });
  await until('the old topics are gone', async () => (await there()).length === 0);
  await createTopics(admin, { partitions });
}

/** Asks again and again until the answer is yes. Rejects after the limit. */
export async function until(what: string, answer: () => Promise<boolean>, every: number = lookEvery): Promise<void> {
  for (const end = Date.now() + limit; !await patiently(answer); await pause(every)) {
    if (Date.now() > end) throw new Error(`waited ${limit / 1_000} s in vain: ${what}`);
  }
}

/** Does what may fail because a server is away, until it succeeds. Rejects with its error after the limit. */
async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  for (const end = Date.now() + limit; ; await pause(lookEvery)) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

const secondsSince = (began: number): number => Math.round((performance.now() - began) / 100) / 10;
