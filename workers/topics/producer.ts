import kafkajs, { type CompressionTypes, type Kafka } from 'kafkajs';

export interface OutgoingMessage {
  /** Decides the partition: `bookingKey(event)` for booking events, the order's id for order events. Null: any partition. */
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string>>;
  /** Sent to this partition whatever the key says. */
  readonly partition?: number;
}

export interface EventProducer {
  readonly connect: () => Promise<void>;
  /**
   * Resolves when all in-sync replicas have all messages. Messages of one partition keep their order.
   * After a rejection some may have arrived: sending the batch again is right (at least once), by a new producer,
   * because the sequence numbers of this one may have a hole, and because one topic that is gone makes all its later calls fail.
   */
  readonly sendBatch: (topic: string, messages: readonly OutgoingMessage[]) => Promise<void>;
  readonly disconnect: () => Promise<void>;
}

export interface EventProducerOptions {
  readonly compression?: CompressionTypes;
}

/** Few large record batches are what Kafka is fast at; a batch must stay below every topic's message limit. */
const bytesAtOnce = 768 * 1024;
const overheadOfMessage = 100;

/** An idempotent producer: what it retries by itself arrives once. Keys are hashed to partitions as Java does (murmur2). */
export function createEventProducer(kafka: Kafka, { compression = kafkajs.CompressionTypes.None }: EventProducerOptions = {}): EventProducer {
  const producer = kafka.producer({ idempotent: true, createPartitioner: kafkajs.Partitioners.DefaultPartitioner });

  async function sendBatch(topic: string, messages: readonly OutgoingMessage[]): Promise<void> {
    for (const chunk of chunksOf(messages)) await producer.send({ topic, acks: -1, compression, messages: chunk.map(toKafka) });
  }

  return { connect: () => producer.connect(), sendBatch, disconnect: () => producer.disconnect() };
}

/** The same messages in pieces that every topic takes as one record batch. */
export function chunksOf(messages: readonly OutgoingMessage[]): readonly (readonly OutgoingMessage[])[] {
  const chunks: OutgoingMessage[][] = [];
  let room = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    const chunk = chunks.at(-1);
    if (chunk === undefined || size > room) {
      chunks.push([message]);
      room = bytesAtOnce - size;
    } else {
      chunk.push(message);
      room -= size;
    }
  }
  return chunks;
}

function sizeOf({ key, value, headers }: OutgoingMessage): number {
  const parts = [key, value, ...Object.entries(headers ?? {}).flat()];
  return parts.reduce((sum, part) => sum + (part === null ? 0 : Buffer.byteLength(part)), overheadOfMessage);
}

const toKafka = ({ key, value, headers, partition }: OutgoingMessage) => ({
  key,
  value,
  ...(headers === undefined ? {} : { headers: { ...headers } }),
  ...(partition === undefined ? {} : { partition }),
});
