import { createSettleRaw } from '../actions/settle/settle-raw.js';
import { readSecret } from '../runtime/config.js';
import { observe } from '../runtime/observe.js';
import { mappedSources } from '../store/sources.js';
import { topicNames } from '../topics/admin.js';
import type { Codec } from '../topics/codec.js';
import { sourceTopic } from '../topics/names.js';
import { createRelayProducer } from '../topics/relay-producer.js';
import { createReader, type Reader, type ReaderSurroundings } from './reader.js';

export interface RawReadersOptions {
  /** Of the bookings; each raw topic is read by a group of its own: `midline.source.hotel-pms`. */
  readonly group: string;
  /** Where the events go. */
  readonly eventsTopic: string;
  /** Registered before anything is discovered. */
  readonly codec: Codec;
  readonly threadModule?: URL | undefined;
  readonly onSettled: (messages: number) => void;
}

/** The readers of raw topics: one for each source whose map is stored and whose topic is there. */
export interface RawReaders {
  readonly readers: () => readonly Reader[];
  /** Looks for sources that have none yet, and begins to read them. */
  readonly discover: () => Promise<void>;
  readonly leave: () => Promise<void>;
}

/** Mapping and fetching are slow beside storing: what is lost with a batch in hand should be little. */
const batchSize = 50;

export function createRawReaders(surroundings: ReaderSurroundings, { group, eventsTopic, codec, threadModule, onSettled }: RawReadersOptions): RawReaders {
  const { config, kafka, admin, database, metrics, log, stopping } = surroundings;
  const producer = createRelayProducer(kafka);
  const reading = new Map<string, { readonly reader: Reader; readonly close: () => Promise<void> }>();
  let discovering: Promise<void> | undefined;

  async function begin(source: string): Promise<void> {
    const topic = sourceTopic(source);
    const { settle, close } = createSettleRaw({
      database, codec, producer, source, eventsTopic, threadModule,
      secret: (name) => readSecret(process.env, name), stopping,
      threads: config.INGEST_PARTITIONS_AT_ONCE,
      observe: (step, work) => observe(step, work, { metrics, log })(),
    });
    const reader = createReader(surroundings, { group: `${group}.${topic}`, topic, batchSize, settle, onSettled });
    try {
      await reader.begin();
    } catch (error) {
      await reader.leave();
      throw error;
    }
    reading.set(source, { reader, close });
  }

  async function look(): Promise<void> {
    const unread = (await mappedSources(database)).filter((source) => !reading.has(source));
    if (unread.length === 0) return;
    const topics = new Set(await topicNames(admin));
    for (const source of unread) if (topics.has(sourceTopic(source)) && !stopping.aborted) await begin(source);
  }

  return {
    readers: () => [...reading.values()].map(({ reader }) => reader),
    discover: () => (discovering ??= look().finally(() => { discovering = undefined; })),
    async leave() {
      await discovering?.catch(() => undefined);
      await Promise.all([...reading.values()].map(({ reader, close }) => Promise.all([close(), reader.leave()])));
      await producer.close();
    },
  };
}
