import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { rerateStale } from '../actions/rerate.js';
import { createFactsCache } from '../actions/settle/facts.js';
import { createSettleCustomers } from '../actions/settle-customers.js';
import { createSettle } from '../actions/settle/settle.js';
import { createWire } from '../actions/settle/wire.js';
import { atMost, pause, retryForever } from '../runtime/backoff.js';
import { kafkaOptions, type Config } from '../runtime/config.js';
import { configuredEncryption } from '../runtime/encryption.js';
import { createFailure, faultKind } from '../runtime/faults.js';
import { startHealth } from '../runtime/health.js';
import type { Worker } from '../runtime/lifecycle.js';
import type { Log } from '../runtime/log.js';
import { insist, keepGoing, type LoopOptions } from '../runtime/loop.js';
import { createMetrics } from '../runtime/metrics.js';
import { observe } from '../runtime/observe.js';
import { createDatabase } from '../store/database.js';
import { signOfLife, signOff } from '../store/workers.js';
import { topicNames } from '../topics/admin.js';
import { createCodec } from '../topics/codec.js';
import { registerCompression } from '../topics/compression.js';
import { createKafka } from '../topics/connection.js';
import { bookingEventsTopic, customerEventsTopic, customersGroup } from '../topics/names.js';
import { createRawReaders } from './raw-readers.js';
import { createReader, type Reader } from './reader.js';

export type IngestConfig = Config<'KAFKA_BROKERS' | 'SCHEMA_REGISTRY_URL' | 'DATABASE_URL'>;

export interface IngestOptions {
  readonly log: Log;
  readonly group: string;
  /** End when every partition is settled up to its end. */
  readonly drain?: boolean;
  readonly topic?: string;
  /** Read as soon as it exists, by a group of its own. */
  readonly customersTopic?: string;
  /** The newest migration that this build knows: told by its sign of life, so that no contract runs while it needs what is taken away. */
  readonly schema?: string;
  /** The built module of the threads that map raw records, where it does not lie beside the others. */
  readonly mappingThread?: URL;
  /** Told after every commit: messages settled by this process so far. */
  readonly onProgress?: (settled: number) => void;
}

const sampleEvery = 5_000;
const discoverEvery = 2_000;
const rerateEvery = 2_000;
const drainLookEvery = 200;
/** How long a batch in hand may take to end when the process stops, in milliseconds; supervisors kill after ten seconds. */
const patience = 5_000;
const signOffPatience = 1_000;
const leavePatience = 1_500;

