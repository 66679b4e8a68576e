import type { Queryable } from './database.js';

/** Notes of a contact point of whoever has it that nothing reaches anybody there, or (null) that it does. How many customers have it. */
export async function markUndeliverable(tx: Queryable, kind: 'email' | 'phone' | 'address', value: string, since: { readonly at: Date; readonly reason: string } | null): Promise<number> {
  return (await tx.query(
    `update customer_contact set undeliverable_at = $3, undeliverable_reason = $4 where kind = $1 and value = $2 returning customer_id`, [kind, value, since?.at ?? null, since?.reason ?? null],
  )).length;
}

export interface UndeliverableContact {
  readonly customerId: string;
  readonly kind: string;
  readonly value: string;
  readonly at: Date;
  readonly reason: string | null;
}

/** Contact points that reach nobody, the newest first. */
export async function undeliverableContacts(db: Queryable, limit: number): Promise<{ readonly count: number; readonly contacts: readonly UndeliverableContact[] }> {
  const contacts = await db.query<UndeliverableContact & { readonly count: number }>(
    `select customer_id::text as "customerId", kind, value, undeliverable_at as at, undeliverable_reason as reason, (count(*) over ())::int as count
     from customer_contact where undeliverable_at is not null order by undeliverable_at desc, customer_contact.customer_id limit $1`, [limit],
  );
  return { count: contacts[0]?.count ?? 0, contacts: contacts.map(({ count: _count, ...contact }) => contact) };
}
