import { setTimeout as wait } from 'node:timers/promises';
import kafkajs, { type Admin } from 'kafkajs';
import { bookingEventsTopic, customerEventsTopic, deadLetterTopic, orderEventsTopic, sourceTopic, sourceTopicPrefix } from './names.js';

const mebibyte = 1024 * 1024;

/** The largest message (in Kafka: record batch) of booking-events: the contract's 4 MiB and room for key and headers. */
export const bookingEventsMessageLimit = 5 * mebibyte;

/** A dead letter is the original message and headers that say why it died. */
export const deadLetterMessageLimit = bookingEventsMessageLimit + mebibyte;

/**
 * Of topics that others write to. LogAppendTime makes "occurred more than a day after Kafka's timestamp" a check against the broker's clock instead
 * of the sender's. Events are never compacted: a fold needs all of them.
 */
const incoming = { 'cleanup.policy': 'delete', 'message.timestamp.type': 'LogAppendTime', 'max.message.bytes': String(bookingEventsMessageLimit) };

/** What `createTopics` sets; all else is the broker's default. Topics of raw records are `incoming` ones. */
const topicConfigs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [bookingEventsTopic]: incoming,
  [deadLetterTopic]: { 'cleanup.policy': 'delete', 'max.message.bytes': String(deadLetterMessageLimit) },
  [orderEventsTopic]: { 'cleanup.policy': 'delete' },
  [customerEventsTopic]: { 'cleanup.policy': 'compact' },
};

export interface CreateTopics {
  /** Of each topic: the most ingest lanes that can work at once. */
  readonly partitions: number;
  /** -1: the broker's default. */
  readonly replicationFactor?: number;
  /** Sources that get a topic for their raw records. */
  readonly sources?: readonly string[];
}

export interface TopicDifference {
  readonly topic: string;
  readonly config: string;
  readonly expected: string;
  readonly actual: string;
}

export interface CreatedTopics {
  readonly created: readonly string[];
  readonly existing: readonly string[];
  /** Configs of topics that existed before and that differ from what they should be. They are left as they are: a person decides. */
  readonly differing: readonly TopicDifference[];
}

/**
 * Creates midline's topics where they are missing; may be repeated at will.
 *
 * @param admin connected
 */
export async function createTopics(admin: Admin, { partitions, replicationFactor = -1, sources = [] }: CreateTopics): Promise<CreatedTopics> {
  const present = new Set(await topicNames(admin));
  const names = [...Object.keys(topicConfigs), ...sources.map(sourceTopic)];
  const existing = names.filter((name) => present.has(name));
  const missing = names.filter((name) => !present.has(name));
  if (missing.length > 0) {
    await admin.createTopics({
      waitForLeaders: false,
      topics: missing.map((topic) => ({ topic, numPartitions: partitions, replicationFactor, configEntries: entriesOf(topic) })),
    });
    await waitForTopics(admin, missing);
  }
  return { created: missing, existing, differing: await differences(admin, existing) };
}

const pollInterval = 50;
const patience = 30_000;

/**
 * Resolves when every partition of the topics has a leader that answers as such. A broker of KRaft says "unknown topic" for a moment after it has
 * created one (kafkajs's own waiting takes that for a failure), and a leader that the metadata name already may not know of it yet.
 *
 * @throws Error after 30 s
 */
export async function waitForTopics(admin: Admin, topics: readonly string[]): Promise<void> {
  const end = Date.now() + patience;
  while (!(await haveLeaders(admin, topics))) {
    if (Date.now() > end) throw new Error(`Kafka has no leaders for ${topics.join(', ')} after ${patience / 1000} s`);
    await wait(pollInterval);
  }
}

async function haveLeaders(admin: Admin, topics: readonly string[]): Promise<boolean> {
  try {
    const metadata = await answered(admin.fetchTopicMetadata({ topics: [...topics] }));
    if (!metadata.topics.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0))) return false;
    await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic)));
    return true;
  } catch (error) {
    if (error instanceof kafkajs.KafkaJSProtocolError && notYet.has(error.type)) return false;
    throw error;
  }
}

const notYet: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE']);

const entriesOf = (topic: string): { name: string; value: string }[] =>
  Object.entries(topicConfigs[topic] ?? incoming).map(([name, value]) => ({ name, value }));

async function differences(admin: Admin, topics: readonly string[]): Promise<readonly TopicDifference[]> {
  const actual = await configsOf(admin, topics);
  return topics.flatMap((topic) =>
    entriesOf(topic).flatMap(({ name, value }) => {
      const found = actual.get(topic)?.[name] ?? '';
      return found === value ? [] : [{ topic, config: name, expected: value, actual: found }];
    }),
  );
}

export interface TopicPartition {
  readonly partition: number;
  /** Offset of the first message that is still there. */
  readonly low: string;
  /** Offset that the next message gets. */
  readonly high: string;
}

export interface TopicDescription {
  readonly topic: string;
  readonly partitions: readonly TopicPartition[];
  readonly configs: Readonly<Record<string, string>>;
}

/** No broker that is known answered; the world's fault. */
class BrokersAway extends Error {
  override readonly name = 'BrokersAway';
  readonly retriable = true;
}

/** Where every broker that kafkajs knows is away, it has null for the metadata and trips over that. */
async function answered<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof Error && error.name === 'TypeError' ? new BrokersAway('no Kafka broker answers', { cause: error }) : error;
  }
}

/**
 * The names of all topics that exist.
 *
 * @param admin connected
 */
export const topicNames = (admin: Admin): Promise<readonly string[]> => answered(admin.listTopics());

/**
 * midline's topics that exist, those of raw source records among them.
 *
 * @param admin connected
 */
export async function listTopics(admin: Admin): Promise<readonly TopicDescription[]> {
  const names = (await topicNames(admin)).filter((name) => name in topicConfigs || name.startsWith(sourceTopicPrefix)).sort();
  const configs = await configsOf(admin, names);
  return Promise.all(names.map(async (topic) => ({ topic, partitions: await partitionsOf(admin, topic), configs: configs.get(topic) ?? {} })));
}

async function partitionsOf(admin: Admin, topic: string): Promise<readonly TopicPartition[]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets.map(({ partition, low, high }) => ({ partition, low, high })).sort((a, b) => a.partition - b.partition);
}

const shownConfigs = ['cleanup.policy', 'message.timestamp.type', 'max.message.bytes', 'retention.ms'];

async function configsOf(admin: Admin, topics: readonly string[]): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  if (topics.length === 0) return new Map();
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: shownConfigs })),
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}
