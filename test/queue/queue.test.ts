import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createQueue, type OutreachQueue } from '../../workers/queue/queue.js';
import { createWorker } from '../../workers/queue/worker.js';
import { servers } from '../servers.js';
import { until } from '../until.js';

let redisUrl: string;
let redis: Redis;
let queue: OutreachQueue;

beforeAll(async () => {
  redisUrl = new URL('/13', (await servers()).redisUrl).href; // a Redis database of its own: other tests have a queue of the same name
  redis = new Redis(redisUrl);
  queue = createQueue(redisUrl);
  await until(() => queue.ping().then(() => true, () => false)); // it connects in its own time, and fails at once until then
});
beforeEach(() => redis.flushdb());
afterAll(async () => {
  await queue.close();
  redis.disconnect();
});

const messages = (count: number) => Array.from({ length: count }, () => ({ id: randomUUID(), enqueued: 1 }));

test('nothing is left in Redis of jobs that have ended, well or not', async () => {
  const jobs = messages(20);
  const seen: string[] = [];
  const worker = createWorker({
    redisUrl, concurrency: 5, onFault: () => undefined,
    work: async (id) => {
      seen.push(id);
      if (seen.length % 2 === 0) throw new Error('no');
    },
  });
  await queue.addAll(jobs);
  await until(async () => seen.length === 20 && (await queue.missing(jobs)).length === 20);
  await worker.close();
  expect([...seen].sort()).toEqual(jobs.map((job) => job.id).sort());
  expect(await redis.keys('bull:outreach:message-*')).toEqual([]);
});

test('an add with a job id that is there is swallowed; the next enqueue of the same message is not', async () => {
  const [message] = messages(1);
  if (message === undefined) throw new Error('no message');
  await queue.addAll([message, message]);
  await queue.addAll([message]);
  expect(await queue.depth()).toMatchObject({ wait: 1 });
  await queue.addAll([{ ...message, enqueued: 2 }]);
  expect(await queue.depth()).toMatchObject({ wait: 2 });
  expect(await queue.missing([message, { ...message, enqueued: 3 }])).toEqual([{ ...message, enqueued: 3 }]);
});

test('the producer fails at once while Redis is away, and works once it is there', async () => {
  const away = createQueue('redis://127.0.0.1:1');
  const started = performance.now();
  await expect(away.addAll(messages(1))).rejects.toThrow();
  expect(performance.now() - started).toBeLessThan(1_000);
  await away.close();
});

// Seen to fail with BullMQ's default for maxStalledCount: the job runs a second time.
test('a job whose worker went away is not run again', async () => {
  const [message] = messages(1);
  if (message === undefined) throw new Error('no message');
  await queue.addAll([message]);
  // What a killed worker leaves: the job is active, its lock has ended.
  await redis.rpoplpush('bull:outreach:wait', 'bull:outreach:active');
  const ran: string[] = [];
  const worker = createWorker({ redisUrl, concurrency: 1, work: async (id) => { ran.push(id); }, onFault: () => undefined, stalledInterval: 50 });
  await until(async () => (await queue.missing([message])).length === 1);
  await worker.close();
  expect(ran).toEqual([]);
});
