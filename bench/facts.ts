import { createHash } from 'node:crypto';
import type { Database } from '../workers/store/database.js';

/** What both ways must have written, in words that both share: for each order its customer and price, its items, its fees, and what its customer is told. */
export interface Facts {
  readonly orders: readonly object[];
  readonly items: readonly object[];
  readonly fees: readonly object[];
  readonly messages: readonly object[];
}

const midline = {
  orders: `select booking_ref, status, customer_id, currency, trim_scale(total)::text as total, travel_from, travel_until from orders order by 1`,
  items: `select o.booking_ref, i.item_id, i.product, i.status, i.supplier, i.start_date, i.end_date, trim_scale(i.total)::text as total
    from order_item i join orders o on o.id = i.order_id order by 1, 2`,
  fees: `select o.booking_ref, f.event_id, f.charge, trim_scale(f.net)::text as net, trim_scale(f.vat)::text as vat, trim_scale(f.gross)::text as gross, f.currency
    from fee_entry f join orders o on o.id = f.order_id order by 1, 2, 3`,
  messages: `select o.booking_ref, replace(m.trigger, 'order-confirmed', 'order-booked') as trigger, m.state, count(*)::int as count
    from message m join orders o on o.id = m.order_id group by 1, 2, 3 order by 1, 2, 3`,
};

const naive = {
  orders: `select booking_ref, status, customer_id, currency, trim_scale(total)::text as total, travel_from, travel_until from naive.orders order by 1`,
  items: `select o.booking_ref, i.item_id, i.product, i.status, i.supplier, i.start_date, i.end_date, trim_scale(i.total)::text as total
    from naive.order_item i join naive.orders o on o.id = i.order_id order by 1, 2`,
  fees: `select o.booking_ref, f.event_id, f.charge, trim_scale(f.net)::text as net, trim_scale(f.vat)::text as vat, trim_scale(f.gross)::text as gross, f.currency
    from naive.fee_entry f join naive.orders o on o.id = f.order_id order by 1, 2, 3`,
  messages: `select o.booking_ref, m.trigger, m.state, count(*)::int as count
    from naive.message m join naive.orders o on o.id = m.order_id group by 1, 2, 3 order by 1, 2, 3`,
};

const statements = { midline, naive };

/** Reads what one of the ways has written. */
export async function factsOf(database: Database, way: keyof typeof statements): Promise<Facts> {
  const { orders, items, fees, messages } = statements[way];
  return {
    orders: await database.query(orders), items: await database.query(items),
    fees: await database.query(fees), messages: await database.query(messages),
  };
}

/** Equal for equal facts. */
export const digestOf = (facts: Facts): string => createHash('sha256').update(JSON.stringify(facts)).digest('hex');

/** The first things that two ways do not say alike, for whoever has to find out why; empty when they agree. */
export function differencesOf(one: Facts, other: Facts): readonly string[] {
  const most = 3;
  return (['orders', 'items', 'fees', 'messages'] as const).flatMap((kind) => {
    const [ours, theirs] = [new Set(one[kind].map((row) => JSON.stringify(row))), new Set(other[kind].map((row) => JSON.stringify(row)))];
    const only = (own: ReadonlySet<string>, others: ReadonlySet<string>): readonly string[] => [...own].filter((row) => !others.has(row)).slice(0, most);
    return [...only(ours, theirs).map((row) => `${kind} of the first alone: ${row}`), ...only(theirs, ours).map((row) => `${kind} of the second alone: ${row}`)];
  });
}

/** Rows that a whole run has inserted, updated and deleted, by table. Complete once the connections of the run are closed. */
export interface WrittenRows {
  readonly table: string;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

export async function writtenRows(database: Database): Promise<readonly WrittenRows[]> {
  return database.query<WrittenRows>(
    `select case schemaname when 'public' then '' else schemaname || '.' end || relname as "table", n_tup_ins::float as inserted, n_tup_upd::float as updated, n_tup_del::float as deleted
     from pg_stat_user_tables where n_tup_ins + n_tup_upd + n_tup_del > 0 order by 1`,
  );
}
