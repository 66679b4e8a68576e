import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Admin, Kafka } from 'kafkajs';
import { toJson } from '../schemas/json.js';
import type { BookingEvent } from '../schemas/booking-event.js';
import type { CreatedDatabase } from '../services/database.js';
import { projectRoot } from '../services/places.js';
import { startServices, type RunningServices, type ServiceEnvironment } from '../services/start.js';
import { createTopics } from '../workers/topics/admin.js';
import { createCodec, type Codec } from '../workers/topics/codec.js';
import { createKafka } from '../workers/topics/connection.js';
import { bookingEventsTopic } from '../workers/topics/names.js';
import { digestOf, factsOf, writtenRows, type WrittenRows } from './facts.js';
import { bookingLoad } from './load.js';
import { describeMachine, loadNow, type Machine } from './machine.js';
import { measure, type Measured, type Running } from './measure.js';
import { startNaiveWay } from './naive-way.js';
import { measurePersist, prepareRows, type PersistRun, type PersistWay } from './persist.js';
import { startPipeline } from './pipeline.js';
import { killProcesses } from './processes.js';
import { copyDatabase, createBenchDatabase, produceEvents, settleStatistics, takeEvents, withDatabase } from './setup.js';

export interface BenchSettings {
  /** Runs of every way, taken in turns. */
  readonly runs: number;
  /** Measured events of a run. */
  readonly events: number;
  /** Events before those, in each run: the process warms up. */
  readonly runUp: number;
  /** Events that both sets of tables hold before all runs. */
  readonly history: number;
  readonly customers: number;
  readonly seed: number;
  /** Lanes of the ingest process; each number is a way of its own. */
  readonly lanes: readonly number[];
  /** New bookings of a run that only writes. */
  readonly persistEvents: number;
  /** Events of one long run of the pipeline at the end, for memory and evenness; 0: none. */
  readonly longEvents: number;
  /** Only naive consumers, only the pipeline, only writing; null: everything. */
  readonly only: 'naive' | 'pipeline' | 'persist' | null;
  /** A folder for CPU profiles of the pipeline's processes; null: none are taken. */
  readonly profileFolder: string | null;
}

export interface WayRun extends Measured {
  readonly way: string;
  /** Rows per event of the whole run, run-up included. */
  readonly rows: readonly WrittenRows[];
}

export interface BenchResult {
  readonly date: string;
  readonly machine: Machine;
  readonly settings: BenchSettings;
  /** Bytes of an event, on average. */
  readonly eventBytes: { readonly avro: number; readonly json: number };
  readonly runs: readonly WayRun[];
  readonly persist: readonly PersistRun[];
  readonly long: Measured | null;
}

const partitions = 6;
const fenceGroup = 'bench';
const persistBatch = 500;

interface Bench {
  readonly settings: BenchSettings;
  readonly environment: ServiceEnvironment;
  readonly servers: Readonly<Record<string, number>>;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly codec: Codec;
  readonly load: Iterator<BookingEvent>;
  readonly onProgress: (text: string) => void;
}

interface Way {
  readonly name: string;
  readonly facts: 'naive' | 'midline';
  readonly group: (run: number) => string;
  readonly start: (environment: ServiceEnvironment, group: string) => Promise<Running>;
}

/**
 * Measures everything in one go, on servers of its own, or on those whose variables are set in `environment`: those must be empty.
 * @throws Error where the ways do not write the same facts, a worker ends early, or a given server is in use
 */
