import type { RejectionCode } from '../domain/rejection.js';
import type { Queryable } from './database.js';

/** Kafka's headers as they came: a name may stand there several times, values are bytes. */
export type Headers = Readonly<Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>>;

/** The header that ties a replayed message to its dead letter. */
export const replayHeader = 'midline-dead-letter';

export interface RejectedMessage {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly offset: string | number;
  readonly code: RejectionCode;
  readonly reason: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
  /** Milliseconds; null: Kafka has none. */
  readonly kafkaTimestamp: number | null;
}

/** The dead letter that a message is a replay of, by its header; null: it is none, or the header is no id. */
export function replayedFrom(headers: Headers): string | null {
  const value = [headers[replayHeader]].flat().at(-1);
  const text = value == null ? '' : value.toString();
  return /^[1-9]\d{0,17}$/.test(text) ? text : null;
}

/**
 * Stores messages that could not be applied, in the transaction that passes them.
 * A replay that failed again updates the dead letter that its header names: one attempt more, open again, with the new code, reason and bytes;
 * its own offset becomes a row too, resolved at once with a note, because every message that was read must be found by its offset.
 * A header that names no dead letter of that topic is ignored. An offset that is there already stays as it is.
 */
export async function recordDeadLetters(tx: Queryable, rejected: readonly RejectedMessage[]): Promise<void> {
  if (rejected.length === 0) return;
  const rows = rejected.map((message) => ({
    topic: message.topic, epoch: message.epoch, partition: message.partition, offset: String(message.offset), code: message.code,
    reason: storable(message.reason), key: hex(message.key), value: hex(message.value), headers: headersToJson(message.headers),
    kafka_timestamp: instant(message.kafkaTimestamp), replay_of: replayedFrom(message.headers),
  }));
  await tx.query(
    `with message as (
       select topic, epoch, partition, "offset", code, reason, decode(key, 'hex') as key, decode(value, 'hex') as value, headers, kafka_timestamp, replay_of
       from json_to_recordset($1::json) as (topic text, epoch integer, partition integer, "offset" bigint, code text, reason text, key text, value text,
         headers jsonb, kafka_timestamp timestamptz, replay_of bigint)
     ), again as (
       select distinct on (m.replay_of) m.* from message m
       join dead_letter d on d.id = m.replay_of and d.topic = m.topic
       where not exists (select 1 from dead_letter p where (p.topic, p.epoch, p.partition, p."offset") = (m.topic, m.epoch, m.partition, m."offset"))
       order by m.replay_of, m."offset" desc
     ), updated as (
       update dead_letter d set code = a.code, reason = a.reason, key = a.key, value = a.value, headers = a.headers, kafka_timestamp = a.kafka_timestamp,
         state = 'open', attempts = d.attempts + 1, relay = 'pending', updated_at = now()
       from again a where d.id = a.replay_of
       returning d.id
     )
     insert into dead_letter (topic, epoch, partition, "offset", code, reason, key, value, headers, kafka_timestamp, state, note, relay)
     select m.topic, m.epoch, m.partition, m."offset", m.code, m.reason,
       case when r.id is null then m.key end, case when r.id is null then m.value end, m.headers, m.kafka_timestamp,
       case when r.id is null then 'open' else 'resolved' end, 'a replay of dead letter ' || r.id || ', which has its bytes',
       case when r.id is null then 'pending' else 'sent' end
     from message m
     left join dead_letter r on r.id = m.replay_of and r.topic = m.topic
     order by m.topic, m.partition, m."offset"
     on conflict (topic, epoch, partition, "offset") do nothing`,
    [JSON.stringify(rows)],
  );
}

/** Marks replays that went through, by the ids that their headers name. */
export async function markApplied(tx: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.query(
    `update dead_letter set state = 'applied', updated_at = now()
     where id in (select id from dead_letter where id = any($1::bigint[]) and state in ('open', 'replayed') order by id for update)`,
    [ids],
  );
}

/** The offsets in [from, to) of a partition that are among the dead letters, whatever has become of them. */
export async function deadLetteredOffsets(tx: Queryable, topic: string, epoch: number, partition: number, from: number, to: number): Promise<ReadonlySet<number>> {
  const rows = await tx.query<{ offset: string }>(
    `select "offset" from dead_letter where topic = $1 and epoch = $2 and partition = $3 and "offset" >= $4 and "offset" < $5`,
    [topic, epoch, partition, from, to],
  );
  return new Set(rows.map((row) => Number(row.offset)));
}

/** How often a topic was re-created and adopted: part of the key of its dead letters. */
export async function epochOf(tx: Queryable, topic: string): Promise<number> {
  const rows = await tx.query<{ epoch: number }>('select epoch from topic_epoch where topic = $1', [topic]);
  return rows[0]?.epoch ?? 0;
}

/** The id of the dead letter at an offset. */
export async function deadLetterAt(tx: Queryable, topic: string, epoch: number, partition: number, offset: string): Promise<string> {
  const rows = await tx.query<{ id: string }>('select id from dead_letter where topic = $1 and epoch = $2 and partition = $3 and "offset" = $4', [topic, epoch, partition, offset]);
  const row = rows[0];
  if (row === undefined) throw new Error(`no dead letter is at offset ${offset} of partition ${partition} of ${topic}`);
  return row.id;
}

export type DeadLetterState = 'open' | 'replayed' | 'applied' | 'resolved';

