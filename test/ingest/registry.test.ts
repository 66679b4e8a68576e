import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { bookingEventSchema, type BookingEvent } from '../../schemas/booking-event.js';
import { listDeadLetters } from '../../workers/store/dead-letters.js';
import { typeOf } from '../../workers/topics/avro-types.js';
import { createSchemaRegistry } from '../../workers/topics/schema-registry.js';
import { until } from '../until.js';
import { booked, createIngestWorld, type IngestWorld } from './world.js';

let world: IngestWorld;
const doors: Door[] = [];

beforeAll(async () => { world = await createIngestWorld(); });
afterAll(() => world.close());
afterEach(() => Promise.all(doors.splice(0).map((door) => door.close())));

/** A way to the real registry that remembers what was asked for, and can be shut. */
interface Door {
  readonly url: string;
  readonly asked: string[];
  open(): Promise<void>;
  close(): Promise<void>;
}

async function createDoor(): Promise<Door> {
  const target = new URL(world.environment['SCHEMA_REGISTRY_URL'] ?? '');
  const asked: string[] = [];
  let server: Server | null = null;
  let port = 0;
  const door: Door = {
    get url() { return `http://127.0.0.1:${port}${target.pathname}`; },
    asked,
    async open() {
      server = createServer((incoming, outgoing) => {
        asked.push(incoming.url ?? '');
        incoming.pipe(request({ host: target.hostname, port: target.port, path: incoming.url, method: incoming.method, headers: { ...incoming.headers, host: target.host } }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        }));
      }).listen(port, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      port = typeof address === 'object' && address !== null ? address.port : 0;
    },
    async close() {
      if (server === null) return;
      const closed = once(server, 'close');
      server.close().closeAllConnections();
      server = null;
      await closed;
    },
  };
  await door.open();
  doors.push(door);
  return door;
}

/** Registers a schema of another team; its messages. */
async function writerOf(change: (text: string) => string): Promise<(event: BookingEvent) => Buffer> {
  const schema: unknown = JSON.parse(change(JSON.stringify(bookingEventSchema)));
  const id = await createSchemaRegistry(world.environment['SCHEMA_REGISTRY_URL'] ?? '', 30_000).register(`team-${randomUUID()}`, JSON.stringify(schema));
  const header = Buffer.alloc(5);
  header.writeInt32BE(id, 1);
  return (event) => Buffer.concat([header, typeOf(schema).toBuffer(event)]);
}

const newField = (text: string): string => text.replace('{"name":"traceparent"', '{"name":"weather","type":["null","string"],"default":null},{"name":"traceparent"');
const reads = async (topic: string, count: number): Promise<boolean> => (await world.fence(topic)).reduce((sum, row) => sum + row.read, 0) === count;
const lettersOf = async (topic: string) => (await listDeadLetters(world.db, { limit: 10_000 })).filter((letter) => letter.topic === topic);

// Seen to fail without the registry among the checks of health: nothing said what is waited for.
test('a registry that is away when ingest starts is waited for, health says so, and work begins when it comes', async () => {
  const door = await createDoor();
  await door.close();
  const topic = await world.newTopic();
  await world.send(topic, [booked('START1')]);
  const ingest = await world.start({ topic, env: { SCHEMA_REGISTRY_URL: door.url } });
  try {
    const ready = async (): Promise<{ readonly ready: boolean; readonly checks: Readonly<Record<string, string>> }> => (await fetch(`${ingest.healthUrl}/readyz`)).json() as never;
    await until(async () => (await ready()).checks['registry'] === 'SchemaRegistryError');
    expect(await world.fence(topic)).toEqual([]);
    await door.open();
    await until(() => reads(topic, 1));
    expect(await ready()).toEqual({ ready: true, checks: { registry: 'ok', postgres: 'ok', kafka: 'ok' } });
  } finally {
    await ingest.stop();
  }
}, 90_000);

// Seen to fail (a dead letter of a good message) when a registry that does not answer counts as one that knows no schema,
// and (nothing more is fetched from the broker) when the batch waits in hand instead of being given back.
test('without the registry known schemas are read on; a message of an unknown one waits with its partition, and is no dead letter', async () => {
  const door = await createDoor();
  const topic = await world.newTopic(2);
  const write = await writerOf(newField);
  const send = (partition: number, value: Buffer) => world.send(topic, [{ key: null, value, partition }]);
  const ingest = await world.start({ topic, env: { SCHEMA_REGISTRY_URL: door.url } });
  try {
    await send(0, world.codec.encodeBookingEvent(booked('MIDDLE1')));
    await until(() => reads(topic, 1));
    await door.close();
    await send(1, write(booked('MIDDLE2')));
    await send(0, world.codec.encodeBookingEvent(booked('MIDDLE3')));
    await until(() => reads(topic, 2));
    expect((await world.fence(topic)).map(({ partition }) => partition)).toEqual([0]);
    await door.open();
    await until(() => reads(topic, 3));
    expect(await lettersOf(topic)).toEqual([]);
    expect((await world.fence(topic)).map(({ applied }) => applied)).toEqual([2, 1]);
  } finally {
    await ingest.stop();
  }
}, 90_000);

// Seen to fail (a request for each batch) without the memory of misses.
test('a thousand messages of a schema that the registry does not know are a thousand dead letters and one request', async () => {
  const door = await createDoor();
  const topic = await world.newTopic();
  const value = world.codec.encodeBookingEvent(booked('UNKNOWN'));
  value.writeInt32BE(1_999_999_999, 1);
  await world.send(topic, Array.from({ length: 1_000 }, () => ({ key: null, value, partition: 0 })));
  await world.drain(topic, { env: { SCHEMA_REGISTRY_URL: door.url, INGEST_BATCH_SIZE: '100' } });
  expect(await world.fence(topic)).toMatchObject([{ read: 1_000, dead: 1_000 }]);
  expect(new Set((await lettersOf(topic)).map(({ code }) => code))).toEqual(new Set(['SCHEMA_UNKNOWN']));
  expect(door.asked.filter((path) => path.endsWith('/1999999999'))).toHaveLength(1);
}, 90_000);

test('writers of a newer contract, of the present one and of one with its fields in another order are read side by side', async () => {
  const topic = await world.newTopic();
  const newer = await writerOf(newField);
  const reordered = await writerOf((text) => {
    const schema = JSON.parse(text) as { fields: unknown[] };
    schema.fields.reverse();
    return JSON.stringify(schema);
  });
  const values = [world.codec.encodeBookingEvent(booked('SIDE1')), newer(booked('SIDE2')), reordered(booked('SIDE3')), world.codec.encodeBookingEvent(booked('SIDE4')), newer(booked('SIDE5'))];
  await world.send(topic, values.map((value) => ({ key: null, value, partition: 0 })));
  await world.drain(topic);
  expect(await world.fence(topic)).toMatchObject([{ read: 5, applied: 5 }]);
  const states = await world.db.query<{ total: string; n: number }>(`select total::text, count(*)::int as n from orders where booking_ref like 'SIDE%' group by 1`);
  expect(states).toEqual([{ total: '100', n: 5 }]);
}, 90_000);
