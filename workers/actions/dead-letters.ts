import { setTimeout as pause } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { BookingEvent } from '../../schemas/booking-event.js';
import type { CustomerEvent } from '../../schemas/customer-event.js';
import { toJson } from '../../schemas/json.js';
import { maskCardNumbers, maskCardNumbersIn } from '../domain/card-numbers.js';
import { externalKey } from '../domain/match/keys.js';
import type { RejectionCode } from '../domain/rejection.js';
import { audit } from '../store/audit.js';
import type { Database } from '../store/database.js';
import {
  deadLetterAt, deadLetteredOffsets, epochOf, listDeadLetters, markReplayed, readDeadLetters, recordDeadLetters, reopen, replayHeader, resolveDeadLetter, type DeadLetter, type DeadLetterMessage,
} from '../store/dead-letters.js';
import { groupsBeyond } from '../store/fence.js';
import { schemaIdOf, type Codec, type Decoded } from '../topics/codec.js';
import { fetchMessage } from '../topics/fetch-message.js';
import { bookingKey, customerEventsTopic } from '../topics/names.js';
import type { RelayProducer } from '../topics/relay-producer.js';

/** A dead letter as it is shown: card numbers are masked in everything that came from outside. */
export interface ShownDeadLetter extends DeadLetter {
  readonly key: string | null;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Of the value; null: there is none. */
  readonly bytes: number | null;
  readonly hex: string | null;
  readonly text: string | null;
  /** The event in canonical JSON, where the bytes are one. */
  readonly event: unknown;
  /** Why they are none. */
  readonly undecodable: string | null;
}

const masked = (bytes: Buffer | null): string | null => (bytes === null ? null : maskCardNumbers(bytes.toString('utf8')));

/** Shows a dead letter. @param codec null: the bytes are not decoded, because there is no registry to ask. */
export async function showDeadLetter(db: Database, codec: Codec | null, id: string): Promise<ShownDeadLetter> {
  const [letter] = await readDeadLetters(db, [id]);
  if (letter === undefined) throw new Error(`there is no dead letter ${id}`);
  const { value, key, headers } = letter;
  return {
    ...letter,
    reason: maskCardNumbers(letter.reason),
    key: masked(key),
    headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.map((one) => masked(one) ?? '')])),
    bytes: value?.length ?? null,
    hex: value === null ? null : maskCardNumbersIn(value).toString('hex'),
    text: masked(value),
    ...(codec === null ? { event: null, undecodable: 'no schema registry was asked' } : await decoded(codec, letter.topic, value)),
  };
}

async function decoded(codec: Codec, topic: string, value: Buffer | null): Promise<Pick<ShownDeadLetter, 'event' | 'undecodable'>> {
  const id = schemaIdOf(value);
  if (id !== undefined) await codec.prepare([id]);
  const result = topic === customerEventsTopic ? customerJson(codec.decodeCustomerEvent(value)) : bookingJson(codec.decode(value));
  if ('reason' in result) return { event: null, undecodable: maskCardNumbers(result.reason) };
  return { event: JSON.parse(maskCardNumbers(JSON.stringify(result.json))) as unknown, undecodable: null };
}

const bookingJson = (result: Decoded<BookingEvent>) => (result.ok ? { json: toJson('BookingEvent', result.event) } : { reason: result.reason });
const customerJson = (result: Decoded<CustomerEvent>) => (result.ok ? { json: toJson('CustomerEvent', result.event) } : { reason: result.reason });

interface ReplayChoice {
  /** These, whether they are open or were replayed before without coming back. */
  readonly ids?: readonly string[] | undefined;
  /** All open ones of a code. Neither ids nor a code: all open ones. */
  readonly code?: string | undefined;
}

/** An event, or the bytes of a raw record: what the dead letter's topic carries. */
export type Mended = BookingEvent | CustomerEvent | Buffer;

export interface ReplayOptions extends ReplayChoice {
  /** Sent in place of the original bytes; only for a single id. */
  readonly mended?: Mended | undefined;
  /** Say what would be replayed and change nothing. */
  readonly dryRun?: boolean | undefined;
  /** At most so many a second. */
  readonly perSecond?: number | undefined;
  readonly onProgress?: ((replayed: number) => void) | undefined;
}

export interface ReplayTools {
  readonly db: Database;
  readonly producer: RelayProducer;
  /** Only for mended events. */
  readonly codec: Codec | null;
}

const chunkSize = 200;

/**
 * Sends dead letters to their topic once more, with their original key, bytes and headers and a header that names the dead letter.
 * They are marked as replayed first and opened again if Kafka does not take them; ingest marks them applied, or open again with a new reason.
 * @returns the ids in the order of sending.
 */
export async function replayDeadLetters(tools: ReplayTools, options: ReplayOptions, actor: string, now: () => Date): Promise<readonly string[]> {
  const { perSecond } = options;
  if (options.mended !== undefined && options.ids?.length !== 1) throw new Error('what is mended takes the place of one dead letter; name its id');
  const replayed: string[] = [];
  for await (const ids of chosen(tools.db, options, perSecond === undefined ? chunkSize : 1)) {
    replayed.push(...(options.dryRun === true ? ids : await replayChunk(tools, ids, options.mended, actor, now())));
    options.onProgress?.(replayed.length);
    if (perSecond !== undefined && options.dryRun !== true) await pause(1_000 / perSecond);
  }
  return replayed;
}

