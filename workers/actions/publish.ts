import type { BookingEvent } from '../../schemas/booking-event.js';
import type { FieldProblem } from '../sources/canonical-events.js';
import type { MappedRecord, Mapper } from '../sources/mapper.js';
import { fetchRecords, type Fetcher } from '../sources/fetcher.js';
import { createMapping, type Mapping } from '../sources/mapping.js';
import { readNdjson } from '../sources/read-lines.js';
import { readRecords } from '../sources/read-records.js';
import { UnreadableFileError, type Bytes, type SourceRecord } from '../sources/record.js';
import type { SourceMap } from '../sources/source-map.js';
import { unpack } from '../sources/unpack.js';
import { createUnreadFields, type UnreadField } from '../sources/unread-fields.js';
import { messageLimit, type Codec } from '../topics/codec.js';
import { bookingEventsTopic, bookingKey } from '../topics/names.js';
import type { EventProducer, OutgoingMessage } from '../topics/producer.js';

/** A file that is to be published. */
export interface PublishedFile {
  readonly name: string;
  /** Opens it: plain, gzipped or zipped. May fail. */
  readonly open: () => Bytes;
  /** When it came, ISO 8601: what `$received()` says. */
  readonly received: string;
}

/** Something that keeps a record, or the rest of a file, from being published. */
export interface PublishProblem extends FieldProblem {
  readonly file: string;
  /** null: the file as a whole. */
  readonly line: number | null;
}

export interface PublishSummary {
  /** All records, the bad ones too. */
  readonly records: number;
  /** Records that are right and of which the map makes no event. */
  readonly withoutEvent: number;
  /** Events that the good records make. */
  readonly events: number;
  /** Events that Kafka has acknowledged, or that were shown. */
  readonly published: number;
  /** Records (and files) with a problem; nothing of such a record is published. */
  readonly bad: number;
  readonly unreadFields: readonly UnreadField[];
}

/** Where events go: Kafka, or a screen. Gets them in the order of the file. */
export interface EventSink {
  /** What keeps this one event from being sent; null if nothing does. */
  readonly problemOf: (event: BookingEvent) => FieldProblem | null;
  readonly send: (events: readonly BookingEvent[]) => Promise<void>;
}

export interface PublishJob {
  readonly files: readonly PublishedFile[];
  /** null: the files are canonical NDJSON. */
  readonly map: SourceMap | null;
  /** Of the same map. */
  readonly mapper: Mapper;
  /** Of the same map; null: its records are whole. */
  readonly fetcher?: Fetcher | null;
  readonly sink: EventSink;
  readonly onProblem: (problem: PublishProblem) => void;
  /** Called now and then with what is published so far. */
  readonly onProgress?: (published: number) => void;
}

/** Records that go to the mapper together, and events that go to the sink together. */
const portionLength = 200;
const batchLength = 2_000;

interface Portion {
  readonly file: string;
  readonly mapped: Promise<readonly MappedRecord[]>;
}

/**
 * Publishes what files hold: read → map and check → send, one portion of each at a time in memory. A bad record is reported and does not stop the
 * rest; a file that cannot be read on is reported and the next one follows. What the world does wrong (Kafka, disk) is thrown: publishing again
 * is right then, since every event keeps its id.
 */
export async function publish(job: PublishJob): Promise<PublishSummary> {
  const counts = { records: 0, withoutEvent: 0, events: 0, published: 0, bad: 0 };
  const unread = job.map === null ? [] : unreadFieldsOf(job.map);
  const underway: Portion[] = [];
  const outgoing = createOutgoing(job.sink, (count) => {
    counts.published += count;
    job.onProgress?.(counts.published);
  });

  async function takeOne(): Promise<void> {
    const portion = underway.shift();
    for (const record of (await portion?.mapped) ?? []) await takeRecord(portion?.file ?? '', record);
  }

  async function takeRecord(file: string, { line, events, problems }: MappedRecord): Promise<void> {
    counts.records++;
    const all = [...problems, ...events.flatMap((event) => job.sink.problemOf(event) ?? [])];
    if (all.length > 0) {
      counts.bad++;
      for (const problem of all) job.onProblem({ file, line, ...problem });
      return;
    }
    if (events.length === 0) counts.withoutEvent++;
    counts.events += events.length;
    await outgoing.add(events);
  }

  async function publishFile(name: string, records: AsyncIterable<SourceRecord>, received: string): Promise<void> {
    for await (const read of portionsOf(records)) {
      const portion = job.fetcher == null ? read : await fetchRecords(job.fetcher, read);
      for (const record of portion) {
        if ('value' in record) for (const one of unread) await one.observe(record, received);
      }
      const mapped = job.mapper.map({ records: portion, received });
      // A failure is met when its turn comes; until then it must not count as unhandled.
      mapped.catch(() => undefined);
      underway.push({ file: name, mapped });
      while (underway.length > job.mapper.atOnce) await takeOne();
    }
  }

  const badFile = (file: string) => (error: unknown): void => {
    if (!(error instanceof UnreadableFileError)) throw error;
    counts.bad++;
    job.onProblem({ file, line: null, field: null, problem: error.message });
  };

  for (const file of job.files) {
    await eachUnpacked(file, (name, bytes) => publishFile(name, job.map === null ? readNdjson(bytes, { encoding: 'utf-8' }) : readRecords(bytes, job.map), file.received).catch(badFile(name))).catch(badFile(file.name));
  }
  while (underway.length > 0) await takeOne();
  await outgoing.end();
  return { ...counts, unreadFields: unread.flatMap((one) => one.report()) };
}

