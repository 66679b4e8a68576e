import { randomUUID } from 'node:crypto';
import type { Kafka, KafkaMessage } from 'kafkajs';

/** Reads a topic from its beginning until `count` messages pass `filter`; messages come in the order of their partitions. */
export async function readTopic(kafka: Kafka, topic: string, count: number, filter: (message: KafkaMessage) => boolean = () => true): Promise<readonly KafkaMessage[]> {
  const consumer = kafka.consumer({ groupId: `test-${randomUUID()}`, sessionTimeout: 6_000 });
  const found: KafkaMessage[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.run({
        eachMessage: async ({ message }) => {
          if (filter(message)) found.push(message);
          if (found.length >= count) resolve();
        },
      }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return found;
}
