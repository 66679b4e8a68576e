import type { Queryable } from './database.js';

/** The advisory lock that keeps a batch's facts true until its commit: batches share it, who changes a fact takes it alone. */
const factsLock = 7_211_001;

/** For a batch: many at once, but none while a fact is being changed. Held until the transaction ends. */
export async function shareFacts(tx: Queryable): Promise<void> {
  await tx.query('select pg_advisory_xact_lock_shared($1)', [factsLock]);
}

/** For merge, assign, approve, imports of dated facts: waits for running batches, then has the facts alone until the transaction ends. */
export async function takeFactsLockExclusively(tx: Queryable): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [factsLock]);
}

/** Tells every worker that its cached facts are out of date. Only under the exclusive lock. */
export async function raiseFactsVersion(tx: Queryable): Promise<void> {
  await tx.query('update facts_version set version = version + 1');
}

/** Marks orders to be rated again; `cause` becomes the reason of the entries. */
export async function markStale(tx: Queryable, orderIds: readonly string[], cause: string): Promise<void> {
  await tx.query(
    `insert into rating_stale (order_id, cause) select id, $2 from unnest($1::uuid[]) as t (id) order by id
     on conflict (order_id) do update set cause = excluded.cause, marked_at = now()`,
    [orderIds, cause],
  );
}
