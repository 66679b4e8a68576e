import { byteaArray } from './binary-array.js';
import type { StoredEvent, WireForm } from './booking-events.js';
import type { Queryable } from './database.js';
import { behindNothing } from './paging.js';

/** A file that has the events of archived orders. */
export interface Archive {
  readonly id: string;
  /** Where it was written. */
  readonly file: string;
  readonly sha256: Buffer;
  /** The day before which its bookings had ended. */
  readonly before: string;
  readonly orders: number;
  readonly events: string;
  /** The version of midline that wrote it. */
  readonly version: string;
  readonly createdAt: Date;
  /** Null: orders of it may still have to be closed. */
  readonly finishedAt: Date | null;
}

const archiveLock = 7_211_003;

/** One archive or restore at a time: false where another is at work. Held until the transaction ends. */
export async function takeArchiveLock(tx: Queryable): Promise<boolean> {
  const rows = await tx.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [archiveLock]);
  return rows[0]?.taken === true;
}

/**
 * Orders whose travel and last event lie before the day $1 (in UTC). Of a journey without an end the beginning counts; where nothing is known of it,
 * the order must have ended by its status. Not those that are to be rated again, nor those of which something is still to be said.
 */
const closable = `o.archive is null
  and case when coalesce(o.travel_until, o.travel_from) is null then o.status in ('cancelled', 'no-show', 'travelled') else coalesce(o.travel_until, o.travel_from) < $1::date end
  and not exists (select from booking_event e where e.order_id = o.id and e.occurred_at >= $1::date)
  and not exists (select from message m where m.order_id = o.id and m.state in ('due', 'queued', 'claimed'))
  and not exists (select from rating_stale s where s.order_id = o.id)`;

export interface Closable {
  readonly orders: number;
  readonly events: number;
  /** Of the stored events. */
  readonly bytes: number;
}

/** How much there is to archive. */
export async function countClosable(db: Queryable, before: string): Promise<Closable> {
  const rows = await db.query<Record<keyof Closable, string>>(
    `select count(*) as orders, coalesce(sum(e.n), 0) as events, coalesce(sum(e.bytes), 0) as bytes from orders o
     cross join lateral (select count(*) as n, sum(octet_length(wire)) as bytes from booking_event e where e.order_id = o.id) e
     where ${closable}`,
    [before],
  );
  const [row] = rows;
  return { orders: Number(row?.orders), events: Number(row?.events), bytes: Number(row?.bytes) };
}

/** An order with all rows that hang on it but its events, as the tables have them; decimals as text. */
export interface WholeOrder {
  readonly order: { readonly id: string; readonly source: string };
  readonly items: readonly unknown[];
  readonly ledger: readonly unknown[];
  readonly links: readonly unknown[];
  readonly messages: readonly unknown[];
}

/** The next orders that can be archived, after `after`, by id. */
export async function wholeOrders(db: Queryable, before: string, after: string | null, limit: number): Promise<readonly WholeOrder[]> {
  const rows = await db.query<{ readonly whole: WholeOrder }>(
    `select json_build_object(
       'order', to_jsonb(o) - 'archive' || jsonb_build_object('total', o.total::text),
       'items', (select coalesce(jsonb_agg(to_jsonb(i) || jsonb_build_object('total', i.total::text) order by i.item_id), '[]') from order_item i where i.order_id = o.id),
       'ledger', (select coalesce(jsonb_agg(to_jsonb(f) || jsonb_build_object('net', f.net::text, 'vat', f.vat::text, 'gross', f.gross::text)
                    order by f.recorded_at, f.occurred_at, f.charge, f.event_id, f.transaction_type, f.unit, f.seq), '[]') from fee_entry f where f.order_id = o.id),
       'links', (select coalesce(jsonb_agg(to_jsonb(l) order by l.role, l.position, l.seq), '[]') from customer_link l where l.order_id = o.id),
       'messages', (select coalesce(jsonb_agg(to_jsonb(m) order by m.created_at, m.id), '[]') from message m where m.order_id = o.id)
     ) as whole
     from orders o where ${closable} and o.id > $2 order by o.id limit $3`,
    [before, after ?? behindNothing, limit],
  );
  return rows.map(({ whole }) => whole);
}

