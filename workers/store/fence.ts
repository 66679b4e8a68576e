import type { Queryable } from './database.js';

export interface Fence {
  /** Messages below this offset are done for the group; 0 for a partition never seen. */
  readonly appliedBelow: number;
  readonly factsVersion: string;
  /** How often the topic was re-created and adopted. */
  readonly epoch: number;
  /** Offsets from there on that are dead letters already: another group met them, or a person parked them. */
  readonly dead: ReadonlySet<number>;
}

export interface Outcomes {
  readonly read: number;
  readonly applied: number;
  readonly duplicate: number;
  readonly late: number;
  readonly deadLettered: number;
}

/**
 * Claims the offsets below `nextOffset` for this transaction and says from where on they are new.
 * The first row lock of the transaction: whoever else settles the same partition waits here until it ends.
 */
export async function raiseFence(tx: Queryable, group: string, topic: string, partition: number, nextOffset: number): Promise<Fence> {
  const rows = await tx.query<{ applied_below: string; facts_version: string; epoch: number; dead: readonly string[] }>(
    `insert into consumer_offset as o (consumer_group, topic, partition, next_offset) values ($1, $2, $3, $4)
     on conflict (consumer_group, topic, partition)
     do update set next_offset = greatest(o.next_offset, excluded.next_offset), updated_at = now()
     returning coalesce(old.next_offset, 0) as applied_below,
               (select version from facts_version) as facts_version,
               coalesce((select epoch from topic_epoch e where e.topic = $2), 0) as epoch,
               array(select d."offset"::text from dead_letter d
                     where d.topic = $2 and d.epoch = coalesce((select epoch from topic_epoch e where e.topic = $2), 0) and d.partition = $3
                       and d."offset" >= coalesce(old.next_offset, 0) and d."offset" < $4) as dead`,
    [group, topic, partition, nextOffset],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('the fence returned no row');
  return { appliedBelow: Number(row.applied_below), factsVersion: row.facts_version, epoch: row.epoch, dead: new Set(row.dead.map(Number)) };
}

/** Where the fence stands and which offsets from there up to `nextOffset` are dead letters, outside of any transaction: what `raiseFence` says later decides. */
export async function lookAtFence(db: Queryable, group: string, topic: string, partition: number, nextOffset: number): Promise<Pick<Fence, 'appliedBelow' | 'dead'>> {
  const rows = await db.query<{ next: string; dead: readonly string[] }>(
    `select f.next, array(select d."offset"::text from dead_letter d
                          where d.topic = $2 and d.epoch = coalesce((select epoch from topic_epoch e where e.topic = $2), 0) and d.partition = $3
                            and d."offset" >= f.next and d."offset" < $4) as dead
     from (select coalesce((select next_offset from consumer_offset where consumer_group = $1 and topic = $2 and partition = $3), 0) as next) f`,
    [group, topic, partition, nextOffset],
  );
  return { appliedBelow: Number(rows[0]?.next ?? 0), dead: new Set(rows[0]?.dead.map(Number)) };
}

/** The last message that was settled behind a fence, where messages leave no row of their own. */
export interface LastMessage {
  readonly offset: number;
  readonly digest: string;
}

/** Null: none was ever remembered. */
export async function lastMessageOf(db: Queryable, group: string, topic: string, partition: number): Promise<LastMessage | null> {
  const [row] = await db.query<{ offset: string; digest: string }>(
    `select last_offset as "offset", last_digest as digest from consumer_offset
     where consumer_group = $1 and topic = $2 and partition = $3 and last_offset is not null`,
    [group, topic, partition],
  );
  return row === undefined ? null : { offset: Number(row.offset), digest: row.digest };
}

/** Only with the fence raised in this transaction. */
export async function rememberMessage(tx: Queryable, group: string, topic: string, partition: number, { offset, digest }: LastMessage): Promise<void> {
  await tx.query('update consumer_offset set last_offset = $4, last_digest = $5 where consumer_group = $1 and topic = $2 and partition = $3', [group, topic, partition, offset, digest]);
}

/** Adds the batch's outcomes to the counters beside the fence. */
export async function countOutcomes(tx: Queryable, group: string, topic: string, partition: number, outcomes: Outcomes): Promise<void> {
  await tx.query(
    `update consumer_offset set read = read + $4, applied = applied + $5, duplicate = duplicate + $6, late = late + $7, dead_lettered = dead_lettered + $8
     where consumer_group = $1 and topic = $2 and partition = $3`,
    [group, topic, partition, outcomes.read, outcomes.applied, outcomes.duplicate, outcomes.late, outcomes.deadLettered],
  );
}

/** Where each partition's fence stands; partitions never read are missing. */
export async function fencePositions(db: Queryable, group: string, topic: string): Promise<ReadonlyMap<number, number>> {
  const rows = await db.query<{ partition: number; next_offset: string }>(
    'select partition, next_offset from consumer_offset where consumer_group = $1 and topic = $2',
    [group, topic],
  );
  return new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
}

/** Notes messages that Kafka had deleted before this group read them, and moves the fence past them. */
export async function recordGap(tx: Queryable, group: string, topic: string, partition: number, firstOffset: number, nextOffset: number): Promise<void> {
  await tx.query(
    `insert into offset_gap (consumer_group, topic, partition, first_offset, next_offset) values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [group, topic, partition, firstOffset, nextOffset],
  );
  await tx.query(
    `update consumer_offset set next_offset = greatest(next_offset, $4) where consumer_group = $1 and topic = $2 and partition = $3`,
    [group, topic, partition, nextOffset],
  );
}

/** Moves the fence from `firstOffset` (or above) to `nextOffset`; a fence below `firstOffset` stays. */
export async function passFence(db: Queryable, group: string, topic: string, partition: number, firstOffset: number, nextOffset: number): Promise<void> {
  await db.query(
    `insert into consumer_offset as o (consumer_group, topic, partition, next_offset) select $1, $2, $3, $5::bigint where $4::bigint = 0
     on conflict (consumer_group, topic, partition) do nothing`,
    [group, topic, partition, firstOffset, nextOffset],
  );
  await db.query(
    `update consumer_offset set next_offset = $5, updated_at = now()
     where consumer_group = $1 and topic = $2 and partition = $3 and next_offset >= $4 and next_offset < $5`,
    [group, topic, partition, firstOffset, nextOffset],
  );
}

/** Declares a re-created topic adopted: a new epoch begins and every group reads it from its beginning. Only under the exclusive facts lock. Returns the new epoch. */
export async function adoptTopic(tx: Queryable, topic: string): Promise<number> {
  const rows = await tx.query<{ epoch: number }>(
    `insert into topic_epoch as t (topic, epoch) values ($1, 1) on conflict (topic) do update set epoch = t.epoch + 1 returning epoch`,
    [topic],
  );
  await tx.query('update consumer_offset set next_offset = 0 where topic = $1', [topic]);
  return rows[0]?.epoch ?? 0;
}

/** Only within a transaction that holds the facts lock. */
export async function factsVersion(tx: Queryable): Promise<string> {
  const rows = await tx.query<{ version: string }>('select version from facts_version');
  return rows[0]?.version ?? '0';
}

/** Groups whose fence lies above an offset, with their rows locked: none of them moves until the transaction ends. */
export async function groupsBeyond(tx: Queryable, topic: string, partition: number, offset: number): Promise<readonly string[]> {
  const rows = await tx.query<{ name: string; next: string }>(
    'select consumer_group as name, next_offset as next from consumer_offset where topic = $1 and partition = $2 order by consumer_group for update',
    [topic, partition],
  );
  return rows.filter((row) => Number(row.next) > offset).map((row) => row.name);
}

/** Whether any group has read the topic. */
export async function isRead(db: Queryable, topic: string): Promise<boolean> {
  return (await db.query('select 1 from consumer_offset where topic = $1 limit 1', [topic])).length > 0;
}
