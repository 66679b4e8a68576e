import { randomUUID } from 'node:crypto';
import type { Consumer } from 'kafkajs';
import { passControlRecords, recordOffsetGap } from '../actions/offsets.js';
import { rerateStale } from '../actions/rerate.js';
import type { Batch } from '../actions/settle/batch.js';
import { createFactsCache } from '../actions/settle/facts.js';
import { createSettle, type Settled } from '../actions/settle/settle.js';
import { createWire } from '../actions/settle/wire.js';
import { atMost, pause, retryForever } from '../runtime/backoff.js';
import { kafkaOptions, type Config } from '../runtime/config.js';
import { configuredEncryption } from '../runtime/encryption.js';
import { createFailure, faultKind } from '../runtime/faults.js';
import { startHealth } from '../runtime/health.js';
import type { Worker } from '../runtime/lifecycle.js';
import type { Log } from '../runtime/log.js';
import { insist, keepGoing, type LoopOptions } from '../runtime/loop.js';
import { createMetrics, type Metrics } from '../runtime/metrics.js';
import { observe } from '../runtime/observe.js';
import { createDatabase } from '../store/database.js';
import { signOfLife, signOff } from '../store/workers.js';
import { createCodec } from '../topics/codec.js';
import { registerCompression } from '../topics/compression.js';
import { createKafka } from '../topics/connection.js';
import { bookingEventsTopic } from '../topics/names.js';
import { createConsume } from './consume.js';
import { createPositions } from './positions.js';

export type IngestConfig = Config<'KAFKA_BROKERS' | 'SCHEMA_REGISTRY_URL' | 'DATABASE_URL'>;

export interface IngestOptions {
  readonly log: Log;
  readonly group: string;
  /** End when every partition is settled up to its end. */
  readonly drain?: boolean;
  readonly topic?: string;
  /** Told after every commit: messages settled by this process so far. */
  readonly onProgress?: (settled: number) => void;
}

const sampleEvery = 5_000;
const rerateEvery = 2_000;
const drainLookEvery = 200;
/** How long a batch in hand may take to end when the process stops, in milliseconds; supervisors kill after ten seconds. */
const patience = 5_000;
const signOffPatience = 1_000;

