import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
import { differencesOf, digestOf, factsOf, writtenRows, type Facts, type WrittenRows } from './facts.js';
import { demandEmpty, emptyRedis } from './clean-servers.js';
import { bookingLoad } from './load.js';
import { describeMachine, loadNow, type Machine } from './machine.js';
import { measure, type Measured } from './measure.js';
import { measurePersist, prepareRows, type PersistRun, type PersistWay } from './persist.js';
import { killProcesses } from './processes.js';
import { copyDatabase, createBenchDatabase, produceEvents, settleStatistics, takeEvents, withDatabase } from './setup.js';
import { isMeasured, type BenchSettings } from './settings.js';
import { spreadOf } from './statistics.js';
import { measureSteady, type Steady } from './steady.js';
import { naiveWay, partitions, pipelineWay, waysOf, type Way } from './ways.js';

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
  readonly steady: Steady | null;
}

const persistBatch = 500;
const rateWithoutNaive = 1_000;
const steadySeconds = { runUp: 5, measured: 20 } as const;

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
  const { created } = await createTopics(admin, { partitions });
  try {
    const codec = createCodec({ registryUrl: environment.SCHEMA_REGISTRY_URL });
    await codec.register();
    const now = Date.now();
    const bench: Bench = {
      settings, environment, kafka, admin, codec, onProgress,
      servers: Object.fromEntries(servers.map(({ name, pid }) => [name, pid])),
      load: bookingLoad({ seed: settings.seed, customers: settings.customers, since: now - 3_600_000 }),
    };
    const machine = await withDatabase(environment.DATABASE_URL, (database) => describeMachine(database, environment.REDIS_URL, loadBefore));
    return { date: new Date(now).toISOString(), machine, settings, eventBytes: eventBytes(settings, codec), ...(await runParts(bench)) };
  } finally {
    await admin.deleteTopics({ topics: [...created] });
  }
}

async function runParts(bench: Bench): Promise<Pick<BenchResult, 'runs' | 'persist' | 'steady' | 'long'>> {
  const { settings, admin } = bench;
  const template = await prepareTemplate(bench);
  try {
    const start = await endsOf(admin);
    const runs = await runWays(bench, template, start);
    const persist = isMeasured(settings, 'persist') ? await runPersist(bench, template) : [];
    const steady = isMeasured(settings, 'pipeline') ? await runSteady(bench, template, settings.rate ?? steadyRate(runs)) : null;
    const long = settings.longEvents > 0 && isMeasured(settings, 'pipeline') ? await runLong(bench, template, start) : null;
    return { runs, persist, steady, long };
  } finally {
    await template.drop();
  }
}

/** Both sets of tables with their customers, the events of the history, and statistics; the topic goes on with the events of a run. */
async function prepareTemplate(bench: Bench): Promise<CreatedDatabase> {
  const { environment, settings, kafka, codec, load, onProgress } = bench;
  onProgress(`Preloading ${settings.customers} customers …`);
  const template = await createBenchDatabase(environment.DATABASE_URL, settings);
  onProgress(`Warming up with ${settings.history} events …`);
  await produceEvents(kafka, codec, load, settings.history);
  const inTemplate = { ...environment, DATABASE_URL: template.url };
  const ways = [...(isMeasured(settings, 'naive') ? [naiveWay(partitions)] : []), ...(settings.only === 'naive' ? [] : [pipelineWay(settings.lanes[0] ?? 2, null)])];
  for (const way of ways) {
    const running = await way.start(inTemplate, way.group(0));
    try {
      await measure(running, { total: settings.history, runUp: 0, servers: {} });
    } finally {
      await running.stop();
    }
  }
  // Redis is emptied: what still counted as queued would be enqueued again during the runs.
  await withDatabase(template.url, async (database) => {
    await database.query(`update message set state = 'sent' where state = 'queued'`);
    await database.query(`update naive.message set state = 'sent' where state = 'queued'`);
  });
  await settleStatistics(template.url);
  await emptyRedis(environment.REDIS_URL);
  return template;
}

async function runWays(bench: Bench, template: CreatedDatabase, start: readonly Offset[]): Promise<readonly WayRun[]> {
  const { settings, kafka, codec, load, onProgress } = bench;
  await produceEvents(kafka, codec, load, settings.runUp + settings.events);
  const ways = waysOf(settings);
  const results: WayRun[] = [];
  let first: { readonly name: string; readonly facts: Facts } | undefined;
  for (let run = 1; run <= settings.runs; run += 1) {
    for (const way of ways) {
      const { facts, ...result } = await runOnce(bench, template, start, way, run, settings.runUp + settings.events);
      results.push(result);
      onProgress(`Run ${run} of ${settings.runs}, ${way.name}: ${Math.round(result.perSecond)} events/s`);
      first ??= { name: way.name, facts };
      if (digestOf(facts) !== digestOf(first.facts)) throw new Error(`${first.name} and ${way.name} wrote different facts:\n${differencesOf(first.facts, facts).join('\n')}`);
    }
  }
  return results;
}

