import type { EventTrigger } from '../domain/outreach/due.js';
import type { Queryable } from './database.js';

/** The triggers that events make due and that are switched on. */
export async function enabledTriggers(tx: Queryable): Promise<readonly EventTrigger[]> {
  const rows = await tx.query<Omit<EventTrigger, 'maxAgeMs'> & { readonly seconds: string }>(
    `select id, event_types as "eventTypes", channel, extract(epoch from max_age) as seconds from trigger where enabled order by id`,
  );
  return rows.map(({ seconds, ...row }) => ({ ...row, maxAgeMs: Number(seconds) * 1000 }));
}
