import { Redis } from 'ioredis';
import type { Admin } from 'kafkajs';
import { bookingEventsTopic } from '../workers/topics/names.js';

/**
 * Servers that were given may be somebody's: nothing of theirs is mixed with the benchmark's, and nothing is deleted.
 * @throws Error where the topic exists or Redis holds anything
 */
export async function demandEmpty(admin: Admin, redisUrl: string): Promise<void> {
  if ((await admin.listTopics()).includes(bookingEventsTopic)) throw new Error(`the Kafka of KAFKA_BROKERS has a topic ${bookingEventsTopic} already: the benchmark wants one of its own (unset the variable to have it started)`);
  await withRedis(redisUrl, async (redis) => {
    if ((await redis.dbsize()) > 0) throw new Error('the Redis of REDIS_URL is not empty: the benchmark wants one of its own (unset the variable, or name another database of it)');
  });
}

/** Forgets every job. */
export async function emptyRedis(url: string): Promise<void> {
  await withRedis(url, async (redis) => { await redis.flushdb(); });
}

async function withRedis(url: string, work: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = new Redis(url);
  try {
    await work(redis);
  } finally {
    redis.disconnect();
  }
}
