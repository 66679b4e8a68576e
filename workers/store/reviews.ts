import type { Role } from '../domain/match/parties.js';
import type { Queryable } from './database.js';

/** A place of an order for which a person has to say who it is. */
export interface OpenReview {
  readonly orderId: string;
  readonly source: string;
  readonly bookingRef: string;
  readonly role: Role;
  readonly position: string;
  /** As decided: candidates with what speaks for them. */
  readonly evidence: unknown;
  readonly decidedAt: Date;
}

/** The oldest open reviews, and how many there are. */
export async function openReviews(db: Queryable, limit: number): Promise<{ readonly reviews: readonly OpenReview[]; readonly open: number }> {
  const reviews = await db.query<OpenReview>(
    `select l.order_id as "orderId", o.source, o.booking_ref as "bookingRef", l.role, l.position, l.evidence, l.decided_at as "decidedAt"
     from customer_link l join orders o on o.id = l.order_id
     where l.decision = 'review' and l.superseded_at is null order by l.decided_at, l.order_id, l.role, l.position limit $1`,
    [limit],
  );
  const [row] = await db.query<{ open: number }>(`select count(*)::int as open from customer_link where decision = 'review' and superseded_at is null`);
  return { reviews, open: row?.open ?? 0 };
}

/**
 * Orders in which somebody waits for a person, by id.
 * @param candidates only those with one of these customers among the candidates; null: all
 * @param after the last id of the page before; null: from the beginning
 */
export async function ordersInReview(db: Queryable, candidates: readonly string[] | null, after: string | null, limit: number): Promise<readonly string[]> {
  const rows = await db.query<{ readonly id: string }>(
    `select distinct order_id as id from customer_link l
     where decision = 'review' and superseded_at is null and ($2::uuid is null or order_id > $2::uuid)
       and ($1::text[] is null or exists (select from jsonb_array_elements(l.evidence -> 'candidates') as c where c ->> 'customerId' = any ($1::text[])))
     order by 1 limit $3`,
    [candidates, after, limit],
  );
  return rows.map(({ id }) => id);
}

/** Keeps that a customer is none of some others. */
export async function insertNotSame(tx: Queryable, { customerId, others, reason, actor, at }: { readonly customerId: string; readonly others: readonly string[]; readonly reason: string; readonly actor: string; readonly at: Date }): Promise<void> {
  await tx.query(
    `insert into customer_not_same (customer_id, other_id, reason, actor, at)
     select least($1::bigint, other), greatest($1::bigint, other), $3, $4, $5 from unnest($2::bigint[]) as other where other <> $1::bigint order by 1, 2 on conflict do nothing`,
    [customerId, others, reason, actor, at],
  );
}

/** That a person said of two customers that they are two. */
interface NotSame {
  readonly reason: string;
  readonly actor: string;
}

const selvesOfBoth = `with one as (select m.id from customer c join customer m on m.id = c.id or m.root_id = c.root_id where c.id = $1), other as (select m.id from customer c join customer m on m.id = c.id or m.root_id = c.root_id where c.id = $2)`;
const ofBoth = '((n.customer_id in (select id from one) and n.other_id in (select id from other)) or (n.other_id in (select id from one) and n.customer_id in (select id from other)))';

/** Of two customers, with whoever was merged into them, the pair of whom a person said that they are two; undefined: nobody did. */
export async function notSame(tx: Queryable, one: string, other: string): Promise<NotSame | undefined> {
  return (await tx.query<NotSame>(`${selvesOfBoth} select n.reason, n.actor from customer_not_same n where ${ofBoth} limit 1`, [one, other]))[0];
}

/** Takes back whatever says that two customers, with whoever was merged into them, are two. @returns it, for the audit log */
export const forgetNotSame = (tx: Queryable, one: string, other: string): Promise<readonly NotSame[]> =>
  tx.query<NotSame>(`${selvesOfBoth} delete from customer_not_same n where ${ofBoth} returning n.reason, n.actor`, [one, other]);
