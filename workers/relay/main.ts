import { randomUUID } from 'node:crypto';
import { enqueueDue, sweepMessages } from '../actions/relay-messages.js';
import { relayDeadLetters } from '../actions/relay-dead-letters.js';
import { relayOutbox } from '../actions/relay-outbox.js';
import { createQueue } from '../queue/queue.js';
import { atMost, pause } from '../runtime/backoff.js';
import { kafkaOptions, type Config } from '../runtime/config.js';
import { createFailure } from '../runtime/faults.js';
import { startHealth } from '../runtime/health.js';
import type { Worker } from '../runtime/lifecycle.js';
import { keepGoing, type LoopOptions } from '../runtime/loop.js';
import type { Log } from '../runtime/log.js';
import { createMetrics } from '../runtime/metrics.js';
import { observe } from '../runtime/observe.js';
import { createDatabase } from '../store/database.js';
import { outboxBacklog } from '../store/outbox.js';
import { signOfLife, signOff } from '../store/workers.js';
import { createKafka } from '../topics/connection.js';
import { deadLetterTopic } from '../topics/names.js';
import { createRelayProducer } from '../topics/relay-producer.js';
import { createAlarm } from './alarm.js';
import { listenAndRing } from './listen.js';

export type RelayConfig = Config<'KAFKA_BROKERS' | 'DATABASE_URL' | 'REDIS_URL'>;

export interface RelayOptions {
  readonly log: Log;
  /** The newest migration that this build knows. */
  readonly schema?: string;
  /** How long a loop without work waits at most, in milliseconds. */
  readonly idle?: number;
  /** How long a message may be queued before somebody looks whether Redis still has its job, in milliseconds. */
  readonly queuePatience?: number;
}

/** Half a megabyte: with keys and headers well below what Kafka takes as one batch. */
const batchBytes = 512 * 1024;
const sweepEvery = 5_000;
const sampleEvery = 5_000;

/**
 * Carries what transactions left in Postgres to where it must go: due messages to Redis, order events and dead letters to Kafka.
 * Each way has a loop and a backoff of its own, so one server that is away stops only its own way. Several relays share the work.
 * Resolves at once: servers that are away are waited for by the loops. `done` rejects when a fault is none of the world's.
 */
export async function startRelay(config: RelayConfig, { log, schema, idle = 500, queuePatience = 10_000 }: RelayOptions): Promise<Worker & { readonly healthUrl: string; readonly done: Promise<void> }> {
  const id = randomUUID();
  const startedAt = new Date();
  const stopping = new AbortController();
  const { signal } = stopping;
  const metrics = createMetrics();
  const db = createDatabase(config.DATABASE_URL, { max: 6, application: 'midline relay' });
  const queue = createQueue(config.REDIS_URL);
  const kafka = createKafka({ ...kafkaOptions(config), clientId: 'midline-relay' });
  const events = createRelayProducer(kafka);
  const deadLetters = createRelayProducer(kafka);
  const limits = { messages: config.RELAY_BATCH_SIZE, bytes: batchBytes };
  const toRedis = createAlarm();
  const toKafka = createAlarm();

  const enqueue = observe('relay messages', () => enqueueDue(db, queue, limits.messages, new Date()), { metrics, log });
  const publish = observe('relay outbox', () => relayOutbox(db, events.send, limits), { metrics, log });
  const tell = observe('relay dead letters', () => relayDeadLetters(db, deadLetters.send, deadLetterTopic, limits), { metrics, log });
  const loop = (fault: string): LoopOptions => ({
    signal,
    onFault: (error) => {
      metrics.retries.inc({ fault });
      log.warn({ error, fault }, 'trying again');
    },
  });
  const sample = async (): Promise<boolean> => {
    const backlog = await outboxBacklog(db);
    metrics.outboxPending.set(backlog.pending);
    metrics.outboxAgeSeconds.set(backlog.oldest === null ? 0 : (Date.now() - backlog.oldest.getTime()) / 1_000);
    await signOfLife(db, { id, kind: 'relay', startedAt, details: { pid: process.pid, schema, outbox: backlog.pending } }, new Date());
    return false;
  };
  const sampleQueue = async (): Promise<boolean> => {
    for (const [state, count] of Object.entries(await queue.depth())) metrics.queueDepth.set({ queue: 'outreach', state }, count);
    return false;
  };

  const failure = createFailure();
  const health = await startHealth({
    port: config.HEALTH_PORT,
    host: config.HEALTH_HOST,
    metrics,
    live: () => !failure.reported(),
    checks: { postgres: () => db.query('select 1'), redis: () => queue.ping(), kafka: () => events.ready() },
  });
  const loops = Promise.all([
    keepGoing(async () => await enqueue() >= limits.messages, () => toRedis.wait(idle, signal), loop('redis')),
    keepGoing(async () => (await publish()).sent.length > 0, () => toKafka.wait(idle, signal), loop('kafka')),
    keepGoing(async () => (await tell()).sent.length > 0, () => pause(idle, signal), loop('kafka dead letters')),
    keepGoing(async () => { await sweepMessages(db, queue, queuePatience, new Date()); return false; }, () => pause(sweepEvery, signal), loop('sweep')),
    keepGoing(sample, () => pause(sampleEvery, signal), loop('sample')),
    keepGoing(sampleQueue, () => pause(sampleEvery, signal), loop('sample queue')),
    listenAndRing(config.DATABASE_URL, [toRedis, toKafka], loop('listen')),
  ]).then(() => undefined);
  loops.catch((error: unknown) => { failure.report(error); stopping.abort(); });

  return {
    healthUrl: health.url,
    done: loops,
    async stop() {
      stopping.abort();
      await atMost(5_000, loops);
      await signOff(db, id).catch(() => undefined);
      await health.close();
      await Promise.all([events.close(), deadLetters.close()]);
      await queue.close();
      await db.close();
    },
  };
}
