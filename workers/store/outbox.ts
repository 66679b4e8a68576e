import { lanes } from '../domain/ids.js';
import type { Queryable } from './database.js';

/** Every lane that there is. */
export const allLanes: readonly number[] = Array.from({ length: lanes }, (_, lane) => lane);

/** The first half of the two-part key of the advisory locks of the lanes. */
const lockClass = 0x0b0c;

export interface OutboxMessage {
  readonly id: string;
  readonly lane: number;
  readonly topic: string;
  readonly key: string;
  readonly value: Buffer;
}

/**
 * Locks those of these lanes that nobody else holds, until the transaction ends: one batch is in flight per lane.
 * What is in the lanes must be read by a later statement: this one's view of the tables may be older than the lock.
 */
export async function lockLanes(tx: Queryable, wanted: readonly number[]): Promise<readonly number[]> {
  const rows = await tx.query<{ lane: number }>(
    `select lane from unnest($1::integer[]) as w (lane)
     where exists (select 1 from outbox o where o.lane = w.lane) and pg_try_advisory_xact_lock(${lockClass}, lane)`,
    [wanted],
  );
  return rows.map((row) => row.lane);
}

/**
 * The oldest messages of locked lanes in the order in which they were written, per lane: at most `limit` of each lane, and of all together
 * at most `bytes` (but always one), because Kafka limits a batch by its bytes.
 */
export function readLanes(tx: Queryable, locked: readonly number[], limit: number, bytes: number): Promise<readonly OutboxMessage[]> {
  return tx.query<OutboxMessage>(
    `select id, lane, topic, key, value from (
       select o.*, sum(octet_length(o.value)) over (order by o.id) - octet_length(o.value) as before
       from unnest($1::integer[]) as l (lane)
       cross join lateral (select id, lane, topic, key, value from outbox where outbox.lane = l.lane order by id limit $2) o
     ) oldest
     where before < $3 order by id`,
    [locked, limit, bytes],
  );
}

/** What names a message: the primary key. */
export type OutboxPlace = Pick<OutboxMessage, 'lane' | 'id'>;

/** Forgets messages that Kafka has acknowledged. */
export async function deleteFromOutbox(tx: Queryable, places: readonly OutboxPlace[]): Promise<void> {
  await tx.query(`delete from outbox o using ${placesIn} where o.lane = p.lane and o.id = p.id`, columnsOf(places));
}

/** Moves messages that their topic is too small for out of the lanes, into lane -1: they stay in the table, count as pending, and hold up nobody. Back in a lane (0 to 15) they are sent again. */
export async function setAside(tx: Queryable, places: readonly OutboxPlace[]): Promise<void> {
  await tx.query(`update outbox o set lane = -1 from ${placesIn} where o.lane = p.lane and o.id = p.id`, columnsOf(places));
}

const placesIn = 'unnest($1::smallint[], $2::bigint[]) as p (lane, id)';

const columnsOf = (places: readonly OutboxPlace[]) => [places.map(({ lane }) => lane), places.map(({ id }) => id)];

/** What waits for Kafka, order events and dead letters together, and since when. */
export async function outboxBacklog(db: Queryable): Promise<{ readonly pending: number; readonly oldest: Date | null }> {
  const rows = await db.query<{ pending: string; oldest: Date | null }>(
    `select count(*) as pending, min(created_at) as oldest from (
       select created_at from outbox union all select updated_at from dead_letter where relay = 'pending'
     ) waiting`,
  );
  return { pending: Number(rows[0]?.pending ?? 0), oldest: rows[0]?.oldest ?? null };
}
