import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { zipSync } from 'fflate';
import type { Kafka } from 'kafkajs';
import type { BookingEvent } from '../../schemas/booking-event.js';
import { toJson } from '../../schemas/json.js';
import { createShownSink, createTopicSink, publish, type EventSink, type PublishProblem } from '../../workers/actions/publish.js';
import { generateEvents } from '../../workers/domain/generate/events.js';
import { createMapper, createThreadMapper, type Mapper } from '../../workers/sources/mapper.js';
import { parseSourceMap, type SourceMap } from '../../workers/sources/source-map.js';
import { createCodec, schemaIdOf, type Codec } from '../../workers/topics/codec.js';
import { createKafka } from '../../workers/topics/connection.js';
import { createEventProducer, type EventProducer } from '../../workers/topics/producer.js';
import { servers } from '../servers.js';

const now = Date.UTC(2026, 10, 26);
const lineOf = (event: BookingEvent): string => JSON.stringify(toJson('BookingEvent', event));
const events = [...generateEvents({ seed: 3, bookings: 400, now, customers: 50, companies: 5 })];

const fileOf = (name: string, content: string | Uint8Array) => ({
  name,
  received: '2026-05-10T12:00:00.000Z',
  open: async function* () {
    yield typeof content === 'string' ? Buffer.from(content) : content;
  },
});

function mapOf(text: string): SourceMap {
  const parsed = parseSourceMap(text, 'test.yaml');
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.map;
}

const map = mapOf(`
source: desk
name: Desk
format: csv
kinds: [lounge-used]
events: |
  { "eventId": id, "bookingRef": ref, "type": type, "occurredAt": $local(at), "booking": {
    "items": [{ "id": "1", "product": "hotel", "price": price ? { "currency": "EUR", "total": $decimal(price) } }]
  } }
`);
const header = 'id,ref,type,at,price,memo\n';

async function run(files: readonly ReturnType<typeof fileOf>[], sink: EventSink | null, withMap: SourceMap | null = map, mapper: Mapper = createMapper(withMap)) {
  const problems: PublishProblem[] = [];
  const shown: BookingEvent[] = [];
  const summary = await publish({ files, map: withMap, mapper, sink: sink ?? createShownSink((event) => { shown.push(event); }), onProblem: (problem) => problems.push(problem) });
  await mapper.close();
  return { summary, problems, shown };
}

describe('what is published', () => {
  test('comes out as it went in: canonical events without a map', async () => {
    const { summary, shown } = await run([fileOf('events.ndjson', events.map(lineOf).join('\n'))], null, null);
    expect(summary).toEqual({ records: events.length, withoutEvent: 0, events: events.length, published: events.length, bad: 0, unreadFields: [] });
    expect(shown.map(lineOf)).toEqual(events.map(lineOf));
  });

  test('bad records are told by file, line and field; nothing of them goes out, all others do', async () => {
    const content = `${header}e1,R1,booked,2026-05-10T10:00:00,10,\ne2,R2,booked,tomorrow,10,\ne3,R3,teleported,2026-05-10T10:00:00,10,\ne4,,booked,2026-05-10T10:00:00,,\ne5,R5\ne6,R6,lounge-used,2026-05-10T10:00:00,10.123456,\ne7,R7,lounge-used,2026-05-10T10:00:00,12.5,\n`;
    const { summary, problems, shown } = await run([fileOf('desk.csv', content)], null);
    expect(shown.map(({ eventId }) => eventId)).toEqual(['e1', 'e7']);
    expect(problems).toEqual([
      { file: 'desk.csv', line: 3, field: null, problem: expect.stringContaining('"tomorrow" is no time') },
      { file: 'desk.csv', line: 4, field: 'type', problem: expect.stringContaining('"teleported"') },
      { file: 'desk.csv', line: 5, field: 'bookingRef', problem: 'is empty' },
      { file: 'desk.csv', line: 6, field: null, problem: 'has 2 columns; the first row names 6' },
      { file: 'desk.csv', line: 7, field: 'booking.items[0].price.total', problem: 'has more than 4 digits after the point' },
    ]);
    expect(summary).toMatchObject({ records: 7, events: 2, published: 2, bad: 5 });
  });

  test('a record of which one event is wrong publishes none of its events', async () => {
    const two = mapOf('source: s\nname: S\nformat: ndjson\nevents: |\n  [{ "eventId": id & "-1", "bookingRef": id, "type": "cancelled", "occurredAt": $received() }, { "eventId": id & "-2", "bookingRef": id, "type": type, "occurredAt": $received() }]\n');
    const { shown, summary } = await run([fileOf('f', '{"id":"A","type":"cancelled"}\n{"id":"B","type":"nothing"}\n{"id":"C","type":"travelled"}\n')], null, two);
    expect(shown.map(({ eventId }) => eventId)).toEqual(['A-1', 'A-2', 'C-1', 'C-2']);
    expect(summary).toMatchObject({ records: 3, events: 4, bad: 1 });
  });

  test('a map cannot speak for another source', async () => {
    const other = mapOf('source: s\nname: S\nformat: ndjson\nevents: |\n  { "source": "gds", "eventId": id, "bookingRef": id, "type": "cancelled", "occurredAt": $received() }\n');
    expect((await run([fileOf('f', '{"id":"A"}')], null, other)).problems).toEqual([{ file: 'f', line: 1, field: 'source', problem: 'is gds; the map is of s' }]);
  });

  test('a file that cannot be read on is told; what was read of it and the files after it go out', async () => {
    const good = `${header}e1,R1,booked,2026-05-10T10:00:00,10,\n`;
    const { problems, shown } = await run([fileOf('a.csv', 'id,id\n1,2\n'), fileOf('b.zip', zipSync({ 'x.csv': Buffer.from(good) }).subarray(0, 60)), fileOf('c.zip', zipSync({ 'y.csv': Buffer.from(good.replace('e1', 'e2')) }))], null);
    expect(problems).toEqual([
      { file: 'a.csv', line: null, field: null, problem: 'two columns are called "id"' },
      { file: expect.stringContaining('b.zip'), line: null, field: null, problem: expect.stringContaining('is no whole zip') },
    ]);
    expect(shown.map(({ eventId }) => eventId)).toEqual(['e2']);
  });

  test('fields that reach no event and records without an event are counted', async () => {
    const some = mapOf('source: s\nname: S\nformat: ndjson\nevents: |\n  id ? { "eventId": id, "bookingRef": id, "type": "cancelled", "occurredAt": $received() }\n');
    const { summary } = await run([fileOf('f', '{"id":"A","note":"x"}\n{"note":"y"}\n')], null, some);
    expect(summary).toMatchObject({ records: 2, withoutEvent: 1, events: 1, unreadFields: [{ field: 'note', beside: null, values: 2 }] });
  });
});

