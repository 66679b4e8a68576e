import type { OutreachQueue } from '../queue/queue.js';
import type { Database } from '../store/database.js';
import { expireClaims, putBack, queuedBefore, takeDue } from '../store/messages.js';

/**
 * Sends due messages to the queue. They are marked queued and committed first: a job must not run before the ledger says so.
 * When Redis fails, those not known to be there are due again.
 * @returns how many were looked at; as many as `limit` means that more may be waiting.
 */
export async function enqueueDue(db: Database, queue: OutreachQueue, limit: number, now: Date): Promise<number> {
  await queue.ping();
  const { taken, seen } = await takeDue(db, limit, now);
  if (taken.length === 0) return seen;
  try {
    await queue.addAll(taken);
  } catch (error) {
    await putBack(db, taken, now).catch(() => undefined); // else the sweeper does it
    throw error;
  }
  return seen;
}

export interface Swept {
  /** Claims whose worker went away. */
  readonly unknown: number;
  /** Messages whose jobs were lost. */
  readonly dueAgain: number;
}

const page = 1_000;

/**
 * Puts right what crashes left behind: expired claims become unknown, and what has been queued for longer than `patience` milliseconds
 * without a job in Redis (it was wiped, or the job's worker was killed) is due again.
 */
export async function sweepMessages(db: Database, queue: OutreachQueue, patience: number, now: Date): Promise<Swept> {
  const unknown = await expireClaims(db, now);
  let dueAgain = 0;
  let after: string | null = null;
  for (;;) {
    const waiting = await queuedBefore(db, new Date(now.getTime() - patience), after, page);
    const lost = waiting.length === 0 ? [] : await queue.missing(waiting);
    if (lost.length > 0) await putBack(db, lost, now);
    dueAgain += lost.length;
    after = waiting.at(-1)?.id ?? null;
    if (waiting.length < page) return { unknown, dueAgain };
  }
}
