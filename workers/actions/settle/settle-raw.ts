import { createHash } from 'node:crypto';
import type { Rejection } from '../../domain/rejection.js';
import { createDocumentMapper, type DocumentMapper } from '../../sources/document-mapper.js';
import { createFetcher, fetchRecords, type Fetcher } from '../../sources/fetcher.js';
import type { MappedRecord } from '../../sources/mapper.js';
import { parseSourceMap } from '../../sources/source-map.js';
import type { Database, Queryable } from '../../store/database.js';
import { markApplied, recordDeadLetters, replayedFrom } from '../../store/dead-letters.js';
import { countOutcomes, lastMessageOf, lookAtFence, rememberMessage } from '../../store/fence.js';
import { findSourceMap } from '../../store/sources.js';
import { messageLimit, type Codec } from '../../topics/codec.js';
import { bookingKey } from '../../topics/names.js';
import { chunksOf, type OutgoingMessage } from '../../topics/producer.js';
import type { RelayProducer } from '../../topics/relay-producer.js';
import type { Batch, Incoming } from './batch.js';
import { deadLetterOf, fenceBatch, TopicRecreated } from './fenced-batch.js';
import type { Settled, SettleOptions } from './settle.js';

export interface SettleRawDependencies {
  readonly database: Database;
  /** Registered. */
  readonly codec: Codec;
  readonly producer: RelayProducer;
  /** Whose records the topic carries. */
  readonly source: string;
  /** Where the events go. */
  readonly eventsTopic: string;
  /** Most documents that are mapped at once. */
  readonly threads: number;
  /** The built module of the threads, where it is not found by itself. */
  readonly threadModule?: URL | undefined;
  /** The value of an environment variable that a map's header names. */
  readonly secret: (name: string) => string | undefined;
  readonly stopping: AbortSignal;
  /** Wraps a step, so that it is measured under its name. */
  readonly observe: <Result>(step: string, work: () => Promise<Result>) => Promise<Result>;
}

export interface RawSettlement {
  readonly settle: (batch: Batch, options: SettleOptions) => Promise<Settled>;
  /** Gives up what is being mapped. */
  readonly close: () => Promise<void>;
}

/** The map that holds, and what works by it. */
interface Current {
  readonly hash: string;
  readonly mapper: DocumentMapper;
  readonly fetcher: Fetcher | null;
}

/** What one raw message makes: messages with its events, all of them, or a rejection. */
type Made = { readonly outgoing: readonly OutgoingMessage[] } | { readonly rejection: Rejection };

/** The source's partition has to wait for a person; other sources go on. */
class SourceWaits extends Error {
  override readonly name = 'SourceWaits';
  /** Read by `faultKind`: tried again for ever. */
  readonly retryable = true;
}

/**
 * Settles batches of a topic that carries the raw records of one source: map → produce the events, wait until Kafka has them → one transaction with fence,
 * dead letters and counters. A kill between the last two makes the events twice; their ids come from the map, so the second ones count as duplicates.
 * The events of one message are produced all or none, those of a batch in its order. A changed map holds from the next batch on.
 * @throws as createSettle; SourceWaits, FetchFailed, MapperClosed and errors of the producer (all of the world): in each case nothing was committed.
 */
