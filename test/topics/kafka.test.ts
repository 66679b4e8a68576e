import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { bookingEventsMessageLimit, createTopics, deadLetterMessageLimit, listTopics, topicNames, waitForTopics } from '../../workers/topics/admin.js';
import { createKafka } from '../../workers/topics/connection.js';
import { faultKind } from '../../workers/runtime/faults.js';
import { consumerLag } from '../../workers/topics/lag.js';
import { bookingEventsTopic, bookingKey, customerEventsTopic, deadLetterTopic, orderEventsTopic } from '../../workers/topics/names.js';
import { createEventProducer, type EventProducer } from '../../workers/topics/producer.js';
import { servers } from '../servers.js';
import { until } from '../until.js';

let brokers: readonly string[];
let kafka: Kafka;
let admin: Admin;
let producer: EventProducer;

beforeAll(async () => {
  ({ kafkaBrokers: brokers } = await servers());
  kafka = createKafka({ brokers, clientId: 'topics-test' });
  admin = kafka.admin();
  producer = createEventProducer(kafka);
  await Promise.all([admin.connect(), producer.connect()]);
});

afterAll(async () => {
  await Promise.all([admin.disconnect(), producer.disconnect()]);
});

async function freshTopic(numPartitions: number, configs: Readonly<Record<string, string>> = {}): Promise<string> {
  const topic = `topics-${randomUUID()}`;
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions, configEntries }] });
  await waitForTopics(admin, [topic]);
  return topic;
}

/** Until `createTopics` reports differences of which this is true. */
const seen = (isSo: (differing: readonly object[]) => boolean): Promise<void> => until(async () => isSo((await createTopics(admin, { partitions: 3 })).differing));

describe('a connection', () => {
  // Seen to fail when kafkajs is asked straight: its TypeError would have ended the process for good.
  test('whose brokers go away while they are asked fails as a fault of the world', async () => {
    const metadataRequest = 3;
    let left = Number.POSITIVE_INFINITY;
    const lonely = new kafkajs.Kafka({
      brokers: [...brokers], retry: { retries: 0 }, logLevel: kafkajs.logLevel.NOTHING,
      socketFactory: ({ host, port, onConnect }) => {
        const socket = connect({ host, port }, onConnect);
        const write = socket.write.bind(socket);
        socket.write = (bytes: Uint8Array) => {
          if (Buffer.from(bytes).readInt16BE(4) === metadataRequest) left -= 1;
          return left < 0 ? !socket.destroy(new Error('the broker is gone')) : write(bytes);
        };
        return socket;
      },
    }).admin();
    await lonely.connect();
    expect((await topicNames(lonely)).length).toBeGreaterThan(0);
    left = 1; // kafkajs looks for the brokers first, and asks one of them then
    const fault: unknown = await topicNames(lonely).catch((error: unknown) => error);
    expect([faultKind(fault), fault]).toEqual(['world', expect.objectContaining({ message: 'no Kafka broker answers' })]);
    await lonely.disconnect();
  });

  // Seen to fail without restIdleConnections: more than a hundred looks.
  test('that nobody asks anything does not look for waiting requests', async () => {
    const { prototype } = RequestQueue;
    const { checkPendingRequests } = prototype;
    let looks = 0;
    prototype.checkPendingRequests = function counted(this: RequestQueue) {
      looks += 1;
      checkPendingRequests.call(this);
    };
    try {
      await Promise.all(Array.from({ length: 20 }, () => admin.listTopics()));
      looks = 0;
      await pause(500);
      expect(looks).toBeLessThan(10);
    } finally {
      prototype.checkPendingRequests = checkPendingRequests;
    }
  });
});

const message = (key: string, size = 10) => ({ key, value: Buffer.alloc(size, 'x') });

