import { randomUUID } from 'node:crypto';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { registerCompression } from './compression.js';

/**
 * Reads one message, outside of any worker's group. Null: nothing is at that offset (a control record, or compacted away).
 * @throws Error where the topic has no such partition, or the offset lies outside of what the partition holds.
 */
export async function fetchMessage(kafka: Kafka, topic: string, partition: number, offset: string): Promise<KafkaMessage | null> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const bounds = (await admin.fetchTopicOffsets(topic)).find((one) => one.partition === partition);
    if (bounds === undefined) throw new Error(`topic ${topic} has no partition ${partition}`);
    if (BigInt(offset) < BigInt(bounds.low) || BigInt(offset) >= BigInt(bounds.high)) {
      throw new Error(`partition ${partition} of ${topic} holds the offsets from ${bounds.low} to below ${bounds.high}, not ${offset}`);
    }
    const groupId = `midline-fetch-${randomUUID()}`;
    const message = await readAt(kafka, groupId, topic, partition, offset);
    await admin.deleteGroups([groupId]).catch(() => undefined); // an empty group ends by itself
    return message;
  } finally {
    await admin.disconnect();
  }
}

async function readAt(kafka: Kafka, groupId: string, topic: string, partition: number, offset: string): Promise<KafkaMessage | null> {
  registerCompression();
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    return await new Promise((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => { reject(payload.error); });
      consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          if (batch.partition !== partition) return;
          const found = batch.messages.find((message) => message.offset === offset);
          if (found !== undefined) resolve(found);
          else if (BigInt(batch.lastOffset()) >= BigInt(offset)) resolve(null);
        },
      }).catch(reject);
      consumer.seek({ topic, partition, offset });
    });
  } finally {
    await consumer.disconnect();
  }
}
