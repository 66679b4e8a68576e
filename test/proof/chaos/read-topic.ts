import { randomUUID } from 'node:crypto';
import type { Admin, Kafka } from 'kafkajs';
import type { PublishedMessage } from './oracle.js';

/** Everything that a topic holds at this moment, by partition and offset. @param admin connected */
export async function readTopic(kafka: Kafka, admin: Admin, topic: string): Promise<readonly PublishedMessage[]> {
  const ends = new Map((await admin.fetchTopicOffsets(topic)).filter(({ low, high }) => low !== high).map(({ partition, high }) => [partition, Number(high)]));
  if (ends.size === 0) return [];
  const messages: PublishedMessage[] = [];
  const consumer = kafka.consumer({ groupId: `chaos-read-${randomUUID()}`, sessionTimeout: 10_000, maxWaitTimeInMs: 100 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => { if (!payload.restart) reject(payload.error); });
      consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const { offset, key, value, headers = {}, timestamp } of batch.messages) {
            messages.push({ topic, partition: batch.partition, offset: Number(offset), key, value, headers, timestamp: Number(timestamp) });
          }
          if (Number(batch.lastOffset()) + 1 >= (ends.get(batch.partition) ?? 0)) ends.delete(batch.partition);
          if (ends.size === 0) resolve();
        },
      }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return messages.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
