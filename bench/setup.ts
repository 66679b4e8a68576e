import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Kafka } from 'kafkajs';
import { migrationSource } from '../migrations/index.js';
import type { BookingEvent } from '../schemas/booking-event.js';
import { createDatabase as createEmptyDatabase, type CreatedDatabase } from '../services/database.js';
import { applyFeeTable, approveFeeTable, assignFeeTable, importTaxRates } from '../workers/actions/fee-tables.js';
import { matchKeys } from '../workers/domain/match/keys.js';
import { newCustomer } from '../workers/domain/match/new-customer.js';
import { allocateCustomerIds, insertCustomers } from '../workers/store/customers.js';
import { createDatabase, type Database } from '../workers/store/database.js';
import { migrate } from '../workers/store/schema.js';
import type { Codec } from '../workers/topics/codec.js';
import { bookingEventsTopic, bookingKey } from '../workers/topics/names.js';
import { createEventProducer } from '../workers/topics/producer.js';
import { benchFeeTable, vatCode, vatPercent } from './fee-table.js';
import { benchSource, customerParty } from './load.js';

const customersAtOnce = 5_000;
const eventsAtOnce = 2_000;

/** Runs work with a database that is closed afterwards. */
export async function withDatabase<Result>(url: string, work: (database: Database) => Promise<Result>): Promise<Result> {
  const database = createDatabase(url, { max: 2, application: 'midline bench' });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** Creates a database on the server of `serverUrl` with both sets of tables, the same customers in both, and the fee table that charges everybody. */
export async function createBenchDatabase(serverUrl: string, { seed, customers }: { readonly seed: number; readonly customers: number }): Promise<CreatedDatabase> {
  const created = await createEmptyDatabase(serverUrl);
  await migrate(created.url, migrationSource);
  await withDatabase(created.url, async (database) => {
    await runScript(database, await readFile(new URL('./naive-tables.sql', import.meta.url), 'utf8'));
    await applyFees(database);
    for (let first = 0; first < customers; first += customersAtOnce) await addCustomers(database, seed, first, Math.min(customers, first + customersAtOnce));
    await database.query(`insert into naive.customer (id, external_id, email, name)
      select id, party->>'externalId', party->'emails'->>0, concat_ws(' ', party->>'givenName', party->>'familyName') from customer order by id`);
  });
  return created;
}

/** Statistics and visibility as a database has them that has run for a while. */
export async function settleStatistics(url: string): Promise<void> {
  await withDatabase(url, async (database) => {
    await database.query('vacuum analyze');
    await database.query('checkpoint');
  });
}

/**
 * A copy of a database that nobody is connected to. Its files are copied, not logged: the log of half a gigabyte would still be
 * written to disk while the next run is measured.
 */
export async function copyDatabase(serverUrl: string, templateUrl: string): Promise<CreatedDatabase> {
  const name = `midline_${randomBytes(6).toString('hex')}`;
  const template = decodeURIComponent(new URL(templateUrl).pathname.slice(1));
  await withDatabase(serverUrl, (server) => server.query(`create database ${name} template ${template} strategy file_copy`));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => withDatabase(serverUrl, async (server) => { await server.query(`drop database if exists ${name} with (force)`); }) };
}

/** Puts the next `count` events of a load into a topic. */
export async function produceEvents(kafka: Kafka, codec: Codec, load: Iterator<BookingEvent>, count: number, topic = bookingEventsTopic): Promise<void> {
  const producer = createEventProducer(kafka);
  await producer.connect();
  try {
    for (let left = count; left > 0; left -= eventsAtOnce) {
      const events = takeEvents(load, Math.min(left, eventsAtOnce));
      await producer.sendBatch(topic, events.map((event) => ({ key: bookingKey(event), value: codec.encodeBookingEvent(event) })));
    }
  } finally {
    await producer.disconnect();
  }
}

export function takeEvents(load: Iterator<BookingEvent>, count: number): readonly BookingEvent[] {
  return Array.from({ length: count }, () => {
    const next = load.next();
    if (next.done === true) throw new Error('the load has ended');
    return next.value;
  });
}

/** The fee table that charges everybody, and its tax rate. */
export async function applyFees(database: Database): Promise<void> {
  const doing = { actor: 'bench', now: new Date() };
  await importTaxRates(database, [{ code: vatCode, country: null, percent: String(vatPercent), validFrom: null }], doing);
  await applyFeeTable(database, benchFeeTable, JSON.stringify(benchFeeTable), doing);
  await approveFeeTable(database, { ...doing, table: benchFeeTable.feeTable, backdate: true, reason: 'benchmark', fourEyes: false });
  await assignFeeTable(database, { ...doing, subject: { kind: 'default', id: '' }, table: benchFeeTable.feeTable, from: '2020-01-01', until: null, reason: 'benchmark' });
}

async function addCustomers(database: Database, seed: number, first: number, end: number): Promise<void> {
  const context = { source: benchSource, country: 'DE' };
  const ids = await allocateCustomerIds(database, end - first);
  await insertCustomers(database, ids.map((id, position) => {
    const party = customerParty(seed, first + position);
    return newCustomer({ role: 'booker', position: '', party }, matchKeys(party, 'booker', context), context, id);
  }));
}

/** One statement after the other: prepared statements hold one each. */
async function runScript(database: Database, script: string): Promise<void> {
  for (const statement of script.split(/;\s*$/m)) if (statement.trim() !== '') await database.query(statement);
}