/** Starts the worker that settles booking events, raw records and customer events: Kafka → facts, decide, save in one Postgres transaction a batch → fence → Kafka's offset as a hint. */
export async function startIngest(config: IngestConfig, options: IngestOptions): Promise<Worker & { readonly done: Promise<void>; readonly healthUrl: string }> {
  const { log, group, drain = false, topic = bookingEventsTopic, customersTopic = customerEventsTopic, schema, onProgress = () => undefined } = options;
  const [id, startedAt] = [randomUUID(), new Date()];
  const stopping = new AbortController();
  const { signal } = stopping;
  setMaxListeners(0, signal); // whatever waits listens
  const failure = createFailure();
  const metrics = createMetrics();
  const database = createDatabase(config.DATABASE_URL, { max: 2 * config.INGEST_PARTITIONS_AT_ONCE + 2, application: 'midline ingest' });
  const codec = createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL });
  const seal = configuredEncryption(config);
  if (seal === null) log.warn('no MIDLINE_ENCRYPTION_KEY: special-category data of bookings (field sensitive) is dropped, not stored');
  const kafka = createKafka({ ...kafkaOptions(config), clientId: 'midline-ingest', log: (level, message, fields) => { log[level](fields, message); } });
  const admin = kafka.admin();
  const rerating = { database, codec, wire: createWire(codec, seal), factsAt: createFactsCache() };
  let settled = 0;
  const surroundings = { config, kafka, admin, database, metrics, log, stopping: signal, onFault: failure.report };
  const onSettled = (messages: number): void => { onProgress(settled += messages); };
  const observed = <Result>(step: string, work: () => Promise<Result>): Promise<Result> => observe(step, work, { metrics, log })();
  const bookings = createReader(surroundings, { group, topic, onSettled, settle: createSettle({ database, codec, seal, observe: observed }) });
  const customers = createReader(surroundings, { group: customersGroup(group), topic: customersTopic, onSettled, settle: createSettleCustomers({ database, codec, observe: observed }) });
  let readsCustomers = false;
  const raw = createRawReaders(surroundings, { group, eventsTopic: topic, codec, threadModule: options.mappingThread, onSettled });
  const readers = (): readonly Reader[] => [...raw.readers(), ...(readsCustomers ? [customers] : []), bookings];
  const loop = (fault: string): LoopOptions => ({
    signal,
    onFault: (error) => {
      metrics.retries.inc({ fault });
      log.warn({ error, fault }, 'trying again');
    },
  });

  let signing = Promise.resolve();
  const sample = async (): Promise<boolean> => {
    let lag = 0;
    // A raw message leaves no row by which a re-created topic would be told from the first message on.
    for (const { positions } of raw.readers()) await positions.assertWhole();
    for (const { topic: name, positions } of readers()) {
      const { partitions, messages, seconds } = await positions.lag(Date.now());
      for (const { partition, messages: behind } of partitions) metrics.lagMessages.set({ topic: name, partition: String(partition) }, behind);
      metrics.lagSeconds.set({ topic: name }, seconds);
      lag += messages;
    }
    if (signal.aborted) return false; // a sign after the sign-off would hold up a contract migration
    await (signing = signOfLife(database, { id, kind: 'ingest', startedAt, details: { pid: process.pid, schema, group, settled, lag } }, new Date()));
    return false;
  };
  /** Orders that a changed fact from the past concerns are rated again here; several processes share them. */
  const rerate = async (): Promise<boolean> => {
    await rerateStale(rerating, Date.now);
    return false;
  };
  /** Begins to read topics that are there now and were not before. */
  const look = async (): Promise<false> => {
    if (!readsCustomers && (await topicNames(admin)).includes(customersTopic)) {
      await customers.begin();
      readsCustomers = true;
    }
    await raw.discover();
    return false;
  };
  let looking: Promise<false> | undefined;
  const discover = (): Promise<false> => (looking ??= look().finally(() => { looking = undefined; }));
  const leaveCustomers = async (): Promise<void> => {
    await looking?.catch(() => undefined);
    await customers.leave();
  };
  /** Raw topics first: what they hold goes into the topic of the bookings. */
  const drained = async (): Promise<void> => {
    await insist(discover, loop('discover'));
    for (const { positions } of readers()) {
      while (await insist(positions.isDrained, loop('drain')) === false) await pause(drainLookEvery, signal);
    }
    await insist(rerate, loop('rerate'));
    signal.throwIfAborted();
  };
  let registered = false;
  const begin = async (): Promise<void> => {
    registerCompression();
    const reach = (fault: string, work: () => Promise<void>): Promise<void> => retryForever(work, { ...loop(fault), worthRetrying: (error) => faultKind(error) === 'world' });
    await reach('registry', codec.register);
    registered = true;
    await reach('kafka', () => admin.connect());
    await reach('kafka', bookings.begin);
  };

  const health = await startHealth({
    port: config.HEALTH_PORT, host: config.HEALTH_HOST, metrics,
    live: () => !failure.reported(),
    checks: {
      // Needed to begin. Later it is asked for unknown schemas only: work goes on without it.
      registry: async () => { if (!registered) await codec.register(); },
      postgres: () => database.query('select 1'),
      kafka: () => admin.describeCluster(),
    },
  });
  failure.first.catch(() => { stopping.abort(); });
  const started = begin();
  const loops = started.then(() => Promise.all([
    keepGoing(sample, () => pause(sampleEvery, signal), loop('sample')),
    keepGoing(rerate, () => pause(rerateEvery, signal), loop('rerate')),
    keepGoing(discover, () => pause(discoverEvery, signal), loop('discover')),
  ]));
  loops.catch((error: unknown) => { if (!signal.aborted) failure.report(error); });
  return {
    healthUrl: health.url,
    done: drain ? Promise.race([failure.first, started.then(drained)]) : failure.first,
    async stop() {
      stopping.abort();
      const left = started.catch(() => undefined).then(() => Promise.all([bookings.leave(), leaveCustomers(), raw.leave()]));
      await atMost(patience, left);
      await atMost(signOffPatience, signing.catch(() => undefined).then(() => signOff(database, id)).catch(() => undefined));
      database.cut(); // a batch that waits for a lock is dropped: it will be read again
      // A join waits for the other members of the group, up to a minute: Kafka forgets this one by itself.
      await atMost(leavePatience, Promise.all([left, loops]));
      await admin.disconnect();
      await health.close();
      await database.close();
    },
  };
}