export interface DeadLetter {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly code: string;
  readonly reason: string;
  readonly state: DeadLetterState;
  readonly attempts: number;
  readonly note: string | null;
  readonly relay: 'pending' | 'sent' | 'too-large';
  readonly kafkaTimestamp: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A dead letter with what Kafka had. */
export interface DeadLetterMessage extends DeadLetter {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, readonly Buffer[]>>;
}

const columns = `id, topic, partition, "offset", code, reason, state, attempts, note, relay, kafka_timestamp as "kafkaTimestamp",
  created_at as "createdAt", updated_at as "updatedAt"`;

type MessageRow = DeadLetter & { readonly key: Buffer | null; readonly value: Buffer | null; readonly headers: StoredHeaders };
type StoredHeaders = Readonly<Record<string, readonly string[]>>;

const withHeaders = (row: MessageRow): DeadLetterMessage => ({
  ...row,
  headers: Object.fromEntries(Object.entries(row.headers).map(([name, values]) => [name, values.map((value) => Buffer.from(value, 'base64'))])),
});

/** Dead letters by id. @param filter.states all of them when left out; @param filter.after only ids above it, for paging. */
export function listDeadLetters(
  db: Queryable,
  filter: { readonly states?: readonly DeadLetterState[] | undefined; readonly code?: string | undefined; readonly after?: string | undefined; readonly limit: number },
): Promise<readonly DeadLetter[]> {
  return db.query<DeadLetter>(
    `select ${columns} from dead_letter
     where ($1::text[] is null or state = any($1)) and ($2::text is null or code = $2) and id > $3 order by id limit $4`,
    [filter.states ?? null, filter.code ?? null, filter.after ?? '0', filter.limit],
  );
}

/** Dead letters with their bytes, by id; those that do not exist are missing. */
export async function readDeadLetters(db: Queryable, ids: readonly string[]): Promise<readonly DeadLetterMessage[]> {
  const rows = await db.query<MessageRow>(`select ${columns}, key, value, headers from dead_letter where id = any($1::bigint[]) order by id`, [ids]);
  return rows.map(withHeaders);
}

/** Marks dead letters as sent again, before they are sent: what comes of it (applied, or open again) is then never overwritten. Returns those that were open or replayed. */
export async function markReplayed(tx: Queryable, ids: readonly string[], now: Date): Promise<readonly string[]> {
  const rows = await tx.query<{ id: string }>(
    `update dead_letter set state = 'replayed', updated_at = $2::timestamptz
     where id in (select id from dead_letter where id = any($1::bigint[]) and state in ('open', 'replayed') order by id for update) returning id`,
    [ids, now],
  );
  return rows.map((row) => row.id);
}

/** Takes `markReplayed` back for messages that could not be sent. */
export async function reopen(db: Queryable, ids: readonly string[], now: Date): Promise<void> {
  await db.query(`update dead_letter set state = 'open', updated_at = $2 where id = any($1::bigint[]) and state = 'replayed'`, [ids, now]);
}

/** Settles a dead letter by a person's decision. False: there is none with that id that is open or replayed. */
export async function resolveDeadLetter(tx: Queryable, id: string, note: string, now: Date): Promise<boolean> {
  const rows = await tx.query(
    `update dead_letter set state = 'resolved', note = $2, updated_at = $3 where id = $1 and state in ('open', 'replayed') returning 1`,
    [id, note, now],
  );
  return rows.length === 1;
}

/** Takes up to `limit` dead letters (and about `bytes` of them, but always one) that are not in the dead-letter topic yet; other relays leave them alone until the transaction ends. */
export async function takeForRelay(tx: Queryable, limit: number, bytes: number): Promise<readonly DeadLetterMessage[]> {
  const rows = await tx.query<MessageRow>(
    `select ${columns}, key, value, headers from (
       select p.*, sum(octet_length(coalesce(p.value, ''))) over (order by p.id) - octet_length(coalesce(p.value, '')) as before
       from (select * from dead_letter where relay = 'pending' order by id limit $1 for update skip locked) p
     ) pending
     where before < $2 order by id`,
    [limit, bytes],
  );
  return rows.map(withHeaders);
}

/** Notes what became of dead letters on their way to the topic. */
export async function markRelayed(tx: Queryable, ids: readonly string[], relay: 'sent' | 'too-large'): Promise<void> {
  await tx.query('update dead_letter set relay = $2 where id = any($1::bigint[])', [ids, relay]);
}

/** Values as base64, because jsonb holds no U+0000 and headers may hold any bytes. */
function headersToJson(headers: Headers): StoredHeaders {
  const present = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present.map(([name, value]) => [storable(name), [value ?? []].flat().filter(isBytes).map((one) => Buffer.from(one).toString('base64'))]));
}

/** Under a name such as `constructor` the Kafka client puts what every object inherits before the header's own value. */
const isBytes = (value: unknown): value is Buffer | string => typeof value === 'string' || Buffer.isBuffer(value);

const hex = (bytes: Buffer | null): string | null => bytes?.toString('hex') ?? null;

/** Postgres's text and jsonb refuse U+0000 and half surrogate pairs; a reason that quotes bad data must not become bad data itself. */
const storable = (text: string): string => text.replaceAll('\u0000', '\uFFFD').toWellFormed();

/** A sender's clock can be anything; what Postgres has no time for is left out. */
const instant = (milliseconds: number | null): string | null =>
  milliseconds !== null && Number.isFinite(milliseconds) && Math.abs(milliseconds) < 8.64e15 && milliseconds > -6e13 && milliseconds < 2e14 ? new Date(milliseconds).toISOString() : null;
