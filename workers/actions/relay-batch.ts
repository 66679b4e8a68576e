import type { RelayMessage, RelayProducer } from '../topics/relay-producer.js';

/** A message for Kafka; `id` is the row that it comes from. */
export interface RelayedMessage extends RelayMessage {
  readonly id: string;
  readonly topic: string;
}

export interface BatchLimits {
  readonly messages: number;
  /** Kafka limits a batch by its bytes (max.message.bytes, 1 MiB unless told otherwise). */
  readonly bytes: number;
}

export interface Relayed {
  readonly sent: readonly string[];
  /** Larger than the topic allows, each for itself. */
  readonly tooLarge: readonly string[];
}

/** Sends messages in their order and says by id which of them fit. Faults of the world are thrown; then nothing is known of any. */
export async function sendWhatFits(send: RelayProducer['send'], messages: readonly RelayedMessage[]): Promise<Relayed> {
  const topics = [...new Set(messages.map((message) => message.topic))];
  const results: Relayed[] = [];
  for (const topic of topics) results.push(await sendToTopic(send, topic, messages.filter((message) => message.topic === topic)));
  return { sent: results.flatMap((result) => result.sent), tooLarge: results.flatMap((result) => result.tooLarge) };
}

/** All at once; where that is too much for the topic, one by one. */
async function sendToTopic(send: RelayProducer['send'], topic: string, messages: readonly RelayedMessage[]): Promise<Relayed> {
  const ids = messages.map((message) => message.id);
  try {
    await send(topic, messages.map(({ key, value, headers }) => ({ key, value, ...(headers && { headers }) })));
    return { sent: ids, tooLarge: [] };
  } catch (error) {
    if (!isTooLarge(error)) throw error;
    if (messages.length === 1) return { sent: [], tooLarge: ids };
  }
  const results: Relayed[] = [];
  for (const message of messages) results.push(await sendToTopic(send, topic, [message]));
  return { sent: results.flatMap((result) => result.sent), tooLarge: results.flatMap((result) => result.tooLarge) };
}

/** Kafka's two answers to a batch that is too large; kafkajs names them in `type`, on the error or on its cause. */
function isTooLarge(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('type' in error && (error.type === 'MESSAGE_TOO_LARGE' || error.type === 'RECORD_LIST_TOO_LARGE')) return true;
  return isTooLarge(error.cause);
}
