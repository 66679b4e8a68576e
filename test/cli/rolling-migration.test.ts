import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { BookingEvent } from '../../schemas/booking-event.js';
import { reconcile } from '../../workers/actions/reconcile.js';
import { createWire } from '../../workers/actions/settle/wire.js';
import { listWorkers } from '../../workers/store/workers.js';
import { booked, createIngestWorld, type IngestWorld } from '../ingest/world.js';
import { migratedDatabase } from '../servers.js';
import { until } from '../until.js';
import { buildCopy, type BuildCopy } from './build-copy.js';

const partitions = 4;
/** Of its own: groups of other tests come and go. */
const group = 'rolling';

let world: IngestWorld;
let topic: string;
let old: BuildCopy;
let renewed: BuildCopy;
const children: ChildProcess[] = [];

/** A column gets another name: both stand for a while, kept the same by a trigger. */
const expand = `
alter table order_item add column supplier_name text;
create function keep_supplier_names() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    new.supplier_name := coalesce(new.supplier_name, new.supplier);
  elsif new.supplier is distinct from old.supplier then
    new.supplier_name := new.supplier;
  end if;
  new.supplier := new.supplier_name;
  return new;
end $$;
create trigger keep_supplier_names before insert or update on order_item for each row execute function keep_supplier_names();
update order_item set supplier_name = supplier where supplier is not null;
`;
const contract = `
drop trigger keep_supplier_names on order_item;
drop function keep_supplier_names;
alter table order_item drop column supplier;
`;
const settlement = 'workers/store/settlement.js';
const rename = [
  { file: settlement, find: 'insert into order_item (order_id, item_id, product, status, supplier,', replace: 'insert into order_item (order_id, item_id, product, status, supplier_name,' },
  { file: settlement, find: 'supplier = excluded.supplier,', replace: 'supplier_name = excluded.supplier_name,' },
];

beforeAll(async () => {
  world = await createIngestWorld();
  topic = await world.newTopic(partitions);
  const ownTopic = { file: 'workers/topics/names.js', find: `bookingEventsTopic = 'booking-events'`, replace: `bookingEventsTopic = '${topic}'` };
  [old, renewed] = await Promise.all([
    buildCopy([ownTopic]),
    buildCopy([ownTopic, ...rename], { 'migrations/9001-supplier-name.sql': expand, 'migrations/9002-contract-supplier.sql': contract }),
  ]);
});
afterEach(() => { for (const child of children) child.kill('SIGKILL'); });
afterAll(async () => {
  await Promise.all([old.remove(), renewed.remove()]);
  await world.close();
});

const environment = (more: Readonly<Record<string, string>> = {}) => {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return { ...env, ...world.environment, LOG_LEVEL: 'error', INGEST_BATCH_SIZE: '10', ...more };
};

function startIngest(build: BuildCopy, more: Readonly<Record<string, string>> = {}): { readonly child: ChildProcess; readonly ended: Promise<{ readonly code: number | null; readonly log: string }> } {
  const child = spawn(process.execPath, [build.midline, 'worker', 'ingest', '--group', group], { env: environment(more), stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  let log = '';
  child.stderr?.on('data', (bytes: Buffer) => { log += bytes.toString(); });
  return { child, ended: once(child, 'exit').then(([code]: readonly unknown[]) => ({ code: code as number | null, log })) };
}

async function migrateWith(build: BuildCopy): Promise<{ readonly ran: readonly string[]; readonly held: { readonly migration: string; readonly workers: readonly { readonly details: { readonly pid: number } }[] } | null }> {
  const { stdout } = await promisify(execFile)(process.execPath, [build.midline, 'migrate', '--json'], { env: environment() });
  return JSON.parse(stdout) as Awaited<ReturnType<typeof migrateWith>>;
}

const item = (supplier: string) => ({ items: [{ id: 'i1', product: 'hotel', supplier, price: { currency: 'EUR', total: '100' } }] });
/** First one supplier, then another. */
const eventsOf = (n: number): readonly BookingEvent[] => [
  booked(`M${n}`, {}, item(`first ${n}`)),
  booked(`M${n}`, { eventId: `M${n}-2`, type: 'changed', occurredAt: Date.UTC(2026, 4, 1, 11) }, item(`second ${n}`)),
];

/** Sends bookings until the new build has taken over, and some more; resolves to how many. What is done meanwhile happens under load. */
async function sendBookings(): Promise<number> {
  let sent = 0;
  for (let left = 50; left > 0; left -= rolledOut ? 1 : 0) {
    const [at, partition] = [sent, sent % partitions];
    await world.send(topic, eventsOf(at).map((event) => ({ key: event.bookingRef, value: world.codec.encodeBookingEvent(event), partition })));
    sent += 1;
    await until(async () => (await readCount()) >= at * 2 - 20);
  }
  return sent;
}
let rolledOut = false;
const readCount = async (): Promise<number> => (await world.fence(topic, group)).reduce((sum, row) => sum + row.read, 0);
const settledBy = async (child: ChildProcess): Promise<number> => Number((await listWorkers(world.db)).find(({ details }) => details['pid'] === child.pid)?.details['settled'] ?? 0);

// test/store/schema.test.ts holds each part of it, with what was seen to fail.
test('an old and a new build work side by side while the schema expands; it contracts once the old one is gone, and nothing is lost', async () => {
  const first = startIngest(old);
  const sending = sendBookings();
  await until(async () => (await settledBy(first.child)) > 0);

  const early = await migrateWith(renewed);
  expect(early).toMatchObject({ ran: ['9001-supplier-name.sql'], held: { migration: '9002-contract-supplier.sql', workers: [{ details: { pid: first.child.pid } }] } });
  const second = startIngest(renewed);
  await until(async () => (await settledBy(second.child)) > 0);
  expect(await migrateWith(renewed)).toMatchObject({ ran: [], held: { workers: [{ details: { pid: first.child.pid } }] } });

  first.child.kill('SIGTERM');
  expect(await first.ended).toMatchObject({ code: 0 });
  expect(await migrateWith(renewed)).toEqual({ ran: ['9002-contract-supplier.sql'], held: null });
  rolledOut = true;
  const bookings = await sending;
  await until(async () => (await readCount()) === bookings * 2);

  const outdated = await startIngest(old).ended;
  expect(outdated.code).toBe(1);
  expect(outdated.log).toContain('the database no longer has what this build uses (9002-contract-supplier.sql ran): start a newer midline');
  const base = await migratedDatabase();
  const early2 = await startIngest(renewed, { DATABASE_URL: base.url }).ended;
  expect(early2.code).toBe(1);
  expect(early2.log).toContain('the database lacks 9001-supplier-name.sql: run midline migrate');
  await base.drop();

  second.child.kill('SIGTERM');
  expect(await second.ended).toMatchObject({ code: 0 });
  const expected = Array.from({ length: bookings }, (_, n) => ({ ref: `M${n}`, supplier: `second ${n}` })).toSorted((a, b) => (a.ref < b.ref ? -1 : 1));
  expect(await world.db.query('select booking_ref as ref, supplier_name as supplier from order_item join orders on id = order_id order by booking_ref collate "C"')).toEqual(expected);
  expect((await world.fence(topic, group)).reduce((sum, row) => sum + row.applied + row.late, 0)).toBe(bookings * 2);
  expect(await reconcile(world.db, createWire(world.codec, null))).toMatchObject({ ok: true });
}, 600_000);
