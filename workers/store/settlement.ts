import { byteaArray, jsonbArray } from './binary-array.js';
import type { WireForm } from './booking-events.js';
import type { Queryable } from './database.js';

export interface EventRow {
  readonly source: string;
  readonly event_id: string;
  readonly order_id: string;
  readonly type: string;
  readonly occurred_at: string;
  readonly received_at: string;
  readonly wire_form: WireForm;
}

/** Missing fields of a row become null. */
export interface OrderRow {
  readonly id: string;
  readonly source: string;
  readonly booking_ref: string;
  readonly revision: number;
  readonly status: string;
  readonly link: string;
  readonly customer_id?: string | undefined;
  readonly corporate_account_id?: string | undefined;
  readonly org_unit?: string | undefined;
  readonly travel_from?: string | undefined;
  readonly travel_until?: string | undefined;
  readonly currency?: string | undefined;
  readonly total?: string | undefined;
  readonly booked_at?: string | undefined;
}

export interface ItemRow {
  readonly order_id: string;
  readonly item_id: string;
  readonly product: string;
  readonly status?: string | undefined;
  readonly supplier?: string | undefined;
  readonly start_date?: string | undefined;
  readonly end_date?: string | undefined;
  readonly currency?: string | undefined;
  readonly total?: string | undefined;
}

export interface EntryRow {
  readonly order_id: string;
  readonly charge: string;
  readonly event_id: string;
  readonly transaction_type: string;
  readonly unit: string;
  readonly seq: number;
  readonly type: string;
  readonly fee_table?: string | undefined;
  readonly version?: number | undefined;
  readonly rule?: string | undefined;
  readonly net: string;
  readonly vat: string;
  readonly gross: string;
  readonly currency: string;
  readonly account?: string | undefined;
  readonly occurred_at: string;
  readonly reason?: string | undefined;
}

export interface OutboxRow {
  readonly lane: number;
  readonly topic: string;
  readonly key: string;
}

/** Everything one settlement writes; rows sorted by their keys, so that two settlements never wait for each other in a circle. */
export interface SettlementRows {
  readonly events: readonly EventRow[];
  /** The bytes of `events`, in the same order. */
  readonly wires: readonly Buffer[];
  readonly orders: readonly OrderRow[];
  /** The states of `orders`, in the same order. */
  readonly states: readonly object[];
  readonly items: readonly ItemRow[];
  readonly entries: readonly EntryRow[];
  /** The details of `entries`, in the same order. */
  readonly entryDetails: readonly object[];
  readonly outbox: readonly OutboxRow[];
  /** The bytes of `outbox`, in the same order. */
  readonly outboxValues: readonly Buffer[];
  /** ISO instant of the settlement. */
  readonly now: string;
}

/** Somebody else stored one of the events or changed one of the orders since this transaction read them: roll back and settle again. */
class SettlementConflict extends Error {
  override readonly name = 'SettlementConflict';
}

