import type { OrderState } from '../domain/order.js';
import type { Queryable } from './database.js';
import { behindNothing } from './paging.js';

export type LinkStatus = 'linked' | 'review' | 'new' | 'none';

export interface StoredOrder {
  readonly id: string;
  readonly source: string;
  readonly bookingRef: string;
  readonly revision: number;
  readonly link: LinkStatus;
  /** The effective customer: the root of the linked one. */
  readonly customerId: string | null;
  readonly corporateAccountId: string | null;
  readonly orgUnit: string | null;
  readonly state: OrderState;
  readonly updatedAt: Date;
  /** The archive that has its events; null: they are in the inbox. */
  readonly archive: string | null;
}

const columns = `o.id, o.source, o.booking_ref as "bookingRef", o.revision, o.link, o.customer_id as "customerId",
  o.corporate_account_id as "corporateAccountId", o.org_unit as "orgUnit", o.state, o.updated_at as "updatedAt", o.archive`;

const toOrder = (row: StoredOrder & { readonly revision: number | string }): StoredOrder => ({ ...row, revision: Number(row.revision) });

/** Locks the orders among these ids that exist, sorted, for the rest of the transaction. */
export async function lockOrders(tx: Queryable, ids: readonly string[]): Promise<readonly StoredOrder[]> {
  const rows = await tx.query<StoredOrder>(`select ${columns} from orders o where o.id = any($1::uuid[]) order by o.id for update`, [ids]);
  return rows.map(toOrder);
}

/** Reads orders without locking them. */
export async function findOrders(db: Queryable, ids: readonly string[]): Promise<readonly StoredOrder[]> {
  const rows = await db.query<StoredOrder>(`select ${columns} from orders o where o.id = any($1::uuid[]) order by o.id`, [ids]);
  return rows.map(toOrder);
}

/** From, included, until, not included, in milliseconds; null: without limit. */
interface Between {
  readonly from: number | null;
  readonly until: number | null;
}

const hasEventBetween = `exists (select from booking_event e where e.order_id = o.id and ($1::timestamptz is null or e.occurred_at >= $1) and ($2::timestamptz is null or e.occurred_at < $2))`;

/** A page, by id, of orders to which something happened between two moments. */
export async function ordersBetween(db: Queryable, { from, until }: Between, after: string | null, limit: number): Promise<readonly StoredOrder[]> {
  const rows = await db.query<StoredOrder>(`select ${columns} from orders o where o.id > $3 and ${hasEventBetween} order by o.id limit $4`, [dateOf(from), dateOf(until), after ?? behindNothing, limit]);
  return rows.map(toOrder);
}

/** How many they are. */
export async function countOrdersBetween(db: Queryable, { from, until }: Between): Promise<number> {
  const [row] = await db.query<{ count: number }>(`select count(*)::int as count from orders o where ${hasEventBetween}`, [dateOf(from), dateOf(until)]);
  return row?.count ?? 0;
}

const dateOf = (at: number | null): Date | null => (at === null ? null : new Date(at));

export interface OrderFilter {
  readonly source?: string;
  readonly status?: string;
  readonly customerId?: string;
  /** Only orders after this id, for paging. */
  readonly after?: string;
  readonly limit: number;
}

/** A page of orders by id. */
export async function listOrders(db: Queryable, filter: OrderFilter): Promise<readonly StoredOrder[]> {
  const rows = await db.query<StoredOrder>(
    `select ${columns} from orders o
     where ($1::text is null or o.source = $1) and ($2::text is null or o.status = $2)
       and ($3::bigint is null or o.customer_id = $3) and o.id > $4
     order by o.id limit $5`,
    [filter.source ?? null, filter.status ?? null, filter.customerId ?? null, filter.after ?? behindNothing, filter.limit],
  );
  return rows.map(toOrder);
}

/** Every source that has sent a booking or was applied. */
export async function knownSources(db: Queryable): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>('select id from source order by id');
  return rows.map((row) => row.id);
}

/** Notes sources that bookings came from without having been applied. */
export async function meetSources(tx: Queryable, ids: readonly string[]): Promise<void> {
  await tx.query('insert into source (id) select id from unnest($1::text[]) as t (id) order by id on conflict do nothing', [ids]);
}

/** An order worth telling of: linked to a customer, with the most fees in its ledger; null while there are no orders. */
export async function storyOrder(db: Queryable): Promise<string | null> {
  const rows = await db.query<{ ref: string }>(
    `select o.source || ':' || o.booking_ref as ref from orders o
     left join lateral (select count(*) as n from fee_entry f where f.order_id = o.id) f on true
     order by o.customer_id is not null desc, exists (select from message m where m.order_id = o.id and m.state = 'sent') desc, least(f.n, 4) desc, o.id limit 1`,
  );
  return rows[0]?.ref ?? null;
}