describe('topics', () => {
  test('all are there after createTopics, however often it is called, with the configs of their use', async () => {
    await createTopics(admin, { partitions: 3 });
    expect(await createTopics(admin, { partitions: 6 })).toMatchObject({
      created: [],
      existing: expect.arrayContaining([bookingEventsTopic]),
      differing: [],
    });
    const configs = new Map((await listTopics(admin)).map((topic) => [topic.topic, topic.configs]));
    expect(configs.get(bookingEventsTopic)).toMatchObject({ 'cleanup.policy': 'delete', 'message.timestamp.type': 'LogAppendTime' });
    expect(configs.get(customerEventsTopic)).toMatchObject({ 'cleanup.policy': 'compact' });
    expect(configs.get(orderEventsTopic)).toMatchObject({ 'cleanup.policy': 'delete' });
    expect(Number(configs.get(deadLetterTopic)?.['max.message.bytes']) - Number(configs.get(bookingEventsTopic)?.['max.message.bytes'])).toBe(
      2 ** 20,
    );
  });

  test('a topic of ours with another config is named and left alone', async () => {
    const name = orderEventsTopic;
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
    });
    await seen((differing) => differing.length > 0); // a broker shows a changed config a moment after it has taken it
    expect((await createTopics(admin, { partitions: 3 })).differing).toEqual([
      { topic: name, config: 'cleanup.policy', expected: 'delete', actual: 'compact' },
    ]);
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configEntries: [{ name: 'cleanup.policy', value: 'delete' }] }],
    });
    await seen((differing) => differing.length === 0);
  });

  test('raw topics of sources are listed with their offsets, topics of others are not', async () => {
    const topic = `source.test-${randomUUID()}`;
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 2 }] });
    await waitForTopics(admin, [topic]);
    await producer.sendBatch(topic, [{ ...message('a'), partition: 1 }]);
    const foreign = await freshTopic(1);
    const listed = await listTopics(admin);
    expect(listed.find((found) => found.topic === topic)?.partitions).toEqual([
      { partition: 0, low: '0', high: '0' },
      { partition: 1, low: '0', high: '1' },
    ]);
    expect(listed.map((found) => found.topic)).not.toContain(foreign);
  });

  test('a message of the contract’s four mebibytes fits into booking-events, and as a dead letter too', async () => {
    const topic = await freshTopic(1, { 'max.message.bytes': String(bookingEventsMessageLimit) });
    const letters = await freshTopic(1, { 'max.message.bytes': String(deadLetterMessageLimit) });
    await producer.sendBatch(topic, [message('a', 4 * 2 ** 20)]);
    await producer.sendBatch(letters, [{ ...message('a', 4 * 2 ** 20), headers: { 'midline-reason': 'x'.repeat(100_000) } }]);
    expect(await admin.fetchTopicOffsets(letters)).toMatchObject([{ high: '1' }]);
  });
});

