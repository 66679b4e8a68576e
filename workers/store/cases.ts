import type { Queryable } from './database.js';
import { isOneWith } from './merges.js';

export type CaseKind = 'complaint' | 'question';

/** A complaint or a product question of a customer. */
export interface CustomerCase {
  readonly id: string;
  readonly customerId: string;
  /** `source:bookingRef`; null: it is about no order. */
  readonly order: string | null;
  readonly kind: CaseKind;
  readonly subject: string;
  readonly body: string | null;
  readonly state: 'open' | 'closed';
  readonly openedAt: Date;
  readonly openedBy: string;
  readonly closedAt: Date | null;
  readonly closedBy: string | null;
  /** Of a closed case. */
  readonly answer: string | null;
  /** Answers that it was opened again after, the oldest first; at and by are those of its closing, where they are known. */
  readonly earlier: readonly { readonly answer: string; readonly at: string | null; readonly by: string | null }[];
}

/** Which cases: of a customer and everybody merged with it, of an order, of a state or kind; null: of any. */
export interface CaseFilter {
  readonly customer: string | null;
  readonly orderId: string | null;
  readonly state: 'open' | 'closed' | null;
  readonly kind: CaseKind | null;
}

const columns = `c.id::text as id, c.customer_id::text as "customerId", o.source || ':' || o.booking_ref as "order", c.kind, c.subject, c.body, c.state,
  c.opened_at as "openedAt", c.opened_by as "openedBy", c.closed_at as "closedAt", c.closed_by as "closedBy", c.answer, c.earlier`;

/** The cases, the newest first, at most `limit`. */
export async function listCases(db: Queryable, { customer, orderId, state, kind }: CaseFilter, limit: number): Promise<readonly CustomerCase[]> {
  return db.query<CustomerCase>(
    `select ${columns} from customer_case c left join orders o on o.id = c.order_id
     where ($1::bigint is null or c.customer_id in (select s.id from customer own join customer s on ${isOneWith('s', 'own.root_id')} where own.id = $1))
       and ($2::uuid is null or c.order_id = $2) and ($3::text is null or c.state = $3) and ($4::text is null or c.kind = $4)
     order by c.opened_at desc, c.id desc limit $5`,
    [customer, orderId, state, kind, limit],
  );
}

/** Reads a case and locks it until the transaction ends; undefined where there is none. */
export async function lockCase(tx: Queryable, id: string): Promise<CustomerCase | undefined> {
  const [found] = await tx.query<CustomerCase>(`select ${columns} from customer_case c left join orders o on o.id = c.order_id where c.id = $1 for update of c`, [id]);
  return found;
}

export async function insertCase(tx: Queryable, { customerId, orderId, kind, subject, body, at, by }: {
  readonly customerId: string; readonly orderId: string | null; readonly kind: CaseKind; readonly subject: string; readonly body: string | null; readonly at: Date; readonly by: string;
}): Promise<string> {
  const [row] = await tx.query<{ readonly id: string }>(
    `insert into customer_case (customer_id, order_id, kind, subject, body, opened_at, opened_by) values ($1, $2, $3, $4, $5, $6, $7) returning id::text as id`, [customerId, orderId, kind, subject, body, at, by],
  );
  return row?.id ?? '';
}

/** Closes a case with its answer. */
export async function closeCase(tx: Queryable, id: string, { answer, at, by }: { readonly answer: string; readonly at: Date; readonly by: string }): Promise<void> {
  await tx.query(`update customer_case set state = 'closed', answer = $2, closed_at = $3, closed_by = $4 where id = $1`, [id, answer, at, by]);
}

/** Opens a closed case again: its answer is an earlier one from now on. */
export async function openCaseAgain(tx: Queryable, id: string): Promise<void> {
  await tx.query(
    `update customer_case set state = 'open', earlier = earlier || jsonb_build_array(jsonb_build_object('answer', answer, 'at', closed_at, 'by', closed_by)), answer = null, closed_at = null, closed_by = null where id = $1`, [id],
  );
}

/** Whether a customer, or somebody who is one with it, has a place in an order. */
export async function belongsToOrder(db: Queryable, customer: string, orderId: string): Promise<boolean> {
  const rows = await db.query(
    `select from customer own join customer s on ${isOneWith('s', 'own.root_id')}
     where own.id = $1 and (exists (select from orders o where o.id = $2 and (o.customer_id = s.root_id or o.corporate_account_id = s.root_id))
       or exists (select from customer_link l where l.order_id = $2 and l.customer_id = s.id and l.superseded_at is null)) limit 1`,
    [customer, orderId],
  );
  return rows.length > 0;
}
