import { audit } from '../store/audit.js';
import type { Database } from '../store/database.js';
import { raiseFactsVersion, takeFactsLockExclusively } from '../store/facts-lock.js';
import { doubtMessages } from '../store/messages.js';
import { lastKnown, raiseRevisions, skipIds } from '../store/restores.js';

export interface NotedRestore {
  readonly orders: number;
  /** Messages that the lost database may have sent: now unknown. */
  readonly unknownMessages: number;
  /** Order events go on with revisions above it. */
  readonly revisionBase: number;
  /** The newest things that the restored database knows of: what came later is read from Kafka again, or has to be done again. */
  readonly settledAt: Date | null;
  readonly actionAt: Date | null;
}

/**
 * Makes a database that was restored to an earlier state fit to go on, before any worker starts: the lost one may have sent messages, announced orders
 * under revisions, and given ids away that this one does not know of. None of that happens twice or means two things afterwards. Doing it again does no harm.
 * @param lostAt when the lost database was last alive; what Kafka received later is told as usual
 */
export function noteRestore(database: Database, lostAt: Date, actor: string, now: Date): Promise<NotedRestore> {
  return database.transaction(async (tx) => {
    await takeFactsLockExclusively(tx);
    const known = await lastKnown(tx);
    const revisionBase = now.getTime(); // above every revision of before: an order does not change a thousand times a second all its life
    const orders = await raiseRevisions(tx, lostAt, revisionBase, actor, now);
    const unknownMessages = await doubtMessages(tx, lostAt, now);
    await skipIds(tx);
    await raiseFactsVersion(tx);
    await audit(tx, actor, 'restored', 'database', { lostAt, revisionBase, unknownMessages }, now);
    return { orders, unknownMessages, revisionBase, ...known };
  });
}