describe('the producer', () => {
  test('keeps a booking in one partition and in order, in batches that fit the default limit of a topic', async () => {
    const topic = await freshTopic(6);
    const keys = Array.from({ length: 300 }, (_, index) => bookingKey({ source: 's', bookingRef: `R${index % 7}` }));
    await producer.sendBatch(
      topic,
      keys.map((key, index) => ({ key, value: Buffer.from(`${index} ${'x'.repeat(10_000)}`), headers: { 'midline-dead-letter': '1' } })),
    );
    const read = await readAll(topic, keys.length);
    for (const key of new Set(keys)) {
      const own = read.filter((found) => found.key === key);
      expect(new Set(own.map((found) => found.partition)).size).toBe(1);
      expect(own.map((found) => found.number)).toEqual(own.map((found) => found.number).sort((a, b) => a - b));
    }
    expect(read.length).toBe(300);
  });

  test('null keys and null values are sent as they are', async () => {
    const topic = await freshTopic(1);
    await producer.sendBatch(topic, [{ key: null, value: null }]);
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ high: '1' }]);
  });

  async function readAll(topic: string, count: number) {
    const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}`, sessionTimeout: 6000 });
    const found: { readonly key: string; readonly partition: number; readonly number: number }[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
      consumer
        .run({
          eachMessage: async ({ partition, message: { key, value } }) => {
            found.push({ key: String(key), partition, number: Number.parseInt(String(value), 10) });
            if (found.length === count) resolve();
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    return found;
  }
});

describe('the connection', () => {
  test('a fresh coordinator makes no noise', async () => {
    const lines: string[] = [];
    const loud = createKafka({ brokers, clientId: 'noise-test', log: (level, text) => lines.push(`${level} ${text}`) });
    const topic = await freshTopic(1);
    const consumer = loud.consumer({ groupId: `noise-${randomUUID()}`, sessionTimeout: 6000 });
    const own = createEventProducer(loud);
    await Promise.all([consumer.connect(), own.connect()]);
    await own.sendBatch(topic, [message('a')]);
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.run({ eachMessage: async () => resolve() }).catch(reject);
    });
    await Promise.all([consumer.disconnect(), own.disconnect()]);
    expect(lines).toEqual([]);
  });

  test('a broker that is away is logged, not printed', async () => {
    const lines: string[] = [];
    const away = createKafka({ brokers: ['127.0.0.1:9'], clientId: 'away-test', log: (level, text) => lines.push(`${level} ${text}`) });
    const lost = away.admin({ retry: { retries: 0 } });
    await expect(lost.connect()).rejects.toThrow();
    expect(lines.join()).toMatch(/ECONNREFUSED|Connection error/);
  });
});

describe('lag', () => {
  const group = `lag-${randomUUID()}`;
  const lagOf = (topic: string, positions: readonly (readonly [number, number])[], now = Date.now()) =>
    consumerLag(
      admin,
      group,
      topic,
      positions.map(([partition, next]) => ({ partition, nextOffset: BigInt(next) })),
      now,
    );

  /** Kafka confirms a transaction before its control record is in the partition. */
  async function markerOf(topic: string): Promise<void> {
    const [end] = await admin.fetchTopicOffsets(topic);
    if (end?.high !== '2') await markerOf(topic);
  }

  test('is what lies between the position and the end, partitions that were never read from their beginning', async () => {
    const topic = await freshTopic(3);
    await producer.sendBatch(
      topic,
      [0, 0, 0, 1, 1, 1, 1].map((partition) => ({ ...message('a'), partition })),
    );
    expect(await lagOf(topic, [[1, 3]])).toMatchObject({
      messages: 4,
      partitions: [
        { partition: 0, messages: 3 },
        { partition: 1, messages: 1 },
        { partition: 2, messages: 0 },
      ],
    });
    expect(
      await lagOf(topic, [
        [0, 3],
        [1, 4],
      ]),
    ).toMatchObject({ messages: 0, seconds: 0 });
  });

  test('does not count what Kafka has deleted', async () => {
    const topic = await freshTopic(1);
    await producer.sendBatch(topic, [message('a'), message('b'), message('c')]);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    expect((await lagOf(topic, [[0, 0]])).messages).toBe(1);
  });

  test('in seconds is the age of the oldest unread message', async () => {
    const topic = await freshTopic(2);
    const now = Date.now();
    const aged = async (seconds: number, partition: number) => {
      const raw = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
      await raw.connect();
      await raw.send({ topic, messages: [{ value: 'x', partition, timestamp: String(now - seconds * 1000) }] });
      await raw.disconnect();
    };
    await aged(7200, 0);
    await aged(90, 0);
    await aged(3600, 1);
    await aged(0.5, 1);
    expect((await lagOf(topic, [], now)).seconds).toBeCloseTo(7200, 0);
    expect((await lagOf(topic, [[0, 1]], now)).seconds).toBeCloseTo(3600, 0);
    expect(
      (
        await lagOf(
          topic,
          [
            [0, 1],
            [1, 1],
          ],
          now,
        )
      ).seconds,
    ).toBeCloseTo(90, 0);
    expect(
      (
        await lagOf(
          topic,
          [
            [0, 2],
            [1, 1],
          ],
          now,
        )
      ).seconds,
    ).toBeLessThan(1);
  });

  /** Seen to fail when only the given positions counted: 1 message for ever behind a transaction. */
  test('does not count control records that the group has walked over', async () => {
    const topic = await freshTopic(1);
    const transactional = kafka.producer({
      transactionalId: randomUUID(),
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await transactional.connect();
    const transaction = await transactional.transaction();
    await transaction.send({ topic, messages: [{ value: 'x' }] });
    await transaction.commit();
    await transactional.disconnect();
    await markerOf(topic);
    expect((await lagOf(topic, [[0, 1]])).messages).toBe(1);
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '2' }] });
    expect((await lagOf(topic, [[0, 1]])).messages).toBe(0);
  });
});