export function createSettleRaw(dependencies: SettleRawDependencies): RawSettlement {
  const { database, codec, producer, source, eventsTopic, threads, threadModule, secret, stopping, observe } = dependencies;
  let current: Current | null = null;
  /** What is made of messages in hand, by the map's hash: a batch that is tried again is neither mapped nor fetched again. */
  const made = new WeakMap<Incoming, { readonly hash: string; readonly what: Promise<Made> }>();

  async function currentMap(): Promise<Current> {
    const stored = await findSourceMap(database, source);
    if (stored === null) throw new SourceWaits(`there is no map of ${source} any more; apply one: midline sources apply MAP`);
    if (current?.hash === stored.hash) return current;
    const parsed = parseSourceMap(stored.text, source);
    if ('problems' in parsed) throw new SourceWaits(`the stored map of ${source} cannot be used by this version (${parsed.problems[0]?.field} ${parsed.problems[0]?.problem}); apply one that can: midline sources apply MAP`);
    const old = current;
    const { fetch } = parsed.map;
    current = {
      hash: stored.hash,
      mapper: createDocumentMapper(parsed.map, { threads, module: threadModule }),
      fetcher: fetch === undefined ? null : createFetcher(fetch, { secret, signal: stopping }),
    };
    await old?.mapper.close();
    return current;
  }

  function make(message: Incoming, by: Current): Promise<Made> {
    const known = made.get(message);
    if (known?.hash === by.hash) return known.what;
    const what = makeAnew(message, by);
    made.set(message, { hash: by.hash, what });
    what.catch(() => { if (made.get(message)?.what === what) made.delete(message); });
    return what;
  }

  async function makeAnew({ value, timestamp }: Incoming, { mapper, fetcher }: Current): Promise<Made> {
    if (value === null) return rejected('NULL_VALUE', 'the message has no value');
    if (value.length > messageLimit) return rejected('SIZE', `the message has ${value.length} bytes; ${messageLimit} are allowed`);
    if (!(Math.abs(timestamp) < latest)) return rejected('TIME', `the Kafka timestamp ${timestamp} is impossible`);
    const read = await mapper.read(value);
    if ('problem' in read) return rejected('FORMAT', `the record ${read.problem}`);
    const records = fetcher === null ? read.records : await fetchRecords(fetcher, read.records);
    const bad = records.filter((record) => 'problem' in record);
    if (bad[0] !== undefined) return rejected(bad[0].code ?? 'FORMAT', sentences(bad.map((record) => `${placeOf(record, records.length)}${record.code === undefined ? ' ' : ': '}${record.problem}`)));
    const mapped = await mapper.map({ records, received: new Date(timestamp).toISOString() });
    if ('problem' in mapped) return rejected('MAP', `mapping the record ${mapped.problem}`);
    return outgoingOf(mapped.records);
  }

  function outgoingOf(records: readonly MappedRecord[]): Made {
    const problems = records.flatMap((record) => record.problems.map(({ field, problem }) => `${placeOf(record, records.length)}: ${field === null ? '' : `${field} `}${problem}`));
    if (problems.length > 0) return rejected('MAP', sentences(problems));
    const outgoing = records.flatMap(({ events }) => events.map((event) => ({ key: bookingKey(event), value: codec.encodeBookingEvent(event) })));
    const large = outgoing.find(({ value }) => value.length > messageLimit);
    if (large !== undefined) return rejected('SIZE', `an event of the record makes a message of ${large.value.length} bytes; ${messageLimit} are allowed`);
    return { outgoing };
  }

  async function settleWithin(tx: Queryable, batch: Batch, results: ReadonlyMap<number, Made>, acceptGap: boolean): Promise<Settled> {
    const { group, topic, partition } = batch;
    const fence = await fenceBatch(tx, batch, { acceptGap });
    const todo = batch.messages.filter((message) => message.offset >= fence.appliedBelow);
    const living = todo.filter((message) => !fence.dead.has(message.offset)).map((message) => {
      const result = results.get(message.offset);
      if (result === undefined) throw new SourceWaits(`the fence of ${topic} [${partition}] was moved back while a batch was in hand`);
      return { message, result };
    });
    const refused = living.flatMap(({ message, result }) => ('rejection' in result ? [{ message, rejection: result.rejection }] : []));
    await markApplied(tx, living.flatMap(({ message, result }) => ('outgoing' in result ? replayedFrom(message.headers) ?? [] : [])));
    await recordDeadLetters(tx, refused.map((message) => deadLetterOf(batch, fence, message)));
    const outcomes = { read: todo.length, applied: living.length - refused.length, duplicate: 0, late: 0, deadLettered: refused.length + todo.length - living.length };
    await countOutcomes(tx, group, topic, partition, outcomes);
    const last = todo.at(-1);
    if (last !== undefined) await rememberMessage(tx, group, topic, partition, { offset: last.offset, digest: digestOf(last) });
    return { outcomes, dropped: batch.messages.length - todo.length };
  }

  return {
    async settle(batch, { acceptGap = false, refused = new Map<number, Rejection>() }) {
      const by = await currentMap();
      const before = await lookAtFence(database, batch.group, batch.topic, batch.partition, batch.nextOffset);
      await assertSameTopic(database, batch, before.appliedBelow);
      const todo = batch.messages.filter(({ offset }) => offset >= before.appliedBelow && !before.dead.has(offset));
      const results = await observe('map', () => Promise.all(todo.map(async (message): Promise<readonly [number, Made]> => {
        const rejection = refused.get(message.offset);
        return [message.offset, rejection === undefined ? await make(message, by) : { rejection }];
      })));
      const outgoing = results.flatMap(([, result]) => ('outgoing' in result ? result.outgoing : []));
      await observe('produce', async () => {
        for (const chunk of chunksOf(outgoing)) await producer.send(eventsTopic, chunk);
      });
      return database.transaction((tx) => settleWithin(tx, batch, new Map(results), acceptGap));
    },
    close: async () => { await current?.mapper.close(); },
  };
}

/** Of messages below the fence only the last one is remembered: where another one stands in its place, the topic is not the one that was read before. */
async function assertSameTopic(db: Queryable, { group, topic, partition, messages }: Batch, appliedBelow: number): Promise<void> {
  if ((messages[0]?.offset ?? appliedBelow) >= appliedBelow) return;
  const last = await lastMessageOf(db, group, topic, partition);
  const found = messages.find(({ offset }) => offset === last?.offset);
  if (last === null || found === undefined || digestOf(found) === last.digest) return;
  throw new TopicRecreated(topic, `offset ${last.offset} of ${topic} [${partition}] is another message than the one that was settled`);
}

const digestOf = ({ timestamp, value }: Incoming): string => createHash('sha256').update(`${timestamp} `).update(value ?? '').digest('hex').slice(0, 32);

/** What JavaScript has dates for, in milliseconds. */
const latest = 8.64e15;

const rejected = (code: Rejection['code'], reason: string): Made => ({ rejection: { code, reason } });

const placeOf = ({ number, line }: { readonly number: number; readonly line: number }, records: number): string => (records === 1 ? 'the record' : `record ${number} (line ${line})`);

const longest = 500;

function sentences(problems: readonly string[]): string {
  const text = problems.slice(0, 3).join('; ');
  return `${text.length > longest ? `${text.slice(0, longest)}…` : text}${problems.length > 3 ? `; and ${problems.length - 3} more` : ''}`;
}
