import type { Queryable } from './database.js';

/** Above what the revisions of new orders begin: 0 where the database was never restored to an earlier state. */
export async function revisionBase(tx: Queryable): Promise<number> {
  const rows = await tx.query<{ base: string }>('select coalesce(max(revision_base), 0) as base from restore');
  return Number(rows[0]?.base ?? 0);
}

/** Notes that the database was restored. @param base revisions go on above it, those of orders that stand already too. Returns how many orders stand. */
export async function raiseRevisions(tx: Queryable, lostAt: Date, base: number, actor: string, now: Date): Promise<number> {
  await tx.query('insert into restore (lost_at, revision_base, noted_at, actor) values ($1, $2, $3, $4)', [lostAt, base, now, actor]);
  return (await tx.query('update orders set revision = greatest(revision, $1) returning 1', [base])).length;
}

/** More ids than the lost time can have given away. */
const idsGivenAway = 1_000_000;

/** Lets all ids go on above those that may have been given away and told to others: a customer's id never means two. Only the owner of the tables may. */
export async function skipIds(tx: Queryable): Promise<void> {
  await tx.query(
    `select setval(format('%I.%I', schemaname, sequencename)::regclass, coalesce(last_value, 0) + ${idsGivenAway})
     from pg_sequences where schemaname = current_schema() and sequencename not like 'knex%'`,
  );
}

/** When the last batch was settled and the last action was done that the database knows of; null: none ever. */
export async function lastKnown(tx: Queryable): Promise<{ readonly settledAt: Date | null; readonly actionAt: Date | null }> {
  const rows = await tx.query<{ settledAt: Date | null; actionAt: Date | null }>(
    'select (select max(updated_at) from consumer_offset) as "settledAt", (select max(at) from audit_log) as "actionAt"',
  );
  return rows[0] ?? { settledAt: null, actionAt: null };
}