async function runOnce(bench: Bench, template: CreatedDatabase, start: readonly Offset[], way: Way, run: number, total: number): Promise<WayRun & { readonly facts: Facts }> {
  const { environment, admin, settings, servers } = bench;
  const database = await copyDatabase(environment.DATABASE_URL, template.url);
  try {
    const group = way.group(run);
    await admin.setOffsets({ groupId: group, topic: bookingEventsTopic, partitions: [...start] });
    const running = await way.start({ ...environment, DATABASE_URL: database.url }, group);
    const measured = await measure(running, { total, runUp: settings.runUp, servers }).finally(() => running.stop());
    return await withDatabase(database.url, async (db) => ({
      way: way.name, ...measured, rows: perEvent(await writtenRows(db), total), facts: await factsOf(db, way.facts),
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

/** Three times what the naive consumer can do. */
function steadyRate(runs: readonly WayRun[]): number {
  const naive = runs.filter(({ way }) => way === naiveWay(1).name).map(({ perSecond }) => perSecond);
  return naive.length === 0 ? rateWithoutNaive : Math.round(3 * spreadOf(naive).median);
}

/** A steady load that does not fill the pipeline: how long does an event take? The topic holds events that this database does not know: they are passed over. */
async function runSteady({ environment, settings, kafka, admin, codec, onProgress }: Bench, template: CreatedDatabase, rate: number): Promise<Steady> {
  onProgress(`${rate} events a second, steadily, for ${Math.round((steadySeconds.runUp + steadySeconds.measured))} s …`);
  const way = pipelineWay(settings.lanes[0] ?? 2, null);
  const database = await copyDatabase(environment.DATABASE_URL, template.url);
  try {
    const ends = await endsOf(admin);
    await withDatabase(database.url, async (db) => {
      for (const { partition, offset } of ends) await db.query('update consumer_offset set next_offset = $3 where topic = $1 and partition = $2', [bookingEventsTopic, partition, offset]);
    });
    await admin.setOffsets({ groupId: way.group(0), topic: bookingEventsTopic, partitions: [...ends] });
    const running = await way.start({ ...environment, DATABASE_URL: database.url }, way.group(0));
    try {
      const load = prefixed(bookingLoad({ seed: settings.seed + 2, customers: settings.customers, since: Date.now() - 60_000 }), 'S');
      const work = measureSteady({ kafka, codec, topic: bookingEventsTopic, load, redisUrl: environment.REDIS_URL, databaseUrl: database.url, rate, runUp: rate * steadySeconds.runUp, events: rate * steadySeconds.measured });
      return await Promise.race([work, ...Object.values(running.processes).map(({ failed }) => failed)]);
    } finally {
      await running.stop();
    }
  } finally {
    await database.drop();
    await emptyRedis(environment.REDIS_URL);
  }
}

/** One long run: is the worker's memory flat, and is it as fast at the end as at the beginning? */
async function runLong(bench: Bench, template: CreatedDatabase, start: readonly Offset[]): Promise<Measured> {
  const { settings, kafka, codec, load, onProgress } = bench;
  onProgress(`One long run of ${settings.longEvents} events …`);
  await produceEvents(kafka, codec, load, Math.max(0, settings.longEvents - settings.events));
  const { rows: _rows, facts: _facts, way: _way, ...measured } = await runOnce(bench, template, start, pipelineWay(settings.lanes[0] ?? 2, null), 0, settings.runUp + Math.max(settings.events, settings.longEvents));
  return measured;
}

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
    if (event.type === 'booked') yield named(event, 'P');
  }
}

/** Events of bookings that no other part knows. */
function* prefixed(load: Iterable<BookingEvent>, prefix: string): Generator<BookingEvent> {
  for (const event of load) yield named(event, prefix);
}

const named = (event: BookingEvent, prefix: string): BookingEvent => ({ ...event, bookingRef: `${prefix}${event.bookingRef}`, eventId: `${prefix}${event.eventId}` });

function eventBytes({ seed, customers }: BenchSettings, codec: Codec): BenchResult['eventBytes'] {
  const events = takeEvents(bookingLoad({ seed, customers, since: Date.now() }), 1_000);
  const mean = (size: (event: BookingEvent) => number): number => Math.round(events.reduce((sum, event) => sum + size(event), 0) / events.length);
  return { avro: mean((event) => codec.encodeBookingEvent(event).length), json: mean((event) => JSON.stringify(toJson('BookingEvent', event)).length) };
}
