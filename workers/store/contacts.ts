import type { Queryable } from './database.js';

/** Notes of a contact point of whoever has it that nothing reaches anybody there, or that it does after all, and why. How many customers have it. */
export async function markDeliverable(tx: Queryable, kind: 'email' | 'phone' | 'address', value: string, { deliverable, at, reason }: { readonly deliverable: boolean; readonly at: Date; readonly reason: string | null }): Promise<number> {
  const change = deliverable ? 'undeliverable_at = null, undeliverable_reason = null, deliverable_at = $3, deliverable_reason = $4' : 'undeliverable_at = $3, undeliverable_reason = $4';
  return (await tx.query(`update customer_contact set ${change} where kind = $1 and value = $2 returning customer_id`, [kind, value, at, reason])).length;
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