export async function runBench(settings: BenchSettings, environment: NodeJS.ProcessEnv, onProgress: (text: string) => void): Promise<BenchResult> {
  const loadBefore = loadNow();
  const services = await startServices({ environment, onProgress });
  const leave = (): never => {
    killProcesses();
    process.exit(1);
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  try {
    return await withKafka(services, (kafka, admin) => runOn(services, kafka, admin, settings, loadBefore, onProgress));
  } finally {
    process.off('SIGINT', leave).off('SIGTERM', leave);
    killProcesses();
    await services.stop();
  }
}

/** Writes the result beside the earlier ones and returns the file's path. */
export async function saveResult(result: BenchResult): Promise<string> {
  const folder = join(projectRoot(), 'bench', 'results');
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${result.date.slice(0, 19).replaceAll(':', '-')}.json`);
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  return file;
}

async function withKafka<Result>(services: RunningServices, work: (kafka: Kafka, admin: Admin) => Promise<Result>): Promise<Result> {
  const kafka = createKafka({ brokers: services.environment.KAFKA_BROKERS.split(','), clientId: 'midline-bench' });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(kafka, admin);
  } finally {
    await admin.disconnect();
  }
}

async function runOn(
  { environment, servers }: RunningServices, kafka: Kafka, admin: Admin, settings: BenchSettings, loadBefore: number, onProgress: (text: string) => void,
): Promise<BenchResult> {
  await demandEmpty(admin, environment.REDIS_URL);
  await createTopics(admin, { partitions });
  const codec = createCodec({ registryUrl: environment.SCHEMA_REGISTRY_URL });
  await codec.register();
  const now = Date.now();
  const bench: Bench = {
    settings, environment, kafka, admin, codec, onProgress,
    servers: Object.fromEntries(servers.map(({ name, pid }) => [name, pid])),
    load: bookingLoad({ seed: settings.seed, customers: settings.customers, since: now - 3_600_000 }),
  };
  const machine = await withDatabase(environment.DATABASE_URL, (database) => describeMachine(database, environment.REDIS_URL, loadBefore));
  const template = await prepareTemplate(bench);
  const start = await endsOf(admin);
  const runs = await runWays(bench, template, start);
  const persist = settings.only === null || settings.only === 'persist' ? await runPersist(bench, template) : [];
  const long = settings.longEvents > 0 && settings.only !== 'naive' ? await runLong(bench, template, start) : null;
  await template.drop();
  return { date: new Date(now).toISOString(), machine, settings, eventBytes: eventBytes(settings, codec), runs, persist, long };
}

/** Servers that were given may be somebody's: nothing of theirs is mixed with the benchmark's, and nothing is deleted. */
async function demandEmpty(admin: Admin, redisUrl: string): Promise<void> {
  if ((await admin.listTopics()).includes(bookingEventsTopic)) throw new Error(`the Kafka of KAFKA_BROKERS has a topic ${bookingEventsTopic} already: the benchmark wants one of its own (unset the variable to have it started)`);
  await withRedis(redisUrl, async (redis) => {
    if ((await redis.dbsize()) > 0) throw new Error('the Redis of REDIS_URL is not empty: the benchmark wants one of its own (unset the variable, or name another database of it)');
  });
}

/** Both sets of tables with their customers, the events of the history, and statistics; the topic goes on with the events of a run. */
async function prepareTemplate(bench: Bench): Promise<CreatedDatabase> {
  const { environment, settings, kafka, codec, load, onProgress } = bench;
  onProgress(`Preloading ${settings.customers} customers …`);
  const template = await createBenchDatabase(environment.DATABASE_URL, settings);
  onProgress(`Warming up with ${settings.history} events …`);
  await produceEvents(kafka, codec, load, settings.history);
  const inTemplate = { ...environment, DATABASE_URL: template.url };
  for (const way of [naiveWay(partitions), pipelineWay(settings.lanes[0] ?? 2, null)]) {
    const running = await way.start(inTemplate, way.group(0));
    try {
      await measure(running, { total: settings.history, runUp: 0, servers: {} });
    } finally {
      await running.stop();
    }
  }
  await settleStatistics(template.url);
  await emptyRedis(environment.REDIS_URL);
  return template;
}

async function runWays(bench: Bench, template: CreatedDatabase, start: readonly Offset[]): Promise<readonly WayRun[]> {
  const { settings, kafka, codec, load, onProgress } = bench;
  await produceEvents(kafka, codec, load, settings.runUp + settings.events);
  const ways = waysOf(settings);
  const results: WayRun[] = [];
  const digests = new Map<string, string>();
  for (let run = 1; run <= settings.runs; run += 1) {
    for (const way of ways) {
      const { digest, ...result } = await runOnce(bench, template, start, way, run, settings.runUp + settings.events);
      results.push(result);
      digests.set(digest, way.name);
      onProgress(`Run ${run} of ${settings.runs}, ${way.name}: ${Math.round(result.perSecond)} events/s`);
      if (digests.size > 1) throw new Error(`these ways wrote different facts: ${[...digests.values()].join(', ')}`);
    }
  }
  return results;
}

async function runOnce(bench: Bench, template: CreatedDatabase, start: readonly Offset[], way: Way, run: number, total: number): Promise<WayRun & { readonly digest: string }> {
  const { environment, admin, settings, servers } = bench;
  const database = await copyDatabase(environment.DATABASE_URL, template.url);
  try {
    const group = way.group(run);
    await admin.setOffsets({ groupId: group, topic: bookingEventsTopic, partitions: [...start] });
    const running = await way.start({ ...environment, DATABASE_URL: database.url }, group);
    const measured = await measure(running, { total, runUp: settings.runUp, servers }).finally(() => running.stop());
    return await withDatabase(database.url, async (db) => ({
      way: way.name, ...measured, rows: perEvent(await writtenRows(db), total), digest: digestOf(await factsOf(db, way.facts)),
    }));
  } finally {
    await database.drop();
    await emptyRedis(environment.REDIS_URL);
  }
}

async function runPersist({ environment, settings, codec, onProgress }: Bench, template: CreatedDatabase): Promise<readonly PersistRun[]> {
  const bookings = newBookings(settings);
  const batches = Array.from({ length: Math.ceil(settings.persistEvents / persistBatch) }, () => takeEvents(bookings, persistBatch));
  const rows = await withDatabase(template.url, (database) => prepareRows(database, codec, batches));
  const results: PersistRun[] = [];
  for (let run = 1; run <= settings.runs; run += 1) {
    for (const [way, lanes] of [['settlement', 1], ['copy', 1], ['settlement', 2], ['copy', 2]] as const satisfies readonly (readonly [PersistWay, number])[]) {
      const database = await copyDatabase(environment.DATABASE_URL, template.url);
      try {
        const result = await measurePersist(database.url, way, lanes, rows);
        results.push(result);
        onProgress(`Run ${run} of ${settings.runs}, only writing (${way}, ${lanes} lanes): ${Math.round(result.perSecond)} events/s`);
      } finally {
        await database.drop();
      }
    }
  }
  return results;
}

/** One long run: is the worker's memory flat, and is it as fast at the end as at the beginning? */
async function runLong(bench: Bench, template: CreatedDatabase, start: readonly Offset[]): Promise<Measured> {
  const { settings, kafka, codec, load, onProgress } = bench;
  onProgress(`One long run of ${settings.longEvents} events …`);
  await produceEvents(kafka, codec, load, Math.max(0, settings.longEvents - settings.events));
  const { rows: _rows, digest: _digest, way: _way, ...measured } = await runOnce(bench, template, start, pipelineWay(settings.lanes[0] ?? 2, null), 0, settings.runUp + Math.max(settings.events, settings.longEvents));
  return measured;
}

function waysOf({ only, lanes, profileFolder }: BenchSettings): readonly Way[] {
  return [
    ...(only === null || only === 'naive' ? [naiveWay(1), naiveWay(partitions)] : []),
    ...(only === null || only === 'pipeline' ? lanes.map((count) => pipelineWay(count, profileFolder)) : []),
  ];
}

const naiveWay = (partitionsAtOnce: number): Way => ({
  name: partitionsAtOnce === 1 ? 'naive, one partition at a time' : `naive, ${partitionsAtOnce} partitions at once`,
  facts: 'naive',
  group: (run) => `naive-${partitionsAtOnce}-${run}`,
  start: (environment, group) => startNaiveWay(environment, { topic: bookingEventsTopic, group, partitionsAtOnce }),
});

/** Always the same group: the fence of the history stands under its name. */
const pipelineWay = (lanes: number, profileFolder: string | null): Way => ({
  name: `midline, ${lanes} lanes`,
  facts: 'midline',
  group: () => fenceGroup,
  start: (environment, group) => startPipeline(environment, {
    topic: bookingEventsTopic, group, partitionsAtOnce: lanes, nodeOptions: profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`],
  }),
});