/** Chunks of ids: those asked for, or the open ones that are there when their turn comes; one that fails again is behind the last id by then. */
async function* chosen(db: Database, { ids, code }: ReplayChoice, size: number): AsyncGenerator<readonly string[]> {
  if (ids !== undefined) {
    await requireReplayable(db, ids);
    for (let next = 0; next < ids.length; next += size) yield ids.slice(next, next + size);
    return;
  }
  let after: string | undefined;
  for (;;) {
    const letters: readonly DeadLetter[] = await listDeadLetters(db, { states: ['open'], code, after, limit: size });
    if (letters.length === 0) return;
    yield letters.map((letter) => letter.id);
    after = letters.at(-1)?.id;
  }
}

async function requireReplayable(db: Database, ids: readonly string[]): Promise<void> {
  const letters = new Map((await readDeadLetters(db, ids)).map((letter) => [letter.id, letter]));
  for (const id of ids) {
    const state = letters.get(id)?.state;
    if (state === undefined) throw new Error(`there is no dead letter ${id}`);
    if (state === 'applied' || state === 'resolved') throw new Error(`dead letter ${id} is ${state}; there is nothing to replay`);
  }
}

async function replayChunk({ db, producer, codec }: ReplayTools, ids: readonly string[], mended: Mended | undefined, actor: string, now: Date): Promise<readonly string[]> {
  const value = mended === undefined || Buffer.isBuffer(mended) ? mended : encode(codec, mended);
  const letters = await db.transaction(async (tx) => {
    const marked = await markReplayed(tx, ids, now);
    const chunk = await readDeadLetters(tx, marked);
    for (const letter of chunk) {
      await audit(tx, actor, 'dead-letter replay', letter.id, { topic: letter.topic, partition: letter.partition, offset: letter.offset, code: letter.code, mended: mended !== undefined }, now);
    }
    return chunk;
  });
  const left = [...letters];
  try {
    for (const letter of letters) {
      const headers = { ...letter.headers, [replayHeader]: letter.id };
      await producer.send(letter.topic, [{ key: keyOf(letter, mended), value: value ?? letter.value, headers }]);
      left.shift();
    }
  } catch (error) {
    await reopen(db, left.map((letter) => letter.id), now);
    throw error;
  }
  return letters.map((letter) => letter.id);
}

/** A mended booking event may be that of another booking; a customer's keeps the key that it came under. */
function keyOf({ key }: Pick<DeadLetterMessage, 'key'>, mended: Mended | undefined): Buffer | string | null {
  if (mended === undefined || Buffer.isBuffer(mended)) return key;
  return 'eventId' in mended ? bookingKey(mended) : key ?? externalKey(mended.source, mended.externalId);
}

function encode(codec: Codec | null, event: BookingEvent | CustomerEvent): Buffer {
  if (codec === null) throw new Error('a mended event needs the schema registry');
  return 'eventId' in event ? codec.encodeBookingEvent(event) : codec.encodeCustomerEvent(event);
}

/** Settles a dead letter by a person's decision, with the reason for it. */
export async function resolve(db: Database, id: string, note: string, actor: string, now: Date): Promise<void> {
  await db.transaction(async (tx) => {
    if (!await resolveDeadLetter(tx, id, note, now)) throw new Error(`there is no dead letter ${id} that is open or replayed`);
    await audit(tx, actor, 'dead-letter resolve', id, { note }, now);
  });
}

export interface Parked {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly code: RejectionCode;
  readonly reason: string;
}

/**
 * Declares a message of a topic a dead letter, so that ingest passes it: the way past a message that stops the process.
 * @returns the dead letter's id.
 * @throws Error where the message is not there, or is a dead letter already.
 */
export async function park(db: Database, kafka: Kafka, parked: Parked, actor: string, now: Date): Promise<string> {
  const { topic, partition, offset, code, reason } = parked;
  const message = await fetchMessage(kafka, topic, partition, offset);
  if (message === null) throw new Error(`there is no message at offset ${offset} of partition ${partition} of ${topic}`);
  return db.transaction(async (tx) => {
    const epoch = await epochOf(tx, topic);
    const passed = await groupsBeyond(tx, topic, partition, Number(offset));
    if (passed.length > 0) throw new Error(`offset ${offset} of partition ${partition} of ${topic} is settled already (group ${passed.join(', ')}): there is nothing to pass`);
    const known = await deadLetteredOffsets(tx, topic, epoch, partition, Number(offset), Number(offset) + 1);
    if (known.size > 0) throw new Error(`offset ${offset} of partition ${partition} of ${topic} is a dead letter already`);
    await recordDeadLetters(tx, [{ topic, epoch, partition, offset, code, reason, key: message.key, value: message.value, headers: message.headers ?? {}, kafkaTimestamp: Number(message.timestamp) }]);
    const id = await deadLetterAt(tx, topic, epoch, partition, offset);
    await audit(tx, actor, 'dead-letter park', id, { topic, partition, offset, code, reason }, now);
    return id;
  });
}
