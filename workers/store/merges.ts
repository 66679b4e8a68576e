import type { CustomerKind } from '../domain/match/parties.js';
import type { Queryable } from './database.js';

export interface MergeableCustomer {
  readonly id: string;
  readonly rootId: string;
  /** The customer that somebody said this one is; null: nobody did. */
  readonly mergedInto: string | null;
  readonly kind: CustomerKind;
}

/** Reads customers and locks them until the transaction ends. */
export function lockCustomers(tx: Queryable, ids: readonly string[]): Promise<readonly MergeableCustomer[]> {
  return tx.query<MergeableCustomer>(
    `select id, root_id as "rootId", merged_into as "mergedInto", kind from customer where id = any($1::bigint[]) order by id for update`, [ids],
  );
}

/** Says that a customer is another one, or (null) itself again; whoever was merged into it goes with it. Only under the exclusive facts lock, or for a customer that nobody else knows yet. */
export async function setMergedInto(tx: Queryable, id: string, into: Pick<MergeableCustomer, 'id' | 'rootId'> | null): Promise<void> {
  await tx.query('update customer set merged_into = $2 where id = $1', [id, into?.id ?? null]);
  await tx.query(
    `with recursive below (id) as (
       select $1::bigint
       union
       select c.id from below join customer c on c.merged_into = below.id
     ) update customer c set root_id = $2 from below where c.id = below.id`,
    [id, into?.rootId ?? id],
  );
}

/** Leaves a customer to people: nothing is linked to it without asking. */
export async function deactivate(tx: Queryable, id: string): Promise<void> {
  await tx.query('update customer set active = false, updated_at = now() where id = $1', [id]);
}

export interface Merge {
  readonly customerId: string;
  readonly intoId: string;
  readonly reason: string;
  readonly actor: string;
  readonly at: Date;
}

export async function insertMerge(tx: Queryable, { customerId, intoId, reason, actor, at }: Merge): Promise<void> {
  await tx.query('insert into customer_merge (customer_id, into_id, reason, actor, merged_at) values ($1, $2, $3, $4, $5)', [customerId, intoId, reason, actor, at]);
}

/** Notes that the standing merge of a customer was taken back. */
export async function endMerge(tx: Queryable, { customerId, reason, actor, at }: Omit<Merge, 'intoId'>): Promise<void> {
  await tx.query('update customer_merge set undone_reason = $2, undone_by = $3, undone_at = $4 where customer_id = $1 and undone_at is null', [customerId, reason, actor, at]);
}

/** SQL: customer `self` is one with those whose root is `root` (an expression); written so that indexes serve it. */
export const isOneWith = (self: string, root: string): string => `(${self}.id = ${root} or (${self}.root_id = ${root} and ${self}.root_id <> ${self}.id))`;

/** The ids of everybody who is one with these customers, themselves among them. */
export async function selvesOf(db: Queryable, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await db.query<{ readonly id: string }>(
    `select distinct s.id from customer c join customer s on ${isOneWith('s', 'c.root_id')} where c.id = any ($1::bigint[]) order by s.id`, [ids],
  );
  return rows.map(({ id }) => id);
}