type GoodRecord = Extract<SourceRecord, { readonly value: unknown }>;

interface Observed {
  readonly observe: (record: GoodRecord, received: string) => Promise<void>;
  readonly report: () => readonly UnreadField[];
}

const fetchedPrefix = '$fetched.';

/** Unread fields of the records, and of what is fetched for them: these are called `$fetched.…`. */
function unreadFieldsOf(map: SourceMap): readonly Observed[] {
  const mapping = createMapping(map);
  const own = createUnreadFields(mapping, map.ignore);
  const observed: Observed = { observe: ({ value, line, number, fetched }, received) => own.observe(value, line, { number, received, fetched }), report: own.report };
  if (map.fetch === undefined) return [observed];
  // The same with both exchanged: what was fetched is varied, the record stays.
  const exchanged: Mapping = { ...mapping, probe: (fetched, facts) => mapping.probe(facts.fetched, { ...facts, fetched }) };
  const others = createUnreadFields(exchanged, map.ignore.flatMap((field) => (field.startsWith(fetchedPrefix) ? [field.slice(fetchedPrefix.length)] : [])));
  return [observed, {
    observe: ({ value, line, number, fetched }, received) => others.observe(fetched, line, { number, received, fetched: value }),
    report: () => others.report().map((unread) => ({ ...unread, field: `${fetchedPrefix}${unread.field}` })),
  }];
}

async function eachUnpacked(file: PublishedFile, work: (name: string, bytes: Bytes) => Promise<void>): Promise<void> {
  for await (const { name, bytes } of unpack(file.name, file.open())) await work(name, bytes);
}

async function* portionsOf(records: AsyncIterable<SourceRecord>): AsyncGenerator<readonly SourceRecord[]> {
  let portion: SourceRecord[] = [];
  try {
    for await (const record of records) {
      portion.push(record);
      if (portion.length === portionLength) yield portion.splice(0);
    }
  } catch (error) {
    // What was read before the file broke off stands.
    if (portion.length > 0) yield portion.splice(0);
    throw error;
  }
  if (portion.length > 0) yield portion;
}

/** Gathers events into batches; one batch is on its way while the next is gathered. */
function createOutgoing(sink: EventSink, onSent: (count: number) => void) {
  let batch: BookingEvent[] = [];
  let sending: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    const events = batch;
    batch = [];
    await sending;
    sending = sink.send(events).then(() => { onSent(events.length); });
    sending.catch(() => undefined);
  }

  return {
    add: async (events: readonly BookingEvent[]): Promise<void> => {
      batch.push(...events);
      if (batch.length >= batchLength) await flush();
    },
    end: async (): Promise<void> => {
      if (batch.length > 0) await flush();
      await sending;
    },
  };
}

/** Events as Avro messages to a topic, keyed by booking. @param codec registered @param producer connected */
export function createTopicSink(codec: Codec, producer: EventProducer, topic: string = bookingEventsTopic): EventSink {
  const encoded = new WeakMap<BookingEvent, Buffer>();
  const bytesOf = (event: BookingEvent): Buffer => {
    const bytes = encoded.get(event) ?? codec.encodeBookingEvent(event);
    encoded.set(event, bytes);
    return bytes;
  };
  const messageOf = (event: BookingEvent): OutgoingMessage => ({ key: bookingKey(event), value: bytesOf(event) });
  return {
    problemOf: (event) => {
      const { length } = bytesOf(event);
      return length > messageLimit ? { field: null, problem: `makes a message of ${length} bytes; ${messageLimit} are allowed` } : null;
    },
    send: (events) => producer.sendBatch(topic, events.map(messageOf)),
  };
}

/** Events handed to `show` instead of Kafka: a dry run. */
export function createShownSink(show: (event: BookingEvent) => Promise<void> | void): EventSink {
  return {
    problemOf: () => null,
    send: async (events) => {
      for (const event of events) await show(event);
    },
  };
}
