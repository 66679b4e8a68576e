import pg from 'pg';
import type { BookingEvent } from '../schemas/booking-event.js';
import { createFactsCache, type Facts } from '../workers/actions/settle/facts.js';
import type { NewEvent } from '../workers/actions/settle/batch.js';
import { eventsByOrder, foldInOrder } from '../workers/actions/settle/fold-orders.js';
import { linkOrders } from '../workers/actions/settle/link-orders.js';
import { rateOrders } from '../workers/actions/settle/rate-orders.js';
import { settlementRows } from '../workers/actions/settle/save.js';
import { createWire } from '../workers/actions/settle/wire.js';
import { orderIdOf } from '../workers/domain/ids.js';
import { createDatabase, type Queryable } from '../workers/store/database.js';
import { factsVersion } from '../workers/store/fence.js';
import { saveSettlement, type SettlementRows } from '../workers/store/settlement.js';
import type { Codec } from '../workers/topics/codec.js';
import { copyInto } from './copy.js';

export type PersistWay = 'settlement' | 'copy';

export interface PersistRun {
  readonly way: PersistWay;
  readonly lanes: number;
  readonly events: number;
  readonly perSecond: number;
  readonly rowsPerSecond: number;
}

/**
 * The rows that the pipeline would write for new bookings, batch by batch: folded, matched and rated by the code that settles batches.
 * Only new bookings, because COPY cannot change a row.
 */
export async function prepareRows(database: Queryable, codec: Codec, batches: readonly (readonly BookingEvent[])[]): Promise<readonly SettlementRows[]> {
  const facts = await createFactsCache()(database, await factsVersion(database));
  const prepared: SettlementRows[] = [];
  for (const batch of batches) prepared.push(await rowsOf(database, codec, facts, batch));
  return prepared;
}

async function rowsOf(database: Queryable, codec: Codec, facts: Facts, batch: readonly BookingEvent[]): Promise<SettlementRows> {
  const now = Date.now();
  const fresh = batch.map((event): NewEvent => (
    { event, orderId: orderIdOf(event.source, event.bookingRef), message: { offset: 0, key: null, value: codec.encodeBookingEvent(event), headers: {}, timestamp: now } }
  ));
  const folded = eventsByOrder(fresh, new Map()).map(foldInOrder).filter((order) => order !== null);
  const linked = await linkOrders(database, folded, facts);
  const orders = await rateOrders(database, linked.orders, facts, async () => new Map());
  return settlementRows(orders, fresh, createWire(codec, null), codec, now);
}

/** Writes prepared batches, one transaction each, through so many connections at once, and counts. The database must hold none of them yet. */
export async function measurePersist(databaseUrl: string, way: PersistWay, lanes: number, batches: readonly SettlementRows[]): Promise<PersistRun> {
  const open = way === 'settlement' ? openSettlement : openCopy;
  const writers = await Promise.all(Array.from({ length: lanes }, () => open(databaseUrl)));
  const queue = [...batches].reverse();
  const began = performance.now();
  await Promise.all(writers.map(async ({ write }) => {
    for (let batch = queue.pop(); batch !== undefined; batch = queue.pop()) await write(batch);
  }));
  const seconds = (performance.now() - began) / 1_000;
  await Promise.all(writers.map(({ close }) => close()));
  const events = batches.reduce((sum, batch) => sum + batch.events.length, 0);
  const rows = batches.reduce((sum, { events: a, orders, items, entries, outbox }) => sum + a.length + orders.length + items.length + entries.length + outbox.length, 0);
  return { way, lanes, events, perSecond: events / seconds, rowsPerSecond: rows / seconds };
}

interface Writer {
  readonly write: (rows: SettlementRows) => Promise<void>;
  readonly close: () => Promise<void>;
}

async function openSettlement(databaseUrl: string): Promise<Writer> {
  const database = createDatabase(databaseUrl, { max: 1, application: 'midline bench' });
  await database.query('select 1');
  return { write: (rows) => database.transaction((tx) => saveSettlement(tx, rows)), close: () => database.close() };
}

/** The limit: straight into the tables, nothing looked for, nothing changed, nothing told to anybody. */
async function openCopy(databaseUrl: string): Promise<Writer> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  return {
    async write(rows) {
      await client.query('begin');
      for (const { table, columns, values } of tablesOf(rows)) await copyInto(client, table, columns, values);
      await client.query('commit');
    },
    close: () => client.end(),
  };
}

interface TableRows {
  readonly table: string;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

function tablesOf({ events, wires, orders, states, items, entries, entryDetails, outbox, outboxValues, now }: SettlementRows): readonly TableRows[] {
  return [
    tableOf('booking_event', events.map((row, index) => ({ ...row, wire: wires[index] }))),
    tableOf('orders', orders.map((row, index) => ({ ...row, state: states[index], updated_at: now }))),
    tableOf('order_item', items),
    tableOf('fee_entry', entries.map((row, index) => ({ ...row, details: entryDetails[index], recorded_at: now }))),
    tableOf('outbox', outbox.map((row, index) => ({ ...row, value: outboxValues[index] }))),
  ];
}

function tableOf(table: string, rows: readonly object[]): TableRows {
  return { table, columns: Object.keys(rows[0] ?? {}), values: rows.map((row) => Object.values(row)) };
}