/** Starts the worker that settles booking events: Kafka → facts, decide, save in one Postgres transaction a batch → fence → Kafka's offset as a hint. */
export async function startIngest(config: IngestConfig, options: IngestOptions): Promise<Worker & { readonly done: Promise<void>; readonly healthUrl: string }> {
  const { log, group, drain = false, topic = bookingEventsTopic, onProgress = () => undefined } = options;
  const [id, startedAt] = [randomUUID(), new Date()];
  const stopping = new AbortController();
  const { signal } = stopping;
  const failure = createFailure();
  const metrics = createMetrics();
  const database = createDatabase(config.DATABASE_URL, { max: config.INGEST_PARTITIONS_AT_ONCE + 2, application: 'midline ingest' });
  const codec = createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL });
  const seal = configuredEncryption(config);
  if (seal === null) log.warn('no MIDLINE_ENCRYPTION_KEY: special-category data of bookings (field sensitive) is dropped, not stored');
  const kafka = createKafka({ ...kafkaOptions(config), clientId: 'midline-ingest', log: (level, message, fields) => { log[level](fields, message); } });
  const admin = kafka.admin();
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: config.KAFKA_SESSION_TIMEOUT_MS,
    heartbeatInterval: 1_000,
    rebalanceTimeout: 60_000,
    maxWaitTimeInMs: 250,
    readUncommitted: false,
    retry: { retries: Number.MAX_SAFE_INTEGER, maxRetryTime: 2_000 },
  });
  const positions = createPositions(admin, database, group, topic);
  const rerating = { database, codec, wire: createWire(codec, seal), factsAt: createFactsCache() };
  let settled = 0;

  const consume = createConsume({
    consumer, group,
    settle: createSettle({ database, codec, seal, observe: (step, work) => observe(step, work, { metrics, log })() }),
    batchSize: config.INGEST_BATCH_SIZE,
    now: Date.now,
    stopping: signal,
    lowWatermark: positions.lowWatermark,
    recordGap: (name, partition, first, next) => recordOffsetGap(database, group, name, partition, first, next),
    onSettled: (batch, result, milliseconds) => {
      measure(metrics, batch, result, milliseconds);
      settled += batch.messages.length;
      onProgress(settled);
    },
    onRetry: (error, attempt) => {
      metrics.retries.inc({ fault: error instanceof Error ? error.name : 'unknown' });
      if (!(error instanceof Error) || error.name !== 'SettlementConflict') log.warn({ error, attempt }, 'trying again');
    },
    onGap: (name, partition, first, next) => { log.error({ topic: name, partition, first, next }, 'messages were deleted in Kafka before they were read'); },
    onFault: failure.report,
  });
  const loop = (fault: string): LoopOptions => ({
    signal,
    onFault: (error) => {
      metrics.retries.inc({ fault });
      log.warn({ error, fault }, 'trying again');
    },
  });

  const sample = async (): Promise<boolean> => {
    const { partitions, messages, seconds } = await positions.lag(Date.now());
    for (const { partition, messages: behind } of partitions) metrics.lagMessages.set({ partition: String(partition) }, behind);
    metrics.lagSeconds.set(seconds);
    await signOfLife(database, { id, kind: 'ingest', startedAt, details: { pid: process.pid, group, settled, lag: messages } }, new Date());
    return false;
  };
  /** Orders that a changed fact from the past concerns are rated again here; several processes share them. */
  const rerate = async (): Promise<boolean> => {
    await rerateStale(rerating, Date.now);
    return false;
  };
  const drained = async (): Promise<void> => {
    while (await insist(positions.isDrained, loop('drain')) === false) await pause(drainLookEvery, signal);
    await insist(rerate, loop('rerate'));
    signal.throwIfAborted();
  };
  const begin = async (): Promise<void> => {
    registerCompression();
    const reach = (fault: string, work: () => Promise<void>): Promise<void> => retryForever(work, { ...loop(fault), worthRetrying: (error) => faultKind(error) === 'world' });
    await reach('registry', codec.register);
    await reach('kafka', () => admin.connect());
    await reach('kafka', async () => { await consumer.connect(); await consumer.subscribe({ topics: [topic], fromBeginning: true }); });
    await consumer.run({
      autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: config.INGEST_PARTITIONS_AT_ONCE, eachBatch: consume,
    });
  };

  watch(consumer, {
    // A batch of control records alone never reaches eachBatch: the fence passes it here, so that nothing seems unread.
    onControlRecords: (name, partition, first, next) => passControlRecords(database, group, name, partition, first, next),
    // Where Postgres was restored to an earlier state, no fetch begins above the fence until something new comes: look when partitions are assigned.
    onAssigned: async (assigned) => {
      for (const { partition, offset } of await positions.behindHint(assigned[topic] ?? [])) consumer.seek({ topic, partition, offset });
    },
    onCrash: failure.report,
    log,
  });
  const health = await startHealth({
    port: config.HEALTH_PORT, host: config.HEALTH_HOST, metrics,
    live: () => !failure.reported(),
    checks: { postgres: () => database.query('select 1'), kafka: () => admin.describeCluster() },
  });
  failure.first.catch(() => { stopping.abort(); });
  const started = begin();
  const loops = started.then(() => Promise.all([
    keepGoing(sample, () => pause(sampleEvery, signal), loop('sample')),
    keepGoing(rerate, () => pause(rerateEvery, signal), loop('rerate')),
  ]));
  loops.catch((error: unknown) => { if (!signal.aborted) failure.report(error); });
  return {
    healthUrl: health.url,
    done: drain ? Promise.race([failure.first, started.then(drained)]) : failure.first,
    async stop() {
      stopping.abort();
      const left = started.catch(() => undefined).then(() => consumer.disconnect());
      await atMost(patience, left);
      await atMost(signOffPatience, signOff(database, id).catch(() => undefined));
      database.cut(); // a batch that waits for a lock is dropped: it will be read again
      await left;
      await loops.catch(() => undefined);
      await admin.disconnect();
      await health.close();
      await database.close();
    },
  };
}

function measure({ events, batchSize, batchSeconds }: Metrics, { messages }: Batch, { outcomes }: Settled, milliseconds: number): void {
  events.inc({ outcome: 'applied' }, outcomes.applied);
  events.inc({ outcome: 'duplicate' }, outcomes.duplicate);
  events.inc({ outcome: 'late' }, outcomes.late);
  events.inc({ outcome: 'dead-lettered' }, outcomes.deadLettered);
  batchSize.observe(messages.length);
  batchSeconds.observe(milliseconds / 1_000);
}

interface Watching {
  readonly onControlRecords: (topic: string, partition: number, first: number, next: number) => Promise<void>;
  readonly onAssigned: (assigned: Readonly<Record<string, readonly number[]>>) => Promise<void>;
  /** kafkajs gave up and will not start again by itself. */
  readonly onCrash: (error: unknown) => void;
  readonly log: Log;
}

/** What kafkajs tells beside the batches. The first two are hints: where one fails, the next fetch finds out the same. */
function watch(consumer: Consumer, { onControlRecords, onAssigned, onCrash, log }: Watching): void {
  const missed = (error: unknown): void => { log.debug({ error }, 'a hint was missed'); };
  consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload: { topic, partition, batchSize, firstOffset, lastOffset } }) => {
    if (batchSize === 0 && firstOffset !== null) onControlRecords(topic, partition, Number(firstOffset), Number(lastOffset) + 1).catch(missed);
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => { onAssigned(payload.memberAssignment).catch(missed); });
  consumer.on(consumer.events.CRASH, ({ payload }) => { if (!payload.restart) onCrash(payload.error); });
}
