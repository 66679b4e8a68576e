import { randomUUID } from 'node:crypto';
import { sendMessage, type OutgoingMail } from '../actions/send-message.js';
import { createWorker } from '../queue/worker.js';
import { atMost, pause } from '../runtime/backoff.js';
import type { Config } from '../runtime/config.js';
import { createFailure, faultKind } from '../runtime/faults.js';
import { startHealth } from '../runtime/health.js';
import type { Worker } from '../runtime/lifecycle.js';
import type { Log } from '../runtime/log.js';
import { insist, keepGoing, type LoopOptions } from '../runtime/loop.js';
import { createMetrics } from '../runtime/metrics.js';
import { observe } from '../runtime/observe.js';
import { createDatabase } from '../store/database.js';
import { signOfLife, signOff } from '../store/workers.js';
import { createMailTransport } from './mail-transport.js';
import { loadTemplates } from './templates.js';

export type OutreachConfig = Config<'DATABASE_URL' | 'REDIS_URL' | 'SMTP_URL'>;

export interface OutreachOptions {
  readonly log: Log;
  /** The newest migration that this build knows. */
  readonly schema?: string;
}

const signEvery = 5_000;

/**
 * Sends what the queue says is due: claims each message in the ledger, checks, renders and sends it, and writes down what came of it.
 * Waits for servers that are away; `done` rejects when a fault is none of the world's.
 */
export async function startOutreach(config: OutreachConfig, { log, schema }: OutreachOptions): Promise<Worker & { readonly healthUrl: string; readonly done: Promise<void> }> {
  const id = randomUUID();
  const startedAt = new Date();
  const stopping = new AbortController();
  const { signal } = stopping;
  const metrics = createMetrics();
  const render = await loadTemplates();
  const db = createDatabase(config.DATABASE_URL, { max: config.OUTREACH_CONCURRENCY + 2, application: 'midline outreach' });
  const mail = createMailTransport({ url: config.SMTP_URL, from: config.SMTP_FROM, connections: config.OUTREACH_CONCURRENCY });
  const loop = (fault: string): LoopOptions => ({
    signal,
    onFault: (error) => {
      metrics.retries.inc({ fault });
      log.warn({ error, fault }, 'trying again');
    },
  });

  const tools = {
    db,
    render,
    send: observe('send mail', (one: OutgoingMail) => mail.send(one), { metrics, log }),
    insist: async <Result>(work: () => Promise<Result>): Promise<Result> => {
      const result = await insist(async () => ({ done: await work() }), loop('ledger'));
      if (result === undefined) throw new Error('stopped before the ledger could be written');
      return result.done;
    },
    now: () => new Date(),
    random: Math.random,
  };
  const sendOne = observe('send message', (messageId: string) => sendMessage(tools, messageId), { metrics, log });
  const failure = createFailure();
  const work = async (messageId: string): Promise<void> => {
    try {
      metrics.sends.inc({ result: await sendOne(messageId) });
    } catch (error) {
      if (!signal.aborted && faultKind(error) === 'unknown') failure.report(error);
      throw error;
    }
  };
  const queue = createWorker({
    redisUrl: config.REDIS_URL,
    concurrency: config.OUTREACH_CONCURRENCY,
    perSecond: config.OUTREACH_PER_SECOND,
    work,
    onFault: loop('job').onFault,
  });
  const health = await startHealth({
    port: config.HEALTH_PORT,
    host: config.HEALTH_HOST,
    metrics,
    live: () => !failure.reported(),
    checks: { postgres: () => db.query('select 1'), redis: () => queue.ping(), smtp: () => mail.verify() },
  });
  const sign = async (): Promise<boolean> => {
    await signOfLife(db, { id, kind: 'outreach', startedAt, details: { pid: process.pid, schema } }, new Date());
    return false;
  };
  const signing = keepGoing(sign, () => pause(signEvery, signal), loop('sign of life'));
  signing.catch((error: unknown) => { failure.report(error); });

  return {
    healthUrl: health.url,
    done: Promise.race([signing, failure.first]),
    async stop() {
      await atMost(7_000, queue.close());
      stopping.abort();
      await signing.catch(() => undefined);
      await signOff(db, id).catch(() => undefined);
      await health.close();
      mail.close();
      await db.close();
    },
  };
}
