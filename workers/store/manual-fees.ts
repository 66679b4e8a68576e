import type { ManualFee } from '../domain/fees/types.js';
import type { Queryable } from './database.js';

interface ManualFeeRow extends Omit<ManualFee, 'at'> {
  readonly orderId: string;
  readonly at: Date;
}

/** Waivers and manual charges of orders that have not been taken back, oldest first. */
export async function manualFeesOf(db: Queryable, orderIds: readonly string[]): Promise<ReadonlyMap<string, readonly ManualFee[]>> {
  if (orderIds.length === 0) return new Map();
  const rows = await db.query<ManualFeeRow>(
    `select order_id as "orderId", id::text as id, kind, charge, unit, event_id as "transaction", gross::text as gross, vat::text as vat, currency, reason, created_by as "by", created_at as at
     from manual_fee where order_id = any($1::uuid[]) and revoked_at is null order by id`, [orderIds],
  );
  const byOrder = new Map<string, ManualFee[]>();
  for (const { orderId, at, ...fee } of rows) {
    const fees = byOrder.get(orderId);
    if (fees === undefined) byOrder.set(orderId, [{ ...fee, at: at.getTime() }]);
    else fees.push({ ...fee, at: at.getTime() });
  }
  return byOrder;
}

/** @returns its id */
export async function insertManualFee(tx: Queryable, orderId: string, fee: Omit<ManualFee, 'id' | 'at'>, role: string | null, at: Date): Promise<string> {
  const [row] = await tx.query<{ readonly id: string }>(
    `insert into manual_fee (order_id, kind, charge, unit, event_id, gross, vat, currency, reason, created_by, role, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id::text as id`,
    [orderId, fee.kind, fee.charge, fee.unit, fee.transaction ?? null, fee.gross ?? null, fee.vat ?? null, fee.currency ?? null, fee.reason, fee.by, role, at],
  );
  if (row === undefined) throw new Error('the insert returned nothing');
  return row.id;
}

/** Takes it back. @returns whether there was such a one that stood */
export async function revokeManualFee(tx: Queryable, orderId: string, kind: ManualFee['kind'], id: string, by: string, at: Date): Promise<boolean> {
  const rows = await tx.query(`update manual_fee set revoked_at = $4, revoked_by = $5 where order_id = $1 and kind = $2 and id = $3::bigint and revoked_at is null returning 1`, [orderId, kind, id, at, by]);
  return rows.length > 0;
}