/** Ledger lines are written only if all orders were: where another transaction was faster they may stand already, and that would look like a message that the database refuses. */
const save = `
with event as (
  insert into booking_event (source, event_id, order_id, type, occurred_at, received_at, wire, wire_form)
  select source, event_id, order_id, type, occurred_at, received_at, wire, wire_form
  from rows from (
    json_to_recordset($1::json) as (source text, event_id text, order_id uuid, type text, occurred_at timestamptz, received_at timestamptz, wire_form text),
    unnest($2::bytea[])
  ) as e (source, event_id, order_id, type, occurred_at, received_at, wire_form, wire)
  order by source, event_id
  on conflict do nothing
  returning 1
), saved as (
  insert into orders as o (id, source, booking_ref, revision, status, link, customer_id, corporate_account_id, org_unit,
    travel_from, travel_until, currency, total, booked_at, state, updated_at)
  select id, source, booking_ref, revision, status, link, customer_id, corporate_account_id, org_unit,
    travel_from, travel_until, currency, total, booked_at, state, $7::timestamptz
  from rows from (
    json_to_recordset($3::json) as (id uuid, source text, booking_ref text, revision bigint, status text, link text, customer_id bigint,
      corporate_account_id bigint, org_unit text, travel_from date, travel_until date, currency text, total numeric, booked_at timestamptz),
    unnest($9::jsonb[])
  ) as r (id, source, booking_ref, revision, status, link, customer_id, corporate_account_id, org_unit, travel_from, travel_until, currency, total, booked_at, state)
  order by id
  on conflict (id) do update set revision = excluded.revision, status = excluded.status, link = excluded.link,
    customer_id = excluded.customer_id, corporate_account_id = excluded.corporate_account_id, org_unit = excluded.org_unit,
    travel_from = excluded.travel_from, travel_until = excluded.travel_until, currency = excluded.currency, total = excluded.total,
    booked_at = excluded.booked_at, state = excluded.state, updated_at = excluded.updated_at
  where o.revision = excluded.revision - 1
  returning 1
), item as (
  insert into order_item (order_id, item_id, product, status, supplier, start_date, end_date, currency, total)
  select order_id, item_id, product, status, supplier, start_date, end_date, currency, total
  from json_to_recordset($4::json) as (order_id uuid, item_id text, product text, status text, supplier text, start_date date, end_date date, currency text, total numeric)
  order by order_id, item_id
  on conflict (order_id, item_id) do update set product = excluded.product, status = excluded.status, supplier = excluded.supplier,
    start_date = excluded.start_date, end_date = excluded.end_date, currency = excluded.currency, total = excluded.total
  returning 1
), entry as (
  insert into fee_entry (order_id, charge, event_id, transaction_type, unit, seq, type, fee_table, version, rule,
    net, vat, gross, currency, account, occurred_at, details, reason, recorded_at)
  select order_id, charge, event_id, transaction_type, unit, seq, type, fee_table, version, rule,
    net, vat, gross, currency, account, occurred_at, details, reason, $7::timestamptz
  from rows from (
    json_to_recordset($5::json) as (order_id uuid, charge text, event_id text, transaction_type text, unit text, seq integer, type text,
      fee_table text, version integer, rule text, net numeric, vat numeric, gross numeric, currency text, account text, occurred_at timestamptz, reason text),
    unnest($11::jsonb[])
  ) as f (order_id, charge, event_id, transaction_type, unit, seq, type, fee_table, version, rule, net, vat, gross, currency, account, occurred_at, reason, details)
  where (select count(*) from saved) = $10::bigint
  order by order_id, charge, event_id, transaction_type, unit, seq
  returning 1
), published as (
  insert into outbox (lane, topic, key, value, created_at)
  select lane, topic, key, value, $7::timestamptz
  from rows from (json_to_recordset($6::json) as (lane smallint, topic text, key text), unnest($8::bytea[])) as b (lane, topic, key, value)
  returning 1
)
select (select count(*) from event) as events, (select count(*) from saved) as orders`;

/**
 * Writes a settlement in one statement and tells the relay.
 * @throws SettlementConflict when an event is stored already or an order's revision is not the one before: both mean that another transaction was faster.
 */
export async function saveSettlement(tx: Queryable, rows: SettlementRows): Promise<void> {
  const result = await tx.query<{ events: string; orders: string }>(save, [
    JSON.stringify(rows.events), byteaArray(rows.wires), JSON.stringify(rows.orders), JSON.stringify(rows.items),
    JSON.stringify(rows.entries), JSON.stringify(rows.outbox), rows.now, byteaArray(rows.outboxValues), jsonbArray(rows.states), rows.orders.length, jsonbArray(rows.entryDetails),
  ]);
  if (Number(result[0]?.events) !== rows.events.length) throw new SettlementConflict('an event of the batch was stored by another transaction');
  if (Number(result[0]?.orders) !== rows.orders.length) throw new SettlementConflict('an order of the batch was changed by another transaction');
}