interface Offset {
  readonly partition: number;
  readonly offset: string;
}

async function endsOf(admin: Admin): Promise<readonly Offset[]> {
  return (await admin.fetchTopicOffsets(bookingEventsTopic)).map(({ partition, high }) => ({ partition, offset: high }));
}

const perEvent = (rows: readonly WrittenRows[], events: number): readonly WrittenRows[] =>
  rows.map(({ table, inserted, updated, deleted }) => ({ table, inserted: inserted / events, updated: updated / events, deleted: deleted / events }));

/** Bookings that no other run knows. */
function* newBookings({ seed, customers }: BenchSettings): Generator<BookingEvent> {
  for (const event of bookingLoad({ seed: seed + 1, customers, since: Date.now() - 3_600_000 })) {
    if (event.type === 'booked') yield { ...event, bookingRef: `P${event.bookingRef}`, eventId: `P${event.eventId}` };
  }
}

function eventBytes({ seed, customers }: BenchSettings, codec: Codec): BenchResult['eventBytes'] {
  const events = takeEvents(bookingLoad({ seed, customers, since: Date.now() }), 1_000);
  const mean = (size: (event: BookingEvent) => number): number => Math.round(events.reduce((sum, event) => sum + size(event), 0) / events.length);
  return { avro: mean((event) => codec.encodeBookingEvent(event).length), json: mean((event) => JSON.stringify(toJson('BookingEvent', event)).length) };
}

async function emptyRedis(url: string): Promise<void> {
  await withRedis(url, async (redis) => { await redis.flushdb(); });
}

async function withRedis(url: string, work: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = new Redis(url);
  try {
    await work(redis);
  } finally {
    redis.disconnect();
  }
}
