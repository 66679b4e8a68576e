import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { jobIdOf, outreachQueue, type MessageJob } from './jobs.js';

export interface OutreachQueue {
  /** Throws when Redis does not answer. */
  ping(): Promise<void>;
  /** Adds a job for each message. Not atomic: after an error a part of them may be there. */
  addAll(messages: readonly QueuedMessage[]): Promise<void>;
  /** Those of the messages whose job is not in Redis: it was lost, or has ended. */
  missing(messages: readonly QueuedMessage[]): Promise<readonly QueuedMessage[]>;
  /** Jobs by state. */
  depth(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** A message and how often it has been enqueued, this time included. */
interface QueuedMessage {
  readonly id: string;
  readonly enqueued: number;
}

/**
 * The producing side of the outreach queue. Everything fails at once while Redis is away (the caller has the loop that tries again);
 * the connection comes back by itself. Nothing is left in Redis of a job that has ended: the ledger is in Postgres.
 */
export function createQueue(redisUrl: string): OutreachQueue {
  const redis = new Redis(redisUrl, { enableOfflineQueue: false, maxRetriesPerRequest: 1, connectTimeout: 5_000, commandTimeout: 10_000, retryStrategy: reconnect });
  redis.on('error', () => undefined); // every command says so too
  let opened: Promise<Queue<MessageJob>> | undefined;

  /** BullMQ asks Redis for its version when a queue is made and never forgets a failure: so it is made when Redis answers, and made anew after a failure. */
  async function open(): Promise<Queue<MessageJob>> {
    await redis.ping();
    const queue = new Queue<MessageJob>(outreachQueue, { connection: redis, skipWaitingForReady: true, defaultJobOptions: { removeOnComplete: true, removeOnFail: true } });
    queue.on('error', () => undefined);
    await queue.waitUntilReady();
    return queue;
  }

  function queue(): Promise<Queue<MessageJob>> {
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  }

  return {
    async ping() {
      await redis.ping();
    },
    async addAll(messages) {
      await (await queue()).addBulk(messages.map((message) => ({ name: 'message', data: { messageId: message.id }, opts: { jobId: jobIdOf(message) } })));
    },
    async missing(messages) {
      const { toKey } = await queue();
      const pipeline = redis.pipeline();
      for (const message of messages) pipeline.exists(toKey(jobIdOf(message)));
      const answers = await pipeline.exec() ?? [];
      return messages.filter((_, index) => {
        const [error, count] = answers[index] ?? [];
        if (error != null) throw error;
        return count === 0;
      });
    },
    depth: async () => (await queue()).getJobCounts('wait', 'active', 'delayed', 'prioritized'),
    async close() {
      await opened?.then((queue) => queue.close()).catch(() => undefined);
      redis.disconnect();
    },
  };
}

/** Soon, and soon again: a second at most between attempts. */
export const reconnect = (attempt: number): number => Math.min(50 * 2 ** attempt, 1_000);