export interface DatedEvent extends StoredEvent {
  readonly receivedAt: Date | null;
}

/** The whole history of the orders, by order and time. */
export function datedHistoryOf(db: Queryable, orderIds: readonly string[]): Promise<readonly DatedEvent[]> {
  return db.query<DatedEvent>(
    `select e.source, e.event_id as "eventId", e.order_id as "orderId", e.wire, e.wire_form as "wireForm", e.received_at as "receivedAt"
     from unnest($1::uuid[]) as k (id) join booking_event e on e.order_id = k.id order by e.order_id, e.occurred_at, e.event_id`,
    [orderIds],
  );
}

const columns = 'a.id, a.file, a.sha256, a.before, a.orders, a.events, a.version, a.created_at as "createdAt", a.finished_at as "finishedAt"';

/** Notes a file that is whole and safe. */
export async function insertArchive(tx: Queryable, archive: Omit<Archive, 'id' | 'finishedAt'>): Promise<Archive> {
  const { file, sha256, before, orders, events, version, createdAt } = archive;
  const rows = await tx.query<Archive>(
    `insert into archive as a (file, sha256, before, orders, events, version, created_at) values ($1, $2, $3, $4, $5, $6, $7) returning ${columns}`,
    [file, sha256, before, orders, events, version, createdAt],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the archive returned no row');
  return row;
}

/** Archives whose run was cut while it closed their orders, the oldest first. */
export function unfinishedArchives(db: Queryable): Promise<readonly Archive[]> {
  return db.query<Archive>(`select ${columns} from archive a where a.finished_at is null order by a.id`);
}

/** The archive that has these bytes, wherever its file is now; null: none. */
export async function archiveOf(db: Queryable, sha256: Buffer): Promise<Archive | null> {
  const rows = await db.query<Archive>(`select ${columns} from archive a where a.sha256 = $1`, [sha256]);
  return rows[0] ?? null;
}

/** Ends an archive; says how many orders are closed with it. */
export async function finishArchive(tx: Queryable, id: string, now: Date): Promise<number> {
  await tx.query('update archive set finished_at = $2 where id = $1', [id, now]);
  const rows = await tx.query<{ closed: string }>('select count(*) as closed from orders where archive = $1', [id]);
  return Number(rows[0]?.closed);
}

export interface ArchivedSince {
  readonly at: Date;
  readonly file: string;
}

/** Since when and where the archived ones among these orders are, by order. */
export async function archivedSince(db: Queryable, orderIds: readonly string[]): Promise<ReadonlyMap<string, ArchivedSince>> {
  const rows = await db.query<ArchivedSince & { readonly id: string }>(
    `select o.id, c.archived_at as at, a.file from orders o join archive a on a.id = o.archive join archived_order c on c.order_id = o.id where o.id = any($1::uuid[])`,
    [orderIds],
  );
  return new Map(rows.map(({ id, at, file }) => [id, { at, file }]));
}

/** Those of these orders that are to be rated again. Under the facts lock it stays so. */
export async function staleAmong(tx: Queryable, orderIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ id: string }>('select order_id as id from rating_stale where order_id = any($1::uuid[])', [orderIds]);
  return new Set(rows.map(({ id }) => id));
}

export interface ClosedEvent {
  readonly source: string;
  readonly eventId: string;
  /** SHA-256 of the bytes that must be stored; others stay as they are. */
  readonly wireHash: Buffer;
  readonly contentHash: Buffer;
}

