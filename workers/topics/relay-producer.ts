import kafkajs, { type IHeaders, type Kafka, type Message, type Producer } from 'kafkajs';

/** A message that goes on as it is: headers may hold several values under one name. */
export interface RelayMessage {
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string | readonly Buffer[]>>;
}

export interface RelayProducer {
  /**
   * Sends one batch; resolves when all in-sync replicas have all of it. One call at a time: then the order of calls is the order in a partition.
   * After a rejection some may have arrived; the next call begins with a new producer, because the sequence numbers of the old one may have a hole.
   */
  readonly send: (topic: string, messages: readonly RelayMessage[]) => Promise<void>;
  /** Connects if that is still to be done; throws when Kafka cannot be reached. */
  readonly ready: () => Promise<void>;
  /** Never throws. */
  readonly close: () => Promise<void>;
}

/** An idempotent producer that connects when it is first needed and is made anew after a fault. Keys are hashed to partitions as Java does (murmur2). */
export function createRelayProducer(kafka: Kafka): RelayProducer {
  let current: Promise<Producer> | undefined;

  const connected = (): Promise<Producer> => {
    current ??= connect(kafka);
    return current;
  };

  const discard = async (): Promise<void> => {
    const old = current;
    current = undefined;
    await old?.then((producer) => producer.disconnect()).catch(() => undefined);
  };

  async function withProducer(work: (producer: Producer) => Promise<unknown>): Promise<void> {
    try {
      await work(await connected());
    } catch (error) {
      await discard();
      throw error;
    }
  }

  return {
    send: (topic, messages) => withProducer((producer) => producer.send({ topic, acks: -1, messages: messages.map(toKafka) })),
    ready: () => withProducer(async () => undefined),
    close: discard,
  };
}

async function connect(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({ idempotent: true, createPartitioner: kafkajs.Partitioners.DefaultPartitioner, retry: { retries: 3 } });
  await producer.connect();
  return producer;
}

const toKafka = ({ key, value, headers }: RelayMessage): Message => ({ key, value, ...(headers !== undefined && { headers: toKafkaHeaders(headers) }) });

const toKafkaHeaders = (headers: NonNullable<RelayMessage['headers']>): IHeaders =>
  Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, typeof header === 'string' || Buffer.isBuffer(header) ? header : [...header]]));
