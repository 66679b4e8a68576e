import { randomUUID } from 'node:crypto';
import { passControlRecords, recordOffsetGap } from '../actions/offsets.js';
import { rerateStale } from '../actions/rerate.js';
import { createFactsCache } from '../actions/settle/facts.js';
import { createSettle, TopicRecreated } from '../actions/settle/settle.js';
import { createWire } from '../actions/settle/wire.js';
import { atMost, pause, retryForever } from '../runtime/backoff.js';
import { kafkaOptions, type Config } from '../runtime/config.js';
import { createEncryption } from '../runtime/encryption.js';
import { faultKind } from '../runtime/faults.js';
import { startHealth } from '../runtime/health.js';
import type { Worker } from '../runtime/lifecycle.js';
import type { Log } from '../runtime/log.js';
import { createMetrics } from '../runtime/metrics.js';
import { observe } from '../runtime/observe.js';
import { createDatabase } from '../store/database.js';
import { fencePositions } from '../store/fence.js';
import { signOfLife, signOff } from '../store/workers.js';
import { createCodec } from '../topics/codec.js';
import { registerCompression } from '../topics/compression.js';
import { createKafka } from '../topics/connection.js';
import { consumerLag } from '../topics/lag.js';
import { bookingEventsTopic } from '../topics/names.js';
import { createConsume } from './consume.js';

export type IngestConfig = Config<'KAFKA_BROKERS' | 'SCHEMA_REGISTRY_URL' | 'DATABASE_URL'>;

export interface IngestOptions {
  readonly log: Log;
  readonly group: string;
  /** End when every partition is settled up to its end. */
  readonly drain?: boolean;
  readonly topic?: string;
  readonly signal?: AbortSignal;
  /** Told after every commit: messages settled by this process so far. */
  readonly onProgress?: (settled: number) => void;
}

const sampleEvery = 5_000;
const rerateEvery = 2_000;
const drainLookEvery = 200;
/** How long a batch in hand may take to end when the process stops, in milliseconds; supervisors kill after ten seconds. */
const patience = 5_000;