/** Leaves only the content's hash of events; says of how many. The orders must be locked. */
export async function removeWires(tx: Queryable, events: readonly ClosedEvent[]): Promise<number> {
  const rows = await tx.query(
    `update booking_event e set wire = k.content_hash, wire_form = 'hash'
     from unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) as k (source, event_id, wire_hash, content_hash)
     where e.source = k.source and e.event_id = k.event_id and e.wire_form <> 'hash' and sha256(e.wire) = k.wire_hash
     returning 1`,
    [events.map(({ source }) => source), events.map(({ eventId }) => eventId), byteaArray(events.map(({ wireHash }) => wireHash)), byteaArray(events.map(({ contentHash }) => contentHash))],
  );
  return rows.length;
}

/** Puts the bytes of events back where only their hash is; says of how many. The orders must be locked. */
export async function restoreWires(tx: Queryable, events: readonly StoredEvent[]): Promise<number> {
  const forms: readonly WireForm[] = events.map(({ wireForm }) => wireForm);
  const rows = await tx.query(
    `update booking_event e set wire = k.wire, wire_form = k.wire_form
     from unnest($1::text[], $2::text[], $3::bytea[], $4::text[]) as k (source, event_id, wire, wire_form)
     where e.source = k.source and e.event_id = k.event_id and e.wire_form = 'hash'
     returning 1`,
    [events.map(({ source }) => source), events.map(({ eventId }) => eventId), byteaArray(events.map(({ wire }) => wire)), forms],
  );
  return rows.length;
}

/**
 * What must stay as it is while the order `o` is archived: SHA-256 of its state, of its ledger's lines, and of its events' ids and hashes.
 * In a session in UTC, and by code point, so that it depends on no locale.
 */
const hashes = `sha256(convert_to(o.state::text, 'UTF8')) as state_hash,
  (select sha256(convert_to(coalesce(string_agg(jsonb_build_array(f.charge, f.event_id, f.transaction_type, f.unit, f.seq, f.type, f.fee_table, f.version, f.rule,
       f.net, f.vat, f.gross, f.currency, f.account, f.occurred_at, f.details, f.reason, f.recorded_at)::text, ' '
       order by f.charge collate "C", f.event_id collate "C", f.transaction_type collate "C", f.unit collate "C", f.seq), ''), 'UTF8'))
   from fee_entry f where f.order_id = o.id) as ledger_hash,
  (select sha256(convert_to(coalesce(string_agg(jsonb_build_array(e.event_id, encode(e.wire, 'hex'))::text, ' ' order by e.event_id collate "C"), ''), 'UTF8'))
   from booking_event e where e.order_id = o.id) as events_hash`;

/** Marks orders as archived and keeps what they are, after their events were reduced. */
export async function markArchived(tx: Queryable, archive: string, orderIds: readonly string[], now: Date): Promise<void> {
  await tx.query('update orders set archive = $2 where id = any($1::uuid[])', [orderIds, archive]);
  await tx.query(
    `insert into archived_order (order_id, state_hash, ledger_hash, events_hash, archived_at)
     select o.id, h.*, $2 from orders o cross join lateral (select ${hashes}) h where o.id = any($1::uuid[]) order by o.id`,
    [orderIds, now],
  );
}

/** Opens orders again, after their events were put back. */
export async function unmarkArchived(tx: Queryable, orderIds: readonly string[]): Promise<void> {
  await tx.query('update orders set archive = null where id = any($1::uuid[])', [orderIds]);
  await tx.query('delete from archived_order where order_id = any($1::uuid[])', [orderIds]);
}

/** For reconcile: archived orders that are not what they were. */
export const changedArchived = `select format('%s:%s (%s)', o.source, o.booking_ref, concat_ws(', ',
    case when h.state_hash <> c.state_hash then 'state' end, case when h.ledger_hash <> c.ledger_hash then 'ledger' end, case when h.events_hash <> c.events_hash then 'events' end))
  from archived_order c join orders o on o.id = c.order_id cross join lateral (select ${hashes}) h
  where (h.state_hash, h.ledger_hash, h.events_hash) is distinct from (c.state_hash, c.ledger_hash, c.events_hash)`;
