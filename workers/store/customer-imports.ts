import type { Queryable } from './database.js';

export interface StartedImport {
  /** Of the file's bytes and of whatever else decides what its rows say. */
  readonly digest: string;
  readonly file: string;
  readonly actor: string;
  readonly now: Date;
  /** Go on where an import of the same digest was broken off. */
  readonly resume: boolean;
}

/** Notes that an import begins. Returns the line up to which its rows have landed: 0 where it begins at the first. */
export async function beginImport(db: Queryable, { digest, file, actor, now, resume }: StartedImport): Promise<number> {
  const rows = await db.query<{ readonly line: number }>(
    `insert into customer_import as i (digest, file, landed_to, actor, started_at) values ($1, $2, 0, $3, $4)
     on conflict (digest) do update set file = excluded.file, actor = excluded.actor, started_at = excluded.started_at, landed_to = case when $5 then i.landed_to else 0 end
     returning landed_to as line`,
    [digest, file, actor, now, resume],
  );
  return rows[0]?.line ?? 0;
}

/** Notes how far an import has come, in the transaction that lands its rows. */
export async function noteLanded(tx: Queryable, digest: string, line: number): Promise<void> {
  await tx.query('update customer_import set landed_to = $2 where digest = $1', [digest, line]);
}

/** There is nothing to go on with any more. */
export async function endImport(db: Queryable, digest: string): Promise<void> {
  await db.query('delete from customer_import where digest = $1', [digest]);
}
