import type { Queryable } from './database.js';

/** Notes who did what, in the transaction of the action itself. `details` holds no personal data. */
export async function audit(tx: Queryable, actor: string, action: string, subject: string, details: object, now: Date): Promise<void> {
  await tx.query('insert into audit_log (at, actor, action, subject, details) values ($1, $2, $3, $4, $5)', [now, actor, action, subject, JSON.stringify(details)]);
}
