import type { Database } from '../store/database.js';
import { allLanes, deleteFromOutbox, lockLanes, readLanes, setAside } from '../store/outbox.js';
import type { RelayProducer } from '../topics/relay-producer.js';
import { sendWhatFits, type BatchLimits, type Relayed } from './relay-batch.js';

/**
 * Sends the oldest order events of all lanes that no other relay holds, and deletes those that Kafka has acknowledged.
 * The lanes' locks are held until then, so a lane has one batch in flight and its order holds. A crash in between sends the batch again:
 * consumers ignore a revision that is not newer. What is larger than its topic allows is set aside and holds nobody up.
 */
export async function relayOutbox(db: Database, send: RelayProducer['send'], limits: BatchLimits): Promise<Relayed> {
  return db.transaction(async (tx) => {
    const lanes = await lockLanes(tx, allLanes);
    if (lanes.length === 0) return { sent: [], tooLarge: [] };
    const messages = await readLanes(tx, lanes, Math.ceil(limits.messages / lanes.length), limits.bytes);
    const relayed = await sendWhatFits(send, messages);
    const [sent, tooLarge] = [new Set(relayed.sent), new Set(relayed.tooLarge)];
    await deleteFromOutbox(tx, messages.filter(({ id }) => sent.has(id)));
    if (tooLarge.size > 0) await setAside(tx, messages.filter(({ id }) => tooLarge.has(id)));
    return relayed;
  });
}
