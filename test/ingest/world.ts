import { randomUUID } from 'node:crypto';
import kafkajs, { type Admin, type Kafka, type Message } from 'kafkajs';
import type { Booking, BookingEvent } from '../../schemas/booking-event.js';
import { startIngest } from '../../workers/ingest/main.js';
import { readConfig } from '../../workers/runtime/config.js';
import { createLog } from '../../workers/runtime/log.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { createCodec, type Codec } from '../../workers/topics/codec.js';
import { createKafka } from '../../workers/topics/connection.js';
import { waitForTopics } from '../../workers/topics/admin.js';
import { migratedDatabase, servers } from '../servers.js';

/** The built module, since a thread of Node loads no TypeScript; `npm test` builds first. */
const mappingThread = new URL('../../dist/workers/sources/mapping-thread.js', import.meta.url);

type Ingest = Awaited<ReturnType<typeof startIngest>>;

interface IngestChoice {
  readonly topic: string;
  /** Of customer events; left out: none. */
  readonly customersTopic?: string;
  readonly group?: string;
  readonly drain?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Real Kafka and registry, a database of its own, and what ingest tests do with them. */
export interface IngestWorld {
  readonly db: Database;
  readonly databaseUrl: string;
  readonly codec: Codec;
  readonly kafka: Kafka;
  readonly admin: Admin;
  /** What a worker process needs to find the servers. */
  readonly environment: Readonly<Record<string, string>>;
  /** The consumer group where none is named: of this world alone, since kafkajs gives members of one group each other's topics. */
  readonly group: string;
  /** A topic of its own. */
  newTopic(partitions?: number, config?: Readonly<Record<string, string>>): Promise<string>;
  createTopic(topic: string, partitions?: number, config?: Readonly<Record<string, string>>): Promise<void>;
  send(topic: string, messages: readonly (Message | BookingEvent)[]): Promise<void>;
  start(choice: IngestChoice): Promise<Ingest>;
  /** Runs ingest until everything in the topic is settled. */
  drain(topic: string, choice?: Omit<IngestChoice, 'topic'>): Promise<void>;
  fence(topic: string, group?: string): Promise<readonly FenceRow[]>;
  close(): Promise<void>;
}

interface FenceRow {
  readonly partition: number;
  readonly next: number;
  readonly read: number;
  readonly applied: number;
  readonly duplicate: number;
  readonly late: number;
  readonly dead: number;
}

export async function createIngestWorld(): Promise<IngestWorld> {
  const { kafkaBrokers, registryUrl } = await servers();
  const database = await migratedDatabase();
  const db = createDatabase(database.url, { max: 6 });
  const codec = createCodec({ registryUrl });
  await codec.register();
  const kafka = createKafka({ brokers: kafkaBrokers, clientId: 'test' });
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  const environment = { KAFKA_BROKERS: kafkaBrokers.join(','), SCHEMA_REGISTRY_URL: registryUrl, DATABASE_URL: database.url, KAFKA_SESSION_TIMEOUT_MS: '6000' };

  const world: IngestWorld = {
    db, databaseUrl: database.url, codec, kafka, admin, environment, group: `midline-${randomUUID()}`,
    async newTopic(partitions = 1, config = {}) {
      const topic = `ingest-${randomUUID()}`;
      await world.createTopic(topic, partitions, config);
      return topic;
    },
    async createTopic(topic, partitions = 1, config = {}) {
      await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: partitions, configEntries: Object.entries(config).map(([name, value]) => ({ name, value })) }] });
      await waitForTopics(admin, [topic]);
    },
    async send(topic, messages) {
      await producer.send({ topic, messages: messages.map((message) => ('eventId' in message ? { key: message.bookingRef, value: codec.encodeBookingEvent(message), partition: 0 } : message)) });
    },
    start: ({ topic, customersTopic = `no-customers-${topic}`, group = world.group, drain = false, env = {} }) => {
      const config = readConfig({ ...environment, ...env }, ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL']);
      return startIngest(config, { log: createLog(process.env['TEST_LOG'] ?? 'silent'), group, drain, topic, customersTopic, mappingThread });
    },
    async drain(topic, choice = {}) {
      const ingest = await world.start({ ...choice, topic, drain: true });
      try {
        await ingest.done;
      } finally {
        await ingest.stop();
      }
    },
    async fence(topic, group = world.group) {
      return db.query<FenceRow>(
        `select partition, next_offset::int as next, read::int, applied::int, duplicate::int, late::int, dead_lettered::int as dead
         from consumer_offset where topic = $1 and consumer_group = $2 order by partition`,
        [topic, group],
      );
    },
    async close() {
      await Promise.all([admin.disconnect(), producer.disconnect(), db.close()]);
      await database.drop();
    },
  };
  return world;
}

/** A small valid event of type booked. */
export function booked(bookingRef: string, fields: Partial<BookingEvent> = {}, booking: Booking = {}): BookingEvent {
  return {
    eventId: `${bookingRef}-1`, source: 'gds', type: 'booked', bookingRef, occurredAt: Date.UTC(2026, 4, 1, 10),
    booking: { items: [{ id: 'i1', product: 'flight', price: { currency: 'EUR', total: '100' } }], price: { currency: 'EUR', total: '100' }, ...booking },
    ...fields,
  };
}

export const cancelled = (bookingRef: string): BookingEvent => ({ eventId: `${bookingRef}-2`, source: 'gds', type: 'cancelled', bookingRef, occurredAt: Date.UTC(2026, 4, 2, 10) });

/** A promise that somebody else resolves. */
export function deferred<Value>(): { readonly promise: Promise<Value>; readonly resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((settle) => { resolve = settle; });
  return { promise, resolve };
}
