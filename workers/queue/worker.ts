import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { messageJob, outreachQueue } from './jobs.js';
import { reconnect } from './queue.js';

export interface OutreachWorkerOptions {
  readonly redisUrl: string;
  /** Jobs at the same time. */
  readonly concurrency: number;
  /** Jobs a second over all workers: the provider's limit; no limit when left out. */
  readonly perSecond?: number | undefined;
  /** Does one job. What it throws is reported and ends the job: the message is in the ledger, from where it comes back. */
  readonly work: (messageId: string) => Promise<void>;
  readonly onFault: (error: Error) => void;
  /** How often jobs of workers that went away are looked for, in milliseconds. */
  readonly stalledInterval?: number;
}

/** How long Redis believes in a worker that says nothing, in milliseconds; renewed while it lives. Until then its jobs count as being worked on. */
const lockDuration = 6_000;

export interface OutreachWorker {
  /** Throws when Redis does not answer. */
  ping(): Promise<void>;
  /** Takes no new job and waits for those in hand. */
  close(): Promise<void>;
}

/**
 * The consuming side of the outreach queue: waits for Redis as long as it takes.
 * `maxStalledCount: 0`: a job whose worker went away is not run a second time; the sweeper of the ledger decides what becomes of its message.
 */
export function createWorker(options: OutreachWorkerOptions): OutreachWorker {
  const redis = new Redis(options.redisUrl, { maxRetriesPerRequest: null, retryStrategy: reconnect });
  redis.on('error', () => undefined);
  const worker = new Worker<unknown>(outreachQueue, (job) => options.work(messageJob.parse(job.data).messageId), {
    connection: redis,
    concurrency: options.concurrency,
    maxStalledCount: 0,
    lockDuration,
    stalledInterval: options.stalledInterval ?? lockDuration / 2,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
    ...(options.perSecond !== undefined && { limiter: { max: options.perSecond, duration: 1_000 } }),
  });
  worker.on('error', options.onFault);
  worker.on('failed', (_job, error) => { options.onFault(error); });
  return {
    async ping() {
      if (redis.status !== 'ready') throw new Error(`Redis connection is ${redis.status}`);
      await redis.ping();
    },
    async close() {
      await worker.close(redis.status !== 'ready');
      redis.disconnect();
    },
  };
}