describe('to Kafka', () => {
  let kafka: Kafka;
  let codec: Codec;
  let producer: EventProducer;
  const topic = `publish-${randomUUID()}`;

  beforeAll(async () => {
    const { kafkaBrokers, registryUrl } = await servers();
    kafka = createKafka({ brokers: kafkaBrokers, clientId: 'publish-test' });
    codec = createCodec({ registryUrl });
    await codec.register();
    producer = createEventProducer(kafka);
    await producer.connect();
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 4 }], waitForLeaders: true });
    await admin.disconnect();
  });

  afterAll(async () => {
    await producer.disconnect();
  });

  interface Message {
    readonly partition: number;
    readonly key: string;
    readonly value: Buffer;
  }

  async function readAll(count: number): Promise<readonly Message[]> {
    const consumer = kafka.consumer({ groupId: randomUUID(), sessionTimeout: 6000 });
    const messages: Message[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: ({ partition, message }) => {
          messages.push({ partition, key: String(message.key), value: message.value ?? Buffer.alloc(0) });
          if (messages.length === count) resolve();
          return Promise.resolve();
        },
      });
    });
    await consumer.disconnect();
    return messages;
  }

  test('every event arrives once, keyed by its booking, a booking in the order of the file; twice gives the same bytes', async () => {
    const file = fileOf('events.ndjson', events.map(lineOf).join('\n'));
    const first = await run([file], createTopicSink(codec, producer, topic), null);
    expect(first.summary).toMatchObject({ published: events.length, bad: 0 });
    await run([file], createTopicSink(codec, producer, topic), null);
    const messages = await readAll(2 * events.length);
    await codec.prepare([schemaIdOf(messages[0]?.value ?? null) ?? 0]);
    const byBooking = new Map<string, Message[]>();
    for (const message of messages) byBooking.set(message.key, [...(byBooking.get(message.key) ?? []), message]);
    for (const [key, own] of byBooking) {
      const expected = events.filter(({ source, bookingRef }) => `${source}:${bookingRef}` === key);
      expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
      expect(own).toHaveLength(2 * expected.length);
      const half = own.slice(0, expected.length);
      expect(half.map(({ value }) => { const decoded = codec.decode(value); return decoded.ok && decoded.event.eventId; })).toEqual(expected.map(({ eventId }) => eventId));
      expect(own.slice(expected.length).map(({ value }) => value.toString('hex'))).toEqual(half.map(({ value }) => value.toString('hex')));
    }
  });

  test('an event that makes too large a message is told and left out', async () => {
    const large = { ...events[0], eventId: 'large', booking: { remarks: Array.from({ length: 6 }, () => ({ text: 'x'.repeat(900_000) })) } };
    const { summary, problems } = await run([fileOf('f', `${JSON.stringify({ ...large, occurredAt: '2026-01-01T00:00:00Z' })}\n`)], createTopicSink(codec, producer, topic), null);
    expect(summary).toMatchObject({ published: 0, bad: 1 });
    expect(problems[0]?.problem).toContain('4194304 are allowed');
  });
});

// The built module, since a thread of Node loads no TypeScript; `npm test` builds first.
const thread = new URL('../../dist/workers/sources/mapping-thread.js', import.meta.url);

describe('in threads of their own', () => {
  test('records are mapped to the same events, in the same order', async () => {
    expect(existsSync(thread)).toBe(true);
    const content = header + Array.from({ length: 3000 }, (_, index) => (index % 500 === 7 ? 'bad,row\n' : `e${index},R${index % 40},booked,2026-05-10T10:00:00,${index}.5,\n`)).join('');
    const here = await run([fileOf('f', content)], null);
    const there = await run([fileOf('f', content)], null, map, createThreadMapper(map, 2, thread));
    expect(there.summary).toEqual(here.summary);
    expect(there.problems).toEqual(here.problems);
    expect(there.shown).toEqual(here.shown);
  });
});
