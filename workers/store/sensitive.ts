import type { SensitiveKind } from '../../schemas/sensitive-file.js';
import type { Queryable } from './database.js';

/** An entry as it is kept: sealed. This is the only file that knows of the table; nobody who sends or selects for mailings may import it (a test looks). */
export interface SealedEntry {
  readonly id: string;
  readonly customerId: string;
  readonly kind: SensitiveKind;
  readonly sealed: Buffer;
  readonly keyId: string;
  readonly source: string;
  readonly consentAt: Date;
  readonly notedAt: Date;
  readonly notedBy: string;
}

const columns = `id::text as id, customer_id::text as "customerId", kind, sealed, key_id as "keyId", source, consent_at as "consentAt", noted_at as "notedAt", noted_by as "notedBy"`;

/** The entries of these customers, in their order. */
export async function readSensitive(db: Queryable, customerIds: readonly string[]): Promise<readonly SealedEntry[]> {
  if (customerIds.length === 0) return [];
  return db.query<SealedEntry>(`select ${columns} from customer_sensitive where customer_id = any ($1::bigint[]) order by customer_sensitive.customer_id, customer_sensitive.id`, [customerIds]);
}

export async function insertSensitive(tx: Queryable, entries: readonly Omit<SealedEntry, 'id'>[]): Promise<readonly string[]> {
  if (entries.length === 0) return [];
  const rows = await tx.query<{ readonly id: string }>(
    `insert into customer_sensitive (customer_id, kind, sealed, key_id, source, consent_at, noted_at, noted_by)
     select * from unnest($1::bigint[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[]) returning id::text as id`,
    [
      entries.map(({ customerId }) => customerId), entries.map(({ kind }) => kind), entries.map(({ sealed }) => sealed), entries.map(({ keyId }) => keyId),
      entries.map(({ source }) => source), entries.map(({ consentAt }) => consentAt), entries.map(({ notedAt }) => notedAt), entries.map(({ notedBy }) => notedBy),
    ],
  );
  return rows.map(({ id }) => id);
}

/** Deletes entries by their ids; how many there were. */
export async function deleteEntries(tx: Queryable, ids: readonly string[]): Promise<number> {
  return (await tx.query('delete from customer_sensitive where id = any ($1::bigint[]) returning id', [ids])).length;
}

/** Deletes everything of these customers; how many entries there were. */
export async function deleteSensitive(tx: Queryable, customerIds: readonly string[]): Promise<number> {
  return (await tx.query('delete from customer_sensitive where customer_id = any ($1::bigint[]) returning id', [customerIds])).length;
}

/** Entries that another key has sealed, locked until the transaction ends. */
export async function sealedByOthers(tx: Queryable, keyId: string, limit: number): Promise<readonly SealedEntry[]> {
  return tx.query<SealedEntry>(`select ${columns} from customer_sensitive where key_id <> $1 order by customer_sensitive.id limit $2 for update`, [keyId, limit]);
}

export async function replaceSealed(tx: Queryable, entries: readonly Pick<SealedEntry, 'id' | 'sealed' | 'keyId'>[]): Promise<void> {
  if (entries.length === 0) return;
  await tx.query(
    `update customer_sensitive s set sealed = t.sealed, key_id = t.key_id from unnest($1::bigint[], $2::bytea[], $3::text[]) as t (id, sealed, key_id) where s.id = t.id`,
    [entries.map(({ id }) => id), entries.map(({ sealed }) => sealed), entries.map(({ keyId }) => keyId)],
  );
}
