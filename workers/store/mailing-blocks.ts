import type { Queryable } from './database.js';
import { isOneWith } from './merges.js';

/** No advertising to a customer, as one source says it. */
export interface MailingBlockRow {
  readonly customerId: string;
  /** `cli`: a person; else a system of the master data. */
  readonly source: string;
  /** The last day of it; null: for ever. */
  readonly until: string | null;
  readonly reason: string | null;
  readonly at: Date;
  readonly by: string;
}

/** The blocks of these customers and of everybody who is one with them that hold on a day; the longest first. `customerId` is the one that was asked for. */
export async function mailingBlocks(db: Queryable, customerIds: readonly string[], day: string): Promise<readonly MailingBlockRow[]> {
  if (customerIds.length === 0) return [];
  return db.query<MailingBlockRow>(
    `select own.id::text as "customerId", b.source, b.until, b.reason, b.set_at as at, b.set_by as by
     from customer own join customer s on ${isOneWith('s', 'own.root_id')} join customer_mailing_block b on b.customer_id = s.id
     where own.id = any ($1::bigint[]) and b.lifted_at is null and (b.until is null or b.until >= $2::date) order by own.id, b.until desc nulls first, b.source`,
    [customerIds, day],
  );
}

/** Sets blocks, each customer and source at most once; a block before of the same source is replaced. */
export async function saveMailingBlocks(tx: Queryable, blocks: readonly MailingBlockRow[]): Promise<void> {
  if (blocks.length === 0) return;
  await tx.query(
    `insert into customer_mailing_block as b (customer_id, source, until, reason, set_at, set_by)
     select * from unnest($1::bigint[], $2::text[], $3::date[], $4::text[], $5::timestamptz[], $6::text[]) order by 1, 2
     on conflict (customer_id, source) do update
       set until = excluded.until, reason = excluded.reason, set_at = excluded.set_at, set_by = excluded.set_by, lifted_at = null, lifted_by = null, lifted_reason = null
       where (b.until, b.reason) is distinct from (excluded.until, excluded.reason) or b.lifted_at is not null`,
    [
      blocks.map(({ customerId }) => customerId), blocks.map(({ source }) => source), blocks.map(({ until }) => until), blocks.map(({ reason }) => reason),
      blocks.map(({ at }) => at), blocks.map(({ by }) => by),
    ],
  );
}

/** Forgets the blocks that a source has set for these customers. */
export async function deleteMailingBlocks(tx: Queryable, gone: readonly Pick<MailingBlockRow, 'customerId' | 'source'>[]): Promise<void> {
  if (gone.length === 0) return;
  await tx.query(
    `delete from customer_mailing_block b using unnest($1::bigint[], $2::text[]) as t (id, source) where b.customer_id = t.id and b.source = t.source`,
    [gone.map(({ customerId }) => customerId), gone.map(({ source }) => source)],
  );
}

/** A block that somebody has lifted. */
export interface LiftedBlock {
  readonly customerId: string;
  readonly at: Date;
  readonly by: string;
  readonly reason: string | null;
}

/** Lifts the blocks that a source has set for these customers, and keeps who did it and why; how many there were. */
export async function liftMailingBlocks(tx: Queryable, customerIds: readonly string[], source: string, { at, by, reason }: Omit<LiftedBlock, 'customerId'>): Promise<number> {
  return (await tx.query(
    `update customer_mailing_block set lifted_at = $3, lifted_by = $4, lifted_reason = $5 where customer_id = any ($1::bigint[]) and source = $2 and lifted_at is null returning customer_id`,
    [customerIds, source, at, by, reason],
  )).length;
}

/** The lifted blocks of a customer and of everybody who is one with it, the newest first. */
export async function liftedBlocks(db: Queryable, customerId: string): Promise<readonly LiftedBlock[]> {
  return db.query<LiftedBlock>(
    `select b.customer_id::text as "customerId", b.lifted_at as at, b.lifted_by as by, b.lifted_reason as reason
     from customer own join customer s on ${isOneWith('s', 'own.root_id')} join customer_mailing_block b on b.customer_id = s.id
     where own.id = $1 and b.lifted_at is not null order by b.lifted_at desc, b.customer_id`,
    [customerId],
  );
}
