import { setTimeout as delay } from 'node:timers/promises';
import { QueueEvents } from 'bullmq';
import type { Kafka } from 'kafkajs';
import type { BookingEvent } from '../schemas/booking-event.js';
import { jobIdOf, outreachQueue } from '../workers/queue/jobs.js';
import type { Codec } from '../workers/topics/codec.js';
import { bookingKey } from '../workers/topics/names.js';
import { createEventProducer } from '../workers/topics/producer.js';
import { takeEvents, withDatabase } from './setup.js';

export interface SteadyOptions {
  readonly kafka: Kafka;
  readonly codec: Codec;
  readonly topic: string;
  readonly load: Iterator<BookingEvent>;
  readonly redisUrl: string;
  readonly databaseUrl: string;
  /** Events a second. */
  readonly rate: number;
  /** Events before the measured ones: processes warm up. */
  readonly runUp: number;
  readonly events: number;
}

/** Milliseconds from the moment in which an event was to be published until its job stood in the queue. */
export interface Latency {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly most: number;
}

export interface Steady extends Latency {
  readonly rate: number;
  readonly events: number;
}

/** The publisher wakes up so often. */
const tick = 5;
const patience = 60_000;

/**
 * Publishes events at a steady rate, whatever becomes of them, and looks when the job of each is in the queue, by the clock of Redis. An event that has to wait for the publisher
 * has begun to wait when its turn was.
 * @throws Error where jobs are missing a minute after the last event
 */
export async function measureSteady({ kafka, codec, topic, load, redisUrl, databaseUrl, rate, runUp, events }: SteadyOptions): Promise<Steady> {
  const { hostname, port, pathname } = new URL(redisUrl);
  const arrivals = new Map<string, number>();
  const jobs = new QueueEvents(outreachQueue, { connection: { host: hostname, port: Number(port), db: Number(pathname.slice(1) || 0), maxRetriesPerRequest: null } });
  jobs.on('waiting', ({ jobId }, id) => { arrivals.set(jobId, Number(id.slice(0, id.indexOf('-')))); });
  await jobs.waitUntilReady();
  try {
    const published = await publishSteadily(kafka, codec, topic, takeEvents(load, runUp + events), rate);
    for (const deadline = Date.now() + patience; arrivals.size < published.size; await delay(20)) {
      if (Date.now() > deadline) throw new Error(`of ${published.size} events ${arrivals.size} had a job a minute after the last one`);
    }
    const measured = new Map([...published].slice(runUp));
    const messages = await withDatabase(databaseUrl, (database) => database.query<{ readonly id: string; readonly event: string }>('select id, occurrence as event from message where occurrence = any($1)', [[...measured.keys()]]));
    const waits = messages.map(({ id, event }) => (arrivals.get(jobIdOf({ id, enqueued: 1 })) ?? NaN) - (measured.get(event) ?? NaN));
    return { rate, events: waits.length, ...latencyOf(waits) };
  } finally {
    await jobs.close();
  }
}

/** @returns when each event was to be published, in milliseconds, by its id, in their order */
async function publishSteadily(kafka: Kafka, codec: Codec, topic: string, events: readonly BookingEvent[], rate: number): Promise<ReadonlyMap<string, number>> {
  const messages = events.map((event) => ({ key: bookingKey(event), value: codec.encodeBookingEvent(event) }));
  const producer = createEventProducer(kafka);
  await producer.connect();
  try {
    const start = Date.now() + tick;
    for (let sent = 0; sent < messages.length; await delay(tick)) {
      const due = Math.min(messages.length, Math.floor(((Date.now() - start) * rate) / 1_000));
      if (due > sent) await producer.sendBatch(topic, messages.slice(sent, due));
      sent = Math.max(sent, due);
    }
    return new Map(events.map(({ eventId }, position) => [eventId, start + (position * 1_000) / rate]));
  } finally {
    await producer.disconnect();
  }
}

/** @throws RangeError for no values, and where one is not known */
export function latencyOf(waits: readonly number[]): Latency {
  if (waits.length === 0 || waits.some(Number.isNaN)) throw new RangeError('a latency of nothing');
  const sorted = waits.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), most: at(1) };
}
