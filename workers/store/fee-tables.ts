import type { FeeTable } from '../../schemas/fee-table.js';
import type { Queryable } from './database.js';
import { behindNothing } from './paging.js';

export type VersionState = 'draft' | 'approved';

/** A fee-table version as it is kept. */
export interface StoredVersion {
  readonly table: string;
  readonly version: number;
  readonly state: VersionState;
  readonly validFrom: Date;
  readonly definition: FeeTable;
  readonly sourceText: string;
  readonly hash: string;
  readonly author: string;
  readonly createdAt: Date;
  readonly approvedBy: string | null;
  readonly approvedAt: Date | null;
  readonly reason: string | null;
}

const columns = `fee_table as "table", version, state, valid_from as "validFrom", definition, source_text as "sourceText", hash, author,
  created_at as "createdAt", approved_by as "approvedBy", approved_at as "approvedAt", reason`;

/** All versions of a table, the newest first. */
export function versionsOf(db: Queryable, table: string): Promise<readonly StoredVersion[]> {
  return db.query<StoredVersion>(`select ${columns} from fee_table_version where fee_table = $1 order by version desc`, [table]);
}

/** The newest version of every table, by name. */
export function newestVersions(db: Queryable): Promise<readonly StoredVersion[]> {
  return db.query<StoredVersion>(`select distinct on (fee_table) ${columns} from fee_table_version order by fee_table, version desc`);
}

/** Writes a draft: a new version, or the present draft with another content. */
export async function saveDraft(tx: Queryable, draft: Pick<StoredVersion, 'table' | 'version' | 'validFrom' | 'definition' | 'sourceText' | 'hash' | 'author'>): Promise<void> {
  const { definition } = draft;
  await tx.query(
    `insert into fee_table (id, name, owner, currency) values ($1, $2, $3, $4)
     on conflict (id) do update set name = excluded.name, owner = excluded.owner`,
    [draft.table, definition.name ?? draft.table, definition.owner ?? null, definition.currency],
  );
  await tx.query(
    `insert into fee_table_version (fee_table, version, state, valid_from, definition, source_text, hash, author)
     values ($1, $2, 'draft', $3, $4, $5, $6, $7)
     on conflict (fee_table, version) do update set valid_from = excluded.valid_from, definition = excluded.definition,
       source_text = excluded.source_text, hash = excluded.hash, author = excluded.author, created_at = now()`,
    [draft.table, draft.version, draft.validFrom, JSON.stringify(definition), draft.sourceText, draft.hash, draft.author],
  );
}

/** Makes a draft immutable. Only under the exclusive facts lock. */
export async function approveVersion(tx: Queryable, table: string, version: number, by: string, at: Date, reason: string | null): Promise<void> {
  await tx.query(
    `update fee_table_version set state = 'approved', approved_by = $3, approved_at = $4, reason = $5 where fee_table = $1 and version = $2 and state = 'draft'`,
    [table, version, by, at, reason],
  );
}

export type AssignmentSubject = { readonly kind: 'customer' | 'company' | 'orgUnit' | 'default'; readonly id: string };

export interface StoredAssignment {
  readonly id: string;
  readonly subjectKind: AssignmentSubject['kind'];
  readonly subjectId: string;
  readonly table: string;
  readonly validFrom: string;
  readonly validUntil: string | null;
  readonly reason: string | null;
  readonly createdBy: string;
}

const assignmentColumns = `id, subject_kind as "subjectKind", subject_id as "subjectId", fee_table as "table", valid_from as "validFrom", valid_until as "validUntil",
  reason, created_by as "createdBy"`;

/** Every assignment of a table, or all of them. */
export function listAssignments(db: Queryable, table: string | null): Promise<readonly StoredAssignment[]> {
  return db.query<StoredAssignment>(
    `select ${assignmentColumns} from fee_assignment where $1::text is null or fee_table = $1 order by subject_kind, subject_id, valid_from, id`,
    [table],
  );
}

/** Ends earlier assignments of the subject that overlap the new one, the day before it begins; returns those. Only under the exclusive facts lock. */
export function endOverlapping(tx: Queryable, subject: AssignmentSubject, from: string): Promise<readonly StoredAssignment[]> {
  return tx.query<StoredAssignment>(
    `update fee_assignment set valid_until = $3::date - 1
     where subject_kind = $1 and subject_id = $2 and valid_from < $3::date and (valid_until is null or valid_until >= $3::date)
     returning ${assignmentColumns}`,
    [subject.kind, subject.id, from],
  );
}

export async function insertAssignment(
  tx: Queryable, subject: AssignmentSubject, assignment: { readonly table: string; readonly from: string; readonly until: string | null; readonly reason: string | null; readonly by: string },
): Promise<void> {
  await tx.query(
    `insert into fee_assignment (subject_kind, subject_id, fee_table, valid_from, valid_until, reason, created_by) values ($1, $2, $3, $4, $5, $6, $7)`,
    [subject.kind, subject.id, assignment.table, assignment.from, assignment.until, assignment.reason, assignment.by],
  );
}

export interface TaxRate {
  readonly code: string;
  readonly country: string | null;
  readonly percent: string;
  readonly validFrom: string | null;
}

export function listTaxRates(db: Queryable): Promise<readonly TaxRate[]> {
  return db.query<TaxRate>(`select code, country, percent, nullif(valid_from, '-infinity') as "validFrom" from tax_code order by code, valid_from`);
}

/** Adds or corrects dated rates. Only under the exclusive facts lock. */
export async function saveTaxRates(tx: Queryable, rates: readonly TaxRate[]): Promise<void> {
  await tx.query(
    `insert into tax_code (code, country, percent, valid_from)
     select code, country, percent, coalesce("validFrom", '-infinity') from json_to_recordset($1::json) as (code text, country text, percent numeric, "validFrom" date) order by 1, 4
     on conflict (code, valid_from) do update set country = excluded.country, percent = excluded.percent`,
    [JSON.stringify(rates)],
  );
}

/**
 * Marks the orders that a fact from the past concerns: those with an event at or after `since`, of these customers or companies, or of all.
 * Returns how many.
 */
export async function markStaleSince(tx: Queryable, since: Date, subject: AssignmentSubject | null, cause: string): Promise<number> {
  const customerId = subject?.kind === 'customer' || subject?.kind === 'company' ? subject.id : null;
  const rows = await tx.query<{ marked: string }>(
    `with recursive below as (
       select $2::bigint as id where $2::bigint is not null
       union
       select r.customer_id from below join customer_relation r on r.related_id = below.id
     ), marked as (
       insert into rating_stale (order_id, cause)
       select o.id, $3 from orders o
       where exists (select from booking_event e where e.order_id = o.id and e.occurred_at >= $1)
         and ($2::bigint is null or o.customer_id in (select id from below) or o.corporate_account_id in (select id from below))
       order by o.id
       on conflict (order_id) do update set cause = excluded.cause, marked_at = now()
       returning 1)
     select count(*) as marked from marked`,
    [since, customerId, cause],
  );
  return Number(rows[0]?.marked ?? 0);
}

/** The next stale orders after `after`, by id, with their causes. */
export function staleOrders(db: Queryable, after: string | null, limit: number): Promise<readonly { readonly id: string; readonly cause: string }[]> {
  return db.query(`select order_id as id, cause from rating_stale where order_id > $1 order by order_id limit $2`, [after ?? behindNothing, limit]);
}

export async function unmarkStale(tx: Queryable, orderIds: readonly string[]): Promise<void> {
  await tx.query('delete from rating_stale where order_id = any($1::uuid[])', [orderIds]);
}
