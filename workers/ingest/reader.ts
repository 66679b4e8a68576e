import type { Admin, Consumer, Kafka } from 'kafkajs';
import { passControlRecords, recordOffsetGap } from '../actions/offsets.js';
import type { Batch } from '../actions/settle/batch.js';
import type { Settled, SettleOptions } from '../actions/settle/settle.js';
import type { Config } from '../runtime/config.js';
import type { Log } from '../runtime/log.js';
import type { Metrics } from '../runtime/metrics.js';
import type { Database } from '../store/database.js';
import { createConsume } from './consume.js';
import { createPositions, type Positions } from './positions.js';

/** What all readers of a process share. */
export interface ReaderSurroundings {
  readonly config: Pick<Config, 'KAFKA_SESSION_TIMEOUT_MS' | 'INGEST_PARTITIONS_AT_ONCE' | 'INGEST_BATCH_SIZE'>;
  readonly kafka: Kafka;
  /** Connected before a reader begins. */
  readonly admin: Admin;
  readonly database: Database;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly stopping: AbortSignal;
  /** Cannot go on: the process has to stop, with nothing committed. */
  readonly onFault: (error: unknown) => void;
}

export interface ReaderOptions {
  readonly group: string;
  readonly topic: string;
  /** Most messages of one transaction, where that is less than what is configured. */
  readonly batchSize?: number;
  /** Settles one batch in one transaction behind the fence; see createConsume for what it may throw. */
  readonly settle: (batch: Batch, options: SettleOptions) => Promise<Settled>;
  /** Told after every commit. */
  readonly onSettled: (messages: number) => void;
}

/** One topic, read by one member of a consumer group: fetch → settle → Kafka's offset as a hint. */
export interface Reader {
  readonly topic: string;
  readonly positions: Positions;
  readonly begin: () => Promise<void>;
  readonly leave: () => Promise<void>;
}

export function createReader(surroundings: ReaderSurroundings, { group, topic, batchSize = Infinity, settle, onSettled }: ReaderOptions): Reader {
  const { config, kafka, admin, database, metrics, log, stopping, onFault } = surroundings;
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
  const consume = createConsume({
    consumer, group, settle,
    batchSize: Math.min(config.INGEST_BATCH_SIZE, batchSize),
    now: Date.now,
    stopping,
    lowWatermark: positions.lowWatermark,
    recordGap: (name, partition, first, next) => recordOffsetGap(database, group, name, partition, first, next),
    onSettled: (batch, result, milliseconds) => {
      measure(metrics, batch, result, milliseconds);
      onSettled(batch.messages.length);
    },
    onRetry: (error, attempt) => {
      metrics.retries.inc({ fault: error instanceof Error ? error.name : 'unknown' });
      if (!(error instanceof Error) || error.name !== 'SettlementConflict') log.warn({ error, attempt, topic }, 'trying again');
    },
    onGap: (name, partition, first, next) => { log.error({ topic: name, partition, first, next }, 'messages were deleted in Kafka before they were read'); },
    onFault,
  });
  watch(consumer, {
    // A batch of control records alone never reaches eachBatch: the fence passes it here, so that nothing seems unread.
    onControlRecords: (name, partition, first, next) => passControlRecords(database, group, name, partition, first, next),
    // Where Postgres was restored to an earlier state, no fetch begins above the fence until something new comes: look when partitions are assigned.
    onAssigned: async (assigned) => {
      for (const { partition, offset } of await positions.behindHint(assigned[topic] ?? [])) consumer.seek({ topic, partition, offset });
    },
    onCrash: onFault,
    log,
  });

  return {
    topic,
    positions,
    async begin() {
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: config.INGEST_PARTITIONS_AT_ONCE, eachBatch: consume });
    },
    leave: () => consumer.disconnect(),
  };
}

function measure({ events, batchSize, batchSeconds }: Metrics, { topic, messages }: Batch, { outcomes }: Settled, milliseconds: number): void {
  events.inc({ topic, outcome: 'applied' }, outcomes.applied);
  events.inc({ topic, outcome: 'duplicate' }, outcomes.duplicate);
  events.inc({ topic, outcome: 'late' }, outcomes.late);
  events.inc({ topic, outcome: 'dead-lettered' }, outcomes.deadLettered);
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
