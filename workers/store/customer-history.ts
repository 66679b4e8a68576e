import type { Queryable } from './database.js';

/** An order in a customer's history. */
export interface HistoryOrder {
  readonly order: string;
  readonly status: string;
  /** customer, corporate account, traveller. */
  readonly roles: readonly string[];
  readonly bookedAt: Date | null;
  readonly travelFrom: string | null;
  readonly travelUntil: string | null;
  readonly total: string | null;
  readonly currency: string | null;
}

export interface Sum {
  readonly currency: string;
  readonly orders: number;
  readonly total: string;
}

export interface Count {
  readonly value: string;
  readonly orders: number;
}

/** Sums and counts are over orders that are the customer's own, as payer, booker or corporate account; trips paid by others count as travelled only. */
export interface HistoryStatistics {
  readonly orders: number;
  readonly byRole: readonly Count[];
  readonly byStatus: readonly Count[];
  /** Of orders that were not cancelled. */
  readonly prices: readonly Sum[];
  /** What stands in the ledger, of all orders. */
  readonly fees: readonly Sum[];
  readonly firstTravel: string | null;
  readonly lastTravel: string | null;
  readonly nextTravel: string | null;
  /** Of trips that were not cancelled: airports, stations or countries as the source writes them, the ten most frequent. */
  readonly destinations: readonly Count[];
  readonly nights: number;
  /** Of trips of one night and more. */
  readonly averageNights: number | null;
  /** Days between booking and travel. */
  readonly medianLeadDays: number | null;
  /** Reservation systems. */
  readonly sources: readonly Count[];
  /** Countries that the booker or payer comes from, as the source writes them. */
  readonly origins: readonly Count[];
  readonly cancelledShare: number | null;
  readonly noShowShare: number | null;
  readonly years: readonly { readonly year: number; readonly orders: number; readonly cancelled: number; readonly nights: number; readonly prices: readonly Omit<Sum, 'orders'>[] }[];
}

/** Every order in which these customers (roots, and the ids of everybody merged into them) have a place, with their roles. */
const mine = `mine (id, roles) as materialized (
  select id, array_agg(distinct role order by role) from (
    select id, 'customer' as role from orders where customer_id = any ($1::bigint[])
    union all
    select id, 'corporate account' from orders where corporate_account_id = any ($1::bigint[])
    union all
    select order_id, 'traveller' from customer_link where customer_id = any ($2::bigint[]) and role = 'traveller' and superseded_at is null
  ) as place group by id)`;

/** A page of the orders, the newest booking first. */
export async function historyOrders(db: Queryable, roots: readonly string[], selves: readonly string[], { limit, offset }: { readonly limit: number; readonly offset: number }): Promise<readonly HistoryOrder[]> {
  return db.query<HistoryOrder>(
    `with ${mine}
     select o.source || ':' || o.booking_ref as "order", o.status, m.roles, o.booked_at as "bookedAt", o.travel_from as "travelFrom", o.travel_until as "travelUntil", o.total::text as total, o.currency
     from mine m join orders o on o.id = m.id order by o.booked_at desc nulls last, o.id limit $3 offset $4`,
    [roots, selves, limit, offset],
  );
}

const counts = (value: string, from: string, limit = 10): string =>
  `(select coalesce(json_agg(json_build_object('value', value, 'orders', orders) order by orders desc, value), '[]') from (select ${value} as value, count(distinct id)::int as orders from ${from} group by 1 order by 2 desc, 1 limit ${limit}) as n)`;

/** Counts and sums over the whole history as of a day, in one statement. */
export async function historyStatistics(db: Queryable, roots: readonly string[], selves: readonly string[], today: string): Promise<HistoryStatistics> {
  const [statistics] = await db.query<HistoryStatistics>(
    `with ${mine}, history as materialized (
       select o.id, m.roles, m.roles <> '{traveller}' as own, o.source, o.status, o.travel_from, o.travel_until, o.total, o.currency, o.status not in ('cancelled', 'no-show') as travels,
         greatest(o.travel_until - o.travel_from, 0) as nights, o.travel_from - o.booked_at::date as lead, extract(year from o.travel_from)::int as year,
         coalesce(o.state #>> '{booking,booker,addresses,0,country}', o.state #>> '{booking,payer,addresses,0,country}') as origin
       from mine m join orders o on o.id = m.id
     ), own as (select * from history where own), trips as (select * from history where travels),
     destination as (
       select t.id, coalesce(i->>'destination', i->>'country') as place from trips t join orders o on o.id = t.id cross join lateral jsonb_array_elements(o.state #> '{booking,items}') as i
       where jsonb_typeof(o.state #> '{booking,items}') = 'array' and coalesce(i->>'status', '') <> 'cancelled' and coalesce(i->>'destination', i->>'country') is not null)
     select (select count(*)::int from history) as orders,
       ${counts('unnest(roles)', 'history')} as "byRole", ${counts('status', 'history')} as "byStatus",
       (select coalesce(json_agg(json_build_object('currency', currency, 'orders', orders, 'total', total) order by currency), '[]')
        from (select currency, count(*)::int as orders, sum(total)::text as total from own where travels and total is not null group by 1) p) as prices,
       (select coalesce(json_agg(json_build_object('currency', currency, 'orders', orders, 'total', total) order by currency), '[]')
        from (select f.currency, count(distinct f.order_id)::int as orders, sum(f.gross)::text as total from own join fee_entry f on f.order_id = own.id group by 1) p) as fees,
       (select min(travel_from) from trips) as "firstTravel", (select max(travel_from) from trips where travel_from < $3::date) as "lastTravel", (select min(travel_from) from trips where travel_from >= $3::date) as "nextTravel",
       ${counts('place', 'destination')} as destinations,
       (select coalesce(sum(nights), 0)::int from trips) as nights, (select round(avg(nights) filter (where nights > 0), 1)::float from trips) as "averageNights",
       (select percentile_disc(0.5) within group (order by lead) from own where lead >= 0) as "medianLeadDays",
       ${counts('source', 'history')} as sources, ${counts('origin', '(select * from own where origin is not null) as known')} as origins,
       (select round(avg((status = 'cancelled')::int), 3)::float from own) as "cancelledShare", (select round(avg((status = 'no-show')::int), 3)::float from own) as "noShowShare",
       (select coalesce(json_agg(json_build_object('year', year, 'orders', orders, 'cancelled', cancelled, 'nights', nights, 'prices',
          (select coalesce(json_agg(json_build_object('currency', currency, 'total', total) order by currency), '[]')
           from (select currency, sum(total)::text as total from own where own.year = y.year and travels and total is not null group by 1) p)) order by year desc), '[]')
        from (select year, count(*)::int as orders, count(*) filter (where status = 'cancelled')::int as cancelled, coalesce(sum(nights) filter (where travels), 0)::int as nights
              from history where year is not null group by 1) y) as years`,
    [roots, selves, today],
  );
  if (statistics === undefined) throw new Error('a statement without from gives one row');
  return statistics;
}
