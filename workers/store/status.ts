import type { Queryable } from './database.js';
import type { Outcomes } from './fence.js';

/** Counters over all partitions by topic: of a group, and of the groups of its own that read customers and raw records for it (`GROUP.customers`, `GROUP.source.ID`). */
export async function outcomesByTopic(db: Queryable, group: string, customersGroup: string): Promise<ReadonlyMap<string, Outcomes>> {
  const rows = await db.query<{ readonly topic: string } & Readonly<Record<keyof Outcomes, string>>>(
    `select topic, sum(read) as read, sum(applied) as applied, sum(duplicate) as duplicate, sum(late) as late, sum(dead_lettered) as "deadLettered"
     from consumer_offset where consumer_group in ($1, $2, $1 || '.' || topic) group by topic order by topic`,
    [group, customersGroup],
  );
  return new Map(rows.map(({ topic, read, applied, duplicate, late, deadLettered }) => [
    topic, { read: Number(read), applied: Number(applied), duplicate: Number(duplicate), late: Number(late), deadLettered: Number(deadLettered) },
  ]));
}

export interface DatabaseStatus {
  readonly orders: { readonly total: number; readonly byStatus: Readonly<Record<string, number>>; readonly withCorporateAccount: number; readonly stale: number };
  readonly customers: { readonly total: number };
  readonly links: { readonly linked: number; readonly review: number; readonly new: number; readonly none: number };
  readonly fees: {
    readonly charges: number;
    readonly reversals: number;
    readonly waivers: number;
    readonly byCurrency: Readonly<Record<string, { readonly net: string; readonly vat: string; readonly gross: string }>>;
  };
  readonly messages: Readonly<Record<'due' | 'queued' | 'claimed' | 'sent' | 'failed' | 'unknown' | 'skipped' | 'cancelled', number>>;
  readonly outbox: { readonly pending: number };
  readonly deadLetters: { readonly open: number; readonly replayed: number; readonly applied: number; readonly resolved: number };
}

/** Everything that the database alone knows, in one query: counts by state, fee totals by currency (exact decimals as text). */
export async function databaseStatus(db: Queryable): Promise<DatabaseStatus> {
  const rows = await db.query<{ status: DatabaseStatus }>(
    `select json_build_object(
       'orders', (select json_build_object('total', coalesce(sum(n), 0), 'byStatus', coalesce(json_object_agg(status, n), '{}'),
                    'withCorporateAccount', (select count(*) from orders where corporate_account_id is not null),
                    'stale', (select count(*) from rating_stale))
                  from (select status, count(*) as n from orders group by status) s),
       'customers', json_build_object('total', (select count(*) from customer where root_id = id)),
       'links', (select json_build_object('linked', count(*) filter (where link = 'linked'), 'review', count(*) filter (where link = 'review'),
                    'new', count(*) filter (where link = 'new'), 'none', count(*) filter (where link = 'none')) from orders),
       'fees', (select json_build_object('charges', coalesce(sum(charges), 0), 'reversals', coalesce(sum(reversals), 0), 'waivers', coalesce(sum(waivers), 0),
                    'byCurrency', coalesce(json_object_agg(currency, json_build_object('net', net::text, 'vat', vat::text, 'gross', gross::text)), '{}'))
                  from (select currency, sum(net) as net, sum(vat) as vat, sum(gross) as gross, count(*) filter (where type in ('charge', 'manual')) as charges,
                          count(*) filter (where type = 'reversal') as reversals, count(*) filter (where type = 'waiver') as waivers
                        from fee_entry group by currency) f),
       'messages', (select json_build_object('due', count(*) filter (where state = 'due'), 'queued', count(*) filter (where state = 'queued'),
                    'claimed', count(*) filter (where state = 'claimed'), 'sent', count(*) filter (where state = 'sent'),
                    'failed', count(*) filter (where state = 'failed'), 'unknown', count(*) filter (where state = 'unknown'),
                    'skipped', count(*) filter (where state = 'skipped'), 'cancelled', count(*) filter (where state = 'cancelled')) from message),
       'outbox', json_build_object('pending', (select count(*) from outbox) + (select count(*) from dead_letter where relay = 'pending')),
       'deadLetters', (select json_build_object('open', count(*) filter (where state = 'open'), 'replayed', count(*) filter (where state = 'replayed'),
                    'applied', count(*) filter (where state = 'applied'), 'resolved', count(*) filter (where state = 'resolved')) from dead_letter)
     ) as status`,
  );
  const row = rows[0];
  if (row === undefined) throw new Error('the status query returned no row');
  return row.status;
}