/** Starts the worker that settles booking events: Kafka → facts, decide, save in one Postgres transaction a batch → fence → Kafka's offset as a hint. */
export async function startIngest(config: IngestConfig, options: IngestOptions): Promise<Worker & { readonly done: Promise<void>; readonly healthUrl: string }> {
  const { log, group, drain = false, topic = bookingEventsTopic, onProgress = () => undefined } = options;
  const id = randomUUID();
  const startedAt = new Date();
  const stopping = new AbortController();
  const metrics = createMetrics();
  const database = createDatabase(config.DATABASE_URL, { max: config.INGEST_PARTITIONS_AT_ONCE + 2, application: 'midline ingest' });
  const codec = createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL });
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
  const encryption = config.MIDLINE_ENCRYPTION_KEY;
  const [firstKey, ...otherKeys] = encryption ?? [];
  const seal = firstKey === undefined ? null : createEncryption([firstKey, ...otherKeys]);
  const rerating = { database, codec, wire: createWire(codec, seal), factsAt: createFactsCache() };
  const settle = createSettle({
    database, codec, seal,
    observe: (step, work) => observe(step, work, { metrics, log })(),
  });
  if (firstKey === undefined) log.warn('no MIDLINE_ENCRYPTION_KEY: special-category data of bookings (field sensitive) is dropped, not stored');

  let fail: (error: unknown) => void = () => undefined;
  const faulted = new Promise<never>((_resolve, reject) => { fail = reject; });
  faulted.catch(() => { stopping.abort(); });
  let settled = 0;

  const consume = createConsume({
    consumer, group, settle,
    batchSize: config.INGEST_BATCH_SIZE,
    now: Date.now,
    stopping: stopping.signal,
    lowWatermark: async (name, partition) => Number((await admin.fetchTopicOffsets(name)).find((offsets) => offsets.partition === partition)?.low ?? 0),
    recordGap: (name, partition, first, next) => recordOffsetGap(database, group, name, partition, first, next),
    onSettled: (batch, { outcomes }, milliseconds) => {
      metrics.events.inc({ outcome: 'applied' }, outcomes.applied);
      metrics.events.inc({ outcome: 'duplicate' }, outcomes.duplicate);
      metrics.events.inc({ outcome: 'late' }, outcomes.late);
      metrics.events.inc({ outcome: 'dead-lettered' }, outcomes.deadLettered);
      metrics.batchSize.observe(batch.messages.length);
      metrics.batchSeconds.observe(milliseconds / 1_000);
      settled += batch.messages.length;
      onProgress(settled);
    },
    onRetry: (error, attempt) => {
      metrics.retries.inc({ fault: error instanceof Error ? error.name : 'unknown' });
      if (!(error instanceof Error) || error.name !== 'SettlementConflict') log.warn({ error, attempt }, 'trying again');
    },
    onGap: (name, partition, first, next) => { log.error({ topic: name, partition, first, next }, 'messages were deleted in Kafka before they were read'); },
    onFault: fail,
  });

  // A batch of control records alone never reaches eachBatch: the fence passes it here, so that nothing seems unread.
  consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
    if (payload.batchSize > 0 || payload.firstOffset === null) return;
    passControlRecords(database, group, payload.topic, payload.partition, Number(payload.firstOffset), Number(payload.lastOffset) + 1)
      .catch((error: unknown) => { log.debug({ error }, 'control records stay unpassed for now'); });
  });
  // Where Postgres was restored to an earlier state, no fetch begins above the fence until something new comes: look when partitions are assigned.
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    seekToFences(payload.memberAssignment[topic] ?? []).catch((error: unknown) => { log.debug({ error }, 'the fences were not looked at'); });
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) fail(payload.error);
  });

  const worldOnly = {
    signal: AbortSignal.any([stopping.signal, ...(options.signal === undefined ? [] : [options.signal])]),
    worthRetrying: (error: unknown) => faultKind(error) === 'world',
    onFault: (error: unknown, attempt: number) => { log.warn({ error, attempt }, 'trying again'); },
  };

  /** Goes back to the fence in those of the partitions where Kafka's hint lies above it. */
  async function seekToFences(assigned: readonly number[]): Promise<void> {
    const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    const fences = await fencePositions(database, group, topic);
    for (const { partition, offset } of committed?.partitions ?? []) {
      const fence = fences.get(partition) ?? 0;
      if (assigned.includes(partition) && Number(offset) > fence) consumer.seek({ topic, partition, offset: String(fence) });
    }
  }

  async function begin(): Promise<void> {
    registerCompression();
    await retryForever(() => codec.register(), { ...worldOnly, worthRetrying: isRetryable });
    await retryForever(() => admin.connect(), worldOnly);
    await retryForever(async () => { await consumer.connect(); await consumer.subscribe({ topics: [topic], fromBeginning: true }); }, worldOnly);
    await consumer.run({
      autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: config.INGEST_PARTITIONS_AT_ONCE, eachBatch: consume,
    });
  }

  async function sample(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const positions = [...await fencePositions(database, group, topic)].map(([partition, next]) => ({ partition, nextOffset: BigInt(next) }));
        const lag = await consumerLag(admin, group, topic, positions, Date.now());
        for (const { partition, messages } of lag.partitions) metrics.lagMessages.set({ partition: String(partition) }, messages);
        metrics.lagSeconds.set(lag.seconds);
        await signOfLife(database, { id, kind: 'ingest', startedAt, details: { pid: process.pid, group, settled, lag: lag.messages } }, new Date());
      } catch (error) {
        log.debug({ error }, 'no sample this time');
      }
      await pause(sampleEvery, stopping.signal);
    }
  }

  /** Orders that a changed fact from the past concerns are rated again here; several processes share them. */
  const rerate = (): Promise<unknown> => rerateStale(rerating, Date.now);

  async function keepRerating(): Promise<void> {
    while (!stopping.signal.aborted) {
      await retryForever(rerate, worldOnly);
      await pause(rerateEvery, stopping.signal);
    }
  }

  async function untilDrained(): Promise<void> {
    for (;;) {
      try {
        if (await isDrained()) {
          await rerate();
          return;
        }
      } catch (error) {
        if (faultKind(error) !== 'world') throw error;
      }
      await pause(drainLookEvery, stopping.signal);
      stopping.signal.throwIfAborted();
    }
  }

  async function isDrained(): Promise<boolean> {
    const fences = await fencePositions(database, group, topic);
    const ends = await admin.fetchTopicOffsets(topic);
    const shrunk = ends.find(({ partition, high }) => (fences.get(partition) ?? 0) > Number(high));
    if (shrunk !== undefined) throw new TopicRecreated(topic, `partition ${shrunk.partition} ends at ${shrunk.high}, below the fence`);
    return ends.every(({ partition, low, high }) => Math.max(Number(low), fences.get(partition) ?? 0) >= Number(high));
  }

  const health = await startHealth({
    port: config.HEALTH_PORT, host: config.HEALTH_HOST, metrics,
    live: () => !stopping.signal.aborted,
    checks: { postgres: () => database.query('select 1'), kafka: () => admin.describeCluster() },
  });
  const started = begin();
  const sampling = started.then(() => Promise.all([sample(), keepRerating()]));
  sampling.catch((error: unknown) => { if (!stopping.signal.aborted) fail(error); });
  return {
    healthUrl: health.url,
    done: drain ? Promise.race([faulted, started.then(untilDrained)]) : faulted,
    async stop() {
      stopping.abort();
      const left = started.catch(() => undefined).then(() => consumer.disconnect()).then(() => sampling);
      await atMost(patience, left);
      database.cut(); // a batch that waits for a lock is dropped: it will be read again
      await atMost(patience / 2, left); // what still tries to reach a broker is left to the end of the process
      await admin.disconnect();
      await signOff(database, id).catch(() => undefined);
      await health.close();
      await database.close();
    },
  };
}

const isRetryable = (error: unknown): boolean => faultKind(error) === 'world' || (error instanceof Error && 'retryable' in error && error.retryable === true);
