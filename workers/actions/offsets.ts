import type { Database } from '../store/database.js';
import { adoptTopic, isRead, passFence, recordGap } from '../store/fence.js';
import { audit } from '../store/audit.js';
import { takeFactsLockExclusively } from '../store/facts-lock.js';

/** Notes that messages were deleted in Kafka before this group read them, and lets the fence pass them. */
export const recordOffsetGap = (database: Database, group: string, topic: string, partition: number, firstOffset: number, nextOffset: number): Promise<void> =>
  database.transaction((tx) => recordGap(tx, group, topic, partition, firstOffset, nextOffset));

/** Moves the fence past records that hold no messages, if it has reached the first of them; else nothing happens: messages before them are not settled yet. */
export const passControlRecords = (database: Database, group: string, topic: string, partition: number, firstOffset: number, nextOffset: number): Promise<void> =>
  passFence(database, group, topic, partition, firstOffset, nextOffset);

/** Takes a re-created topic for what it is: every group reads it from its beginning, in a new epoch. Returns the epoch. Waits for running batches. */
export const adopt = (database: Database, topic: string, actor: string, now: Date): Promise<number> =>
  database.transaction(async (tx) => {
    await takeFactsLockExclusively(tx);
    if (!await isRead(tx, topic)) throw new Error(`no group has read a topic ${topic}: there is nothing to adopt`);
    const epoch = await adoptTopic(tx, topic);
    await audit(tx, actor, 'topics adopt', topic, { epoch }, now);
    return epoch;
  });
