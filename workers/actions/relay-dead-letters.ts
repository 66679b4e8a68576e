import type { Database } from '../store/database.js';
import { markRelayed, takeForRelay, type DeadLetterMessage } from '../store/dead-letters.js';
import type { RelayProducer } from '../topics/relay-producer.js';
import { sendWhatFits, type BatchLimits, type Relayed, type RelayedMessage } from './relay-batch.js';

/**
 * Publishes dead letters: original key, bytes and headers, then why and from where. One that is too large even for this topic
 * stays in the table, marked, and holds up nobody.
 */
export async function relayDeadLetters(db: Database, send: RelayProducer['send'], topic: string, limits: BatchLimits): Promise<Relayed> {
  return db.transaction(async (tx) => {
    const letters = await takeForRelay(tx, limits.messages, limits.bytes);
    if (letters.length === 0) return { sent: [], tooLarge: [] };
    const relayed = await sendWhatFits(send, letters.map((letter) => toMessage(letter, topic)));
    await markRelayed(tx, relayed.sent, 'sent');
    if (relayed.tooLarge.length > 0) await markRelayed(tx, relayed.tooLarge, 'too-large');
    return relayed;
  });
}

function toMessage(letter: DeadLetterMessage, topic: string): RelayedMessage {
  return {
    id: letter.id,
    topic,
    key: letter.key,
    value: letter.value,
    headers: {
      ...letter.headers,
      'midline-code': letter.code,
      'midline-reason': letter.reason,
      'midline-topic': letter.topic,
      'midline-partition': String(letter.partition),
      'midline-offset': letter.offset,
    },
  };
}
