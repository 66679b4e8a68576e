import { randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { bookingLoad } from '../../bench/load.js';
import { createBenchDatabase } from '../../bench/setup.js';
import { latencyOf, measureSteady } from '../../bench/steady.js';
import { startIngest } from '../../workers/ingest/main.js';
import { startRelay } from '../../workers/relay/main.js';
import { readConfig } from '../../workers/runtime/config.js';
import { createLog } from '../../workers/runtime/log.js';
import { createCodec } from '../../workers/topics/codec.js';
import { createKafka } from '../../workers/topics/connection.js';
import { servers } from '../servers.js';

test('every measured event of a steady load has its job, later than it was published', async () => {
  const { kafkaBrokers, registryUrl, databaseUrl, redisUrl } = await servers();
  const database = await createBenchDatabase(databaseUrl, { seed: 7, customers: 50 });
  const [topic, redis, log] = [`bench-${randomUUID()}`, new URL('/7', redisUrl).href, createLog('silent')];
  const kafka = createKafka({ brokers: kafkaBrokers, clientId: 'test' });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 3 }] });
  await admin.disconnect();
  const codec = createCodec({ registryUrl });
  await codec.register();
  const environment = { KAFKA_BROKERS: kafkaBrokers.join(','), SCHEMA_REGISTRY_URL: registryUrl, DATABASE_URL: database.url, REDIS_URL: redis };
  const relay = await startRelay(readConfig(environment, ['KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL']), { log });
  const ingest = await startIngest(readConfig(environment, ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL']), { log, group: topic, topic });
  try {
    const load = bookingLoad({ seed: 7, customers: 50, since: Date.now() - 60_000 });
    const steady = await measureSteady({ kafka, codec, topic, load, redisUrl: redis, databaseUrl: database.url, rate: 50, runUp: 50, events: 100 });
    expect(steady).toMatchObject({ rate: 50, events: 100 });
    expect(steady.p50).toBeGreaterThan(0);
    expect(steady.most).toBeGreaterThanOrEqual(steady.p99);
  } finally {
    await ingest.stop();
    await relay.stop();
    await database.drop();
  }
});

test('a percentile is the least wait that so many do not exceed', () => {
  const waits = Array.from({ length: 200 }, (_, n) => 200 - n);
  expect(latencyOf(waits)).toEqual({ p50: 100, p90: 180, p99: 198, most: 200 });
  expect(latencyOf([7])).toEqual({ p50: 7, p90: 7, p99: 7, most: 7 });
  expect(() => latencyOf([])).toThrow(RangeError);
  expect(() => latencyOf([1, NaN])).toThrow(RangeError); // an event whose job never came
});
