import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Booking, BookingEvent } from '../../schemas/booking-event.js';
import type { CreatedDatabase } from '../../services/database.js';
import { archiveBookings, type ArchiveJob } from '../../workers/actions/archive/archive.js';
import { restoreBookings } from '../../workers/actions/archive/restore.js';
import { replayDeadLetters } from '../../workers/actions/dead-letters.js';
import { explainFees } from '../../workers/actions/explain-fees.js';
import { showOrder } from '../../workers/actions/orders.js';
import { reconcile } from '../../workers/actions/reconcile.js';
import { rerateStale } from '../../workers/actions/rerate.js';
import { createFactsCache } from '../../workers/actions/settle/facts.js';
import { createSettle } from '../../workers/actions/settle/settle.js';
import { createWire, type Seal } from '../../workers/actions/settle/wire.js';
import { createEncryption } from '../../workers/runtime/encryption.js';
import { countClosable } from '../../workers/store/archive.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { listDeadLetters } from '../../workers/store/dead-letters.js';
import { signOfLife } from '../../workers/store/workers.js';
import { createCodec, type Codec } from '../../workers/topics/codec.js';
import { createRelayProducer } from '../../workers/topics/relay-producer.js';
import { giveFeeTable } from '../fee-tables.js';
import { createIngestWorld } from '../ingest/world.js';
import { copyOf, migratedDatabase, servers } from '../servers.js';
import { until } from '../until.js';

/** A database with a fee table and nothing else, to be copied. */
let template: CreatedDatabase;
let codec: Codec;
let registryUrl: string;
let folder: string;

const tableOf = (name: string, amount: number): string => `
feeTable: ${name}
name: ${name}
currency: EUR
validFrom: 2020-01-01
charges: { file: { scope: order }, change: { scope: transaction } }
rules:
  - { id: file, charge: file, on: booked, amount: { fixed: ${amount} } }
  - { id: change, charge: change, on: changed, amount: { fixed: 10 } }
`;

async function assignTable(db: Database, name: string, amount: number): Promise<void> {
  const text = tableOf(name, amount);
  await giveFeeTable(db, text);
}

beforeAll(async () => {
  ({ registryUrl } = await servers());
  codec = createCodec({ registryUrl });
  await codec.register();
  folder = await mkdtemp(join(tmpdir(), 'midline-archive-'));
  template = await migratedDatabase();
  const db = createDatabase(template.url);
  await assignTable(db, 'simple', 15);
  await db.close();
});

afterAll(async () => {
  await template.drop();
  await rm(folder, { recursive: true });
});

const instant = (text: string): number => Date.parse(text);

const bodyOf = (fields: Booking = {}): Booking => ({
  booker: { kind: 'person', givenName: 'Anna', familyName: 'Meier', emails: ['anna@example.org'] },
  travelFrom: '2024-05-01', travelUntil: '2024-05-10', items: [{ id: 'i1', product: 'hotel', price: { currency: 'EUR', total: '100.50' } }], ...fields,
});

const eventOf = (bookingRef: string, n: number, type: string, fields: Partial<BookingEvent> = {}): BookingEvent =>
  ({ eventId: `${bookingRef}-${n}`, source: 'gds', type, bookingRef, occurredAt: instant('2024-03-01T10:00:00Z') + n * 60_000, ...fields });

/** Booked and changed, travelled long ago. */
const endedBooking = (ref: string): readonly BookingEvent[] => [
  eventOf(ref, 1, 'booked', { booking: bodyOf() }), eventOf(ref, 3, 'changed', { booking: bodyOf({ travelUntil: '2024-05-12' }) }),
];

const before = '2025-01-01';

interface Place {
  readonly db: Database;
  readonly url: string;
  /** Where archives go. */
  readonly out: string;
  settle(partition: number, events: readonly BookingEvent[]): ReturnType<ReturnType<typeof createSettle>>;
}

/** Work in a copy of a database, in a folder of its own. */
async function inPlace(origin: CreatedDatabase, work: (place: Place) => Promise<void>, seal: Seal | null = null): Promise<void> {
  const copy = await copyOf(origin);
  const db = createDatabase(copy.url, { max: 8 });
  try {
    await work(placeOf(db, copy.url, join(folder, randomUUID()), seal));
  } finally {
    await db.close();
    await copy.drop();
  }
}

function placeOf(db: Database, url: string, out: string, seal: Seal | null): Place {
  const settle = createSettle({ database: db, codec, seal, observe: (_, run) => run() });
  const next = new Map<number, number>();
  return {
    db, url, out,
    settle(partition, events) {
      const firstOffset = next.get(partition) ?? 0;
      next.set(partition, firstOffset + events.length);
      const messages = events.map((event, n) => ({ offset: firstOffset + n, key: null, value: codec.encodeBookingEvent(event), headers: {}, timestamp: Date.now() }));
      return settle({ group: 'midline', topic: 'booking-events', partition, firstOffset, nextOffset: firstOffset + events.length, messages }, { now: Date.now() });
    },
  };
}

const toolsOf = (db: Database, seal: Seal | null = null) => ({ database: db, wire: createWire(codec, seal) });
const jobOf = (out: string, fields: Partial<ArchiveJob> = {}): ArchiveJob => ({ before, folder: out, actor: 'anna', version: '0.0.0', now: () => new Date(), ...fields });
const restoreJob = (file: string, refs: readonly string[] = [], dryRun = false) => ({ file, refs, dryRun, actor: 'anna', now: () => new Date() });
const archive = ({ db, out }: Pick<Place, 'db' | 'out'>, fields: Partial<ArchiveJob> = {}) => archiveBookings(toolsOf(db), jobOf(out, fields));

const failures = async (db: Database, seal: Seal | null = null) => (await reconcile(db, createWire(codec, seal))).checks.filter((check) => !check.ok);
const linesOf = async (file: string): Promise<readonly any[]> => gunzipSync(await readFile(file)).toString().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
const archivedRefs = async (db: Database) => (await db.query<{ ref: string }>('select booking_ref as ref from orders where archive is not null order by 1')).map(({ ref }) => ref);
const deadCodes = async (db: Database) => (await listDeadLetters(db, { limit: 100_000 })).map(({ code, state }) => `${code} ${state}`);

/** Everything that events make, but for the moments and offsets at which it was written. */
async function fingerprint(db: Database): Promise<string> {
  const rows = await db.query<{ text: string }>(`
    select concat_ws(' ', 'order', id, revision, status, link, customer_id, travel_from, travel_until, currency, total, state, archive) as text from orders
    union all select concat_ws(' ', 'event', source, event_id, order_id, type, occurred_at, encode(wire, 'hex'), wire_form) from booking_event
    union all select concat_ws(' ', 'item', order_id, item_id, product, status, currency, total) from order_item
    union all select concat_ws(' ', 'fee', order_id, charge, event_id, transaction_type, unit, seq, type, fee_table, rule, net, vat, gross, currency, details) from fee_entry
    union all select concat_ws(' ', 'link', order_id, role, position, seq, decision, customer_id, evidence) from customer_link
    union all select concat_ws(' ', 'message', id, order_id, trigger, occurrence, state) from message
    order by 1`);
  return createHash('sha256').update(rows.map(({ text }) => text).join('\n')).digest('hex');
}

describe('what leaves and what stays', () => {
  test('a booking leaves whole, in one line; its order, ledger, event ids and hashes stay', async () => {
    await inPlace(template, async (place) => {
      const { db, out, settle } = place;
      await settle(0, endedBooking('A'));
      await db.query(`insert into message (id, order_id, trigger, occurrence, role, channel, state, due_at, expires_at)
        select gen_random_uuid(), id, 'order-confirmed', 'A-1', 'customer', 'email', 'skipped', now(), now() from orders`);
      const unarchived = await showOrder(db, createWire(codec, null), 'A');
      const [archived] = await archive(place);
      expect(archived).toMatchObject({ bookings: 1, events: 2, closed: 1, changed: 0 });

      const file = archived?.file ?? '';
      const [line, ...others] = await linesOf(file);
      expect(others).toEqual([]);
      expect(line).toMatchObject({
        order: { source: 'gds', booking_ref: 'A', status: 'booked', total: '100.5', travel_until: '2024-05-12', state: { eventCount: 2 } },
        items: [{ item_id: 'i1', total: '100.5' }],
        ledger: [{ charge: 'file', net: '15.00', gross: '15.00' }, { charge: 'change', gross: '10.00' }],
        links: [{ role: 'booker', decision: 'new' }],
        messages: [{ occurrence: 'A-1', state: 'skipped' }],
        events: [{ eventId: 'A-1', form: 'plain', event: { type: 'booked', occurredAt: '2024-03-01T10:01:00.000Z', booking: { travelUntil: '2024-05-10' } } }, { eventId: 'A-3' }],
      });
      expect(line.transactions).toEqual(JSON.parse(JSON.stringify(unarchived.transactions)));
      expect(Buffer.from(line.events[0].wire, 'base64')).toEqual(codec.encodeBookingEvent(endedBooking('A')[0] as BookingEvent));

      const manifest: unknown = JSON.parse(await readFile(`${file}.manifest.json`, 'utf8'));
      expect(manifest).toMatchObject({ bookings: 1, events: 2, before, midline: '0.0.0', sha256: createHash('sha256').update(await readFile(file)).digest('hex') });
      expect((await readdir(out)).filter((name) => name.endsWith('.part'))).toEqual([]);

      expect(await db.query('select event_id as id, wire_form as form, octet_length(wire) as bytes from booking_event order by 1')).toEqual([{ id: 'A-1', form: 'hash', bytes: 32 }, { id: 'A-3', form: 'hash', bytes: 32 }]);
      const shown = await showOrder(db, createWire(codec, null), 'A');
      expect(shown).toEqual({ ...unarchived, transactions: [], archived: { at: expect.any(Date), file } });
      await expect(explainFees(db, createWire(codec, null), 'A')).rejects.toThrow(`midline archive restore ${file} gds:A`);
      expect(await db.query(`select action, actor, details from audit_log where action like 'archive%' order by id`)).toEqual([
        { action: 'archive', actor: 'anna', details: { before, orders: 1, events: 2 } }, { action: 'archive close', actor: 'anna', details: { bookings: 1, events: 2 } },
      ]);
      expect(await failures(db)).toEqual([]);
      expect(await archive(place)).toEqual([]);
    });
  });

  // Seen with each condition of `closable` taken out: other bookings leave, too.
  test('only ended bookings leave: travel and last event before the day, nothing still to be done', async () => {
    await inPlace(template, async (place) => {
      const booked = (ref: string, fields: Booking, event: Partial<BookingEvent> = {}): BookingEvent => eventOf(ref, 1, 'booked', { booking: bodyOf(fields), ...event });
      const unknown = { travelFrom: null, travelUntil: null };
      await place.settle(0, [
        booked('ended', {}), booked('ended-the-day-before', { travelUntil: '2024-12-31' }), booked('began-without-end', { travelUntil: null }),
        booked('cancelled', unknown), eventOf('cancelled', 2, 'cancelled'),
        booked('stale', {}), booked('to-be-told', {}), booked('told', {}),
        booked('ends-on-the-day', { travelUntil: '2025-01-01' }), booked('unknown-travel', unknown), booked('late-event', {}, { occurredAt: instant('2025-01-01T00:00:00Z') }),
        booked('cancelled-before-travel', { travelUntil: '2025-03-01' }), eventOf('cancelled-before-travel', 2, 'cancelled'),
      ]);
      await place.db.query(`insert into rating_stale (order_id, cause) select id, 'test' from orders where booking_ref = 'stale'`);
      await place.db.query(`insert into message (id, order_id, trigger, occurrence, role, channel, state, due_at, expires_at)
        select gen_random_uuid(), id, 'order-confirmed', booking_ref || '-1', 'customer', 'email', case booking_ref when 'told' then 'sent' else 'due' end, now(), now() from orders where booking_ref like '%told'`);
      expect(await countClosable(place.db, before)).toMatchObject({ orders: 5, events: 6 });
      await archive(place);
      expect(await archivedRefs(place.db)).toEqual(['began-without-end', 'cancelled', 'ended', 'ended-the-day-before', 'told']);
    });
  });

  test('sensitive data leaves only in bytes that are encrypted, and comes back; without the key nothing is archived', async () => {
    const seal = createEncryption([Buffer.alloc(32, 7)]);
    const allergic = (text: string) => eventOf('S', 1, 'booked', { booking: bodyOf({ sensitive: [{ kind: 'allergy', text }] }) });
    await inPlace(template, async (place) => {
      await place.settle(0, [allergic('hazelnuts')]);
      await expect(archive(place)).rejects.toThrow('set MIDLINE_ENCRYPTION_KEY');
      expect(await readdir(place.out)).toEqual([]);
      const print = await fingerprint(place.db);
      const [archived] = await archiveBookings(toolsOf(place.db, seal), jobOf(place.out));
      const [line] = await linesOf(archived?.file ?? '');
      expect(line.events).toMatchObject([{ form: 'encrypted', event: { booking: { travelUntil: '2024-05-10' } } }]);
      expect(JSON.stringify(line)).not.toMatch(/allergy|hazelnuts/);
      expect(seal.open(Buffer.from(line.events[0].wire, 'base64')).toString()).toContain('hazelnuts');
      // The hash that stays covers no sensitive data: it could be guessed.
      expect((await place.settle(0, [allergic('hazelnuts'), allergic('none')])).outcomes).toMatchObject({ duplicate: 2 });
      await restoreBookings(toolsOf(place.db, seal), restoreJob(archived?.file ?? ''));
      await rerateStale({ database: place.db, codec, wire: createWire(codec, seal), factsAt: createFactsCache() }, Date.now);
      expect(await fingerprint(place.db)).toBe(print);
      expect(await failures(place.db, seal)).toEqual([]);
    }, seal);
  });
});

// Seen to fail without the branch for archived orders in sortMessages (ingest stops: it cannot read the history that a late event needs),
// and where `says` takes every event with a known hash for the same (the reused id is a duplicate).
test('after archiving, duplicates stay duplicates, reused ids stay told apart, late events become dead letters; restored and replayed, all is as if it had never been archived', async () => {
  const world = await createIngestWorld();
  const control = await copyOf(template);
  const never = createDatabase(control.url);
  const producer = createRelayProducer(world.kafka);
  try {
    await assignTable(world.db, 'simple', 15);
    const topic = await world.newTopic();
    await world.send(topic, [...endedBooking('A'), ...endedBooking('B')]);
    const drain = async (): Promise<void> => {
      await world.drain(topic);
      await world.drain(topic, { group: 'never', env: { DATABASE_URL: control.url } });
    };
    await drain();
    const out = join(folder, randomUUID());
    const [archived] = await archive({ db: world.db, out });
    const file = archived?.file ?? '';

    const [booked] = endedBooking('A') as [BookingEvent];
    const late = eventOf('A', 2, 'changed', { booking: bodyOf({ travelUntil: '2024-05-11' }) });
    await world.send(topic, [{ ...booked, traceparent: '00-another' }, late, eventOf('C', 1, 'booked', { booking: bodyOf() }), { ...booked, agent: 'somebody else' }, late, eventOf('B', 9, 'cancelled')]);
    await drain();
    expect(await world.fence(topic)).toMatchObject([{ read: 10, applied: 5, duplicate: 1, late: 0, dead: 4 }]);
    expect(await deadCodes(world.db)).toEqual(['ARCHIVED open', 'EVENT_ID_REUSED open', 'ARCHIVED open', 'ARCHIVED open']);
    expect((await listDeadLetters(world.db, { limit: 1 }))[0]?.reason).toMatch(new RegExp(`archived since \\d{4}-\\d\\d-\\d\\d; to bring it back: midline archive restore ${file} gds:A`));
    expect(await failures(world.db)).toEqual([]);

    expect(await restoreBookings(toolsOf(world.db), restoreJob(file))).toEqual({ bookings: 2, events: 4, others: 0, missing: [] });
    await rerateStale({ database: world.db, codec, wire: createWire(codec, null), factsAt: createFactsCache() }, Date.now);
    await replayDeadLetters({ db: world.db, producer, codec: null }, { code: 'ARCHIVED' }, 'anna', () => new Date());
    await drain();
    expect(await deadCodes(world.db)).toEqual(['ARCHIVED applied', 'EVENT_ID_REUSED open', 'ARCHIVED applied', 'ARCHIVED applied']);
    expect(await failures(world.db)).toEqual([]);

    expect(await fingerprint(world.db)).toBe(await fingerprint(never));
  } finally {
    await producer.close();
    await never.close();
    await control.drop();
    await world.close();
  }
}, 180_000);

describe('facts that change', () => {
  test('archived orders keep their ledger, and it is said how many; brought back, they are rated as if they had never been away', async () => {
    await inPlace(template, async (place) => {
      await place.settle(0, [...endedBooking('A'), eventOf('open', 1, 'booked', { booking: bodyOf({ travelUntil: '2026-01-01' }) })]);
      const [archived] = await archive(place);
      const tools = { database: place.db, codec, wire: createWire(codec, null), factsAt: createFactsCache() };
      const chargeOf = async (ref: string) => (await place.db.query<{ sum: string }>(
        `select sum(gross) from fee_entry where charge = 'file' and order_id = (select id from orders where booking_ref = $1)`, [ref]))[0]?.sum;
      await assignTable(place.db, 'dearer', 40);
      expect(await rerateStale(tools, Date.now)).toMatchObject({ orders: 2, archived: 1, changed: 1 });
      expect([await chargeOf('A'), await chargeOf('open')]).toEqual(['15.00', '40.00']);
      expect(await failures(place.db)).toEqual([]);
      await restoreBookings(toolsOf(place.db), restoreJob(archived?.file ?? ''));
      expect(await rerateStale(tools, Date.now)).toMatchObject({ orders: 1, archived: 0, changed: 1 });
      expect(await chargeOf('A')).toBe('40.00');
      expect(await failures(place.db)).toEqual([]);
    });
  });

  // Seen to fail (the order is archived with the old fee) without `staleAmong`.
  test('an order that has to be rated again since it was exported stays open', async () => {
    await inPlace(template, async (place) => {
      await place.settle(0, endedBooking('A'));
      const db = meanwhile(place.db, firstClosing, () => assignTable(place.db, 'dearer', 40));
      expect(await archive({ ...place, db })).toMatchObject([{ closed: 0, changed: 1 }]);
      expect(await archivedRefs(place.db)).toEqual([]);
    });
  });
});

/** The transactions of an archive that begins with nothing to finish: its lock, the note of the file, one for every 500 bookings that are closed. */
const firstClosing = 3;

/** The database, with something that happens just before its n-th transaction begins. */
function meanwhile(db: Database, nth: number, happens: () => Promise<unknown>): Database {
  let count = 0;
  return {
    ...db,
    async transaction(work) {
      count += 1;
      if (count === nth) await happens();
      return db.transaction(work);
    },
  };
}

describe('beside workers', () => {
  const late = (ref: string) => eventOf(ref, 2, 'changed', { booking: bodyOf({ travelUntil: '2024-05-11' }) });

  // Seen to fail (the run ends with an error, or the event is in no file) where the revision is not compared.
  test('a booking that changes between export and closing stays open, and its neighbour is closed; the next run takes it with the new event', async () => {
    await inPlace(template, async (place) => {
      await place.settle(0, [...endedBooking('A'), ...endedBooking('B')]);
      const db = meanwhile(place.db, firstClosing, () => place.settle(0, [late('A')]));
      expect(await archive({ ...place, db })).toMatchObject([{ bookings: 2, closed: 1, changed: 1 }]);
      expect(await archivedRefs(place.db)).toEqual(['B']);
      expect(await failures(place.db)).toEqual([]);
      const [again] = await archive(place);
      expect(again).toMatchObject({ bookings: 1, events: 3, closed: 1 });
      expect(await failures(place.db)).toEqual([]);
    });
  });

  // Seen to fail (the bytes are gone from both) where `removeWires` does not compare them.
  test('bytes that are not in the file are not removed', async () => {
    await inPlace(template, async (place) => {
      await place.settle(0, endedBooking('A'));
      const other = codec.encodeBookingEvent({ ...(endedBooking('A')[0] as BookingEvent), agent: 'another' });
      const db = meanwhile(place.db, firstClosing, () => place.db.query(`update booking_event set wire = $1 where event_id = 'A-1'`, [other]));
      await expect(archive({ ...place, db })).rejects.toThrow('2 events were folded into 1 bookings');
      expect(await archivedRefs(place.db)).toEqual([]);
      expect(await place.db.query(`select wire from booking_event where event_id = 'A-1'`)).toEqual([{ wire: other }]);
    });
  });

  // Seen to fail (the event is applied, and is in no file) where closing reads the orders without locking them.
  test('an event that arrives while its booking is being closed waits, and becomes a dead letter', async () => {
    await inPlace(template, async (place) => {
      await place.settle(0, endedBooking('A'));
      const settled: ReturnType<Place['settle']>[] = [];
      let isDone = false;
      const arrives = async (): Promise<void> => {
        settled.push(place.settle(0, [late('A')]).finally(() => { isDone = true; }));
        await until(async () => isDone || (await place.db.query(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%for update'`)).length > 0);
      };
      const db: Database = {
        ...place.db,
        transaction: (work) => place.db.transaction((tx) => work({
          query: async (text, values) => {
            if (text.startsWith('update booking_event')) await arrives();
            return tx.query(text, values);
          },
        })),
      };
      expect(await archive({ ...place, db })).toMatchObject([{ closed: 1 }]);
      expect((await Promise.all(settled)).map(({ outcomes }) => outcomes)).toMatchObject([{ applied: 0, late: 0, deadLettered: 1 }]);
      expect(await deadCodes(place.db)).toEqual(['ARCHIVED open']);
      expect(await failures(place.db)).toEqual([]);
    });
  });

  test('while three lanes settle late events, every event is in a file, here, or among the dead letters; brought back and replayed, nothing is missing', async () => {
    const refs = Array.from({ length: 120 }, (_, n) => `L${n}`);
    await inPlace(template, async (place) => {
      await place.settle(0, refs.flatMap(endedBooking));
      const lanes = [0, 1, 2].map(async (lane) => {
        for (let n = lane; n < refs.length; n += 15) await place.settle(lane, refs.slice(n, n + 15).filter((_, at) => at % 3 === 0).map(late));
      });
      let running = true;
      const worked = Promise.all(lanes).finally(() => { running = false; });
      const files = new Set<string>();
      do for (const { file } of await archive(place)) files.add(file); while (running);
      await worked;
      for (const { file } of await archive(place)) files.add(file);
      expect(await archivedRefs(place.db)).toHaveLength(refs.length);
      expect(await failures(place.db)).toEqual([]);

      const sent = new Set(refs.flatMap(endedBooking).map(({ eventId }) => eventId));
      for (let lane = 0; lane < 3; lane += 1) for (let n = lane; n < refs.length; n += 15) for (const ref of refs.slice(n, n + 15).filter((_, at) => at % 3 === 0)) sent.add(late(ref).eventId);
      const stored = new Set((await place.db.query<{ id: string }>('select event_id as id from booking_event')).map(({ id }) => id));
      const dead = await place.db.query<{ value: Buffer }>(`select value from dead_letter where code = 'ARCHIVED'`);
      for (const { value } of dead) {
        const decoded = codec.decode(value);
        if (decoded.ok) stored.add(decoded.event.eventId);
      }
      expect([...stored].sort()).toEqual([...sent].sort());
      for (const file of files) await restoreBookings(toolsOf(place.db), restoreJob(file));
      expect(await archivedRefs(place.db)).toEqual([]);
      expect(await failures(place.db)).toEqual([]);
    });
  }, 180_000);
});

describe('kill -9', () => {
  let filled: CreatedDatabase;
  let print: string;
  const refs = Array.from({ length: 510 }, (_, n) => `K${n}`);

  beforeAll(async () => {
    filled = await copyOf(template);
    const db = createDatabase(filled.url);
    const { settle } = placeOf(db, filled.url, folder, null);
    for (let n = 0; n < refs.length; n += 255) await settle(0, refs.slice(n, n + 255).flatMap(endedBooking));
    print = await fingerprint(db);
    await db.close();
  }, 120_000);

  afterAll(() => filled.drop());

  const script = `
    import { archiveBookings } from './workers/actions/archive/archive.ts';
    import { createWire } from './workers/actions/settle/wire.ts';
    import { createDatabase } from './workers/store/database.ts';
    import { createCodec } from './workers/topics/codec.ts';
    const [moment, nth] = process.env.TEST_KILL.split(' ');
    const die = (now, count) => { if (now === moment && count === Number(nth)) process.kill(process.pid, 'SIGKILL'); };
    const database = createDatabase(process.env.DATABASE_URL);
    let count = 0;
    const dying = { ...database, async transaction(work) {
      const own = ++count;
      die('before', own);
      const result = await database.transaction(work);
      die('after', own);
      return result;
    } };
    await archiveBookings({ database: dying, wire: createWire(createCodec({ registryUrl: process.env.SCHEMA_REGISTRY_URL }), null) }, {
      before: '${before}', folder: process.env.TEST_OUT, actor: 'anna', version: '0.0.0', now: () => new Date(), });`;

  async function killed(url: string, out: string, moment: string): Promise<NodeJS.Signals | null> {
    const env = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: url, SCHEMA_REGISTRY_URL: registryUrl, TEST_OUT: out, TEST_KILL: moment };
    const child = spawn(process.execPath, ['--import', './test/typescript.mjs', '--input-type=module', '--eval', script], { cwd: fileURLToPath(new URL('../..', import.meta.url)), env, stdio: ['ignore', 'ignore', 'inherit'] });
    return new Promise((done) => { child.once('exit', (_, signal) => { done(signal); }); });
  }

  // Seen to fail where unfinished archives are not finished first (the second run has another file, and the first stays unfinished).
  test.each([
    ['between the whole file and its note', 'before 2', 0],
    ['between the note and the first closing', 'before 3', 0],
    ['between two closings', 'after 3', 500],
  ])('%s: nothing is lost, the next run ends it', async (_, moment, closed) => {
    await inPlace(filled, async (place) => {
      expect(await killed(place.url, place.out, moment)).toBe('SIGKILL');
      expect(await archivedRefs(place.db)).toHaveLength(closed);
      expect(await failures(place.db)).toEqual([]);
      // What is archived, and only that, is in a file that is whole.
      const archived = await archive(place);
      expect(archived).toHaveLength(1);
      expect(archived[0]).toMatchObject({ bookings: refs.length, closed: refs.length, changed: 0 });
      expect(await place.db.query('select 1 from archive where finished_at is null')).toEqual([]);
      const manifests = (await readdir(place.out)).filter((name) => name.endsWith('.manifest.json'));
      expect(manifests.map((name) => join(place.out, name))).toEqual([`${archived[0]?.file}.manifest.json`]);
      expect(await failures(place.db)).toEqual([]);
      await restoreBookings(toolsOf(place.db), restoreJob(archived[0]?.file ?? ''));
      expect(await fingerprint(place.db)).toBe(print);
    });
  }, 120_000);
});

describe('bringing back', () => {
  test('only what is asked for, by any of its names; what is not in the file is said; a dry run changes nothing', async () => {
    await inPlace(template, async (place) => {
      await place.settle(0, ['A', 'B', 'C', 'D'].flatMap(endedBooking));
      const [archived] = await archive(place);
      const file = archived?.file ?? '';
      const moved = join(folder, randomUUID());
      await copyFile(file, moved);
      const tools = toolsOf(place.db);
      const [row] = await place.db.query<{ id: string }>(`select id from orders where booking_ref = 'C'`);
      expect(await restoreBookings(tools, restoreJob(moved, [], true))).toMatchObject({ bookings: 4, events: 8 });
      expect(await archivedRefs(place.db)).toEqual(['A', 'B', 'C', 'D']);
      expect(await restoreBookings(tools, restoreJob(moved, ['gds:A', 'B', row?.id ?? '', 'X']))).toEqual({ bookings: 3, events: 6, others: 0, missing: ['X'] });
      expect(await archivedRefs(place.db)).toEqual(['D']);
      expect(await restoreBookings(tools, restoreJob(moved))).toEqual({ bookings: 1, events: 2, others: 3, missing: [] });
      expect(await failures(place.db)).toEqual([]);
    });
  });

  // Seen to fail where the event's hash is not compared (another event comes back), and where the file's is not.
  test('a file that is another, was changed, or holds another event is refused, and nothing comes back of it', async () => {
    await inPlace(template, async (place) => {
      await place.settle(0, endedBooking('A'));
      const [archived] = await archive(place);
      const file = archived?.file ?? '';
      const [line] = await linesOf(file);
      line.events[0].wire = codec.encodeBookingEvent({ ...(endedBooking('A')[0] as BookingEvent), agent: 'forger' }).toString('base64');
      const forged = gzipSync(`${JSON.stringify(line)}\n`);
      await writeFile(file, forged);
      await expect(restoreBookings(toolsOf(place.db), restoreJob(file))).rejects.toThrow('is no archive of this database, or not as it was written');
      await place.db.query('update archive set sha256 = $1', [createHash('sha256').update(forged).digest()]);
      await expect(restoreBookings(toolsOf(place.db), restoreJob(file))).rejects.toThrow('event A-1 of gds');
      expect(await archivedRefs(place.db)).toEqual(['A']);
    });
  });

  test('one at a time: a second run is refused while one is at work', async () => {
    await inPlace(template, async (place) => {
      await place.settle(0, endedBooking('A'));
      const db = meanwhile(place.db, firstClosing, () => expect(archive(place)).rejects.toThrow('another midline archive is at work'));
      expect(await archive({ ...place, db })).toMatchObject([{ closed: 1 }]);
    });
  });

  test('nothing is archived while ingest of a build lives that knows no archives', async () => {
    await inPlace(template, async (place) => {
      await place.settle(0, endedBooking('A'));
      const sign = { id: 'old', kind: 'ingest', startedAt: new Date(), details: { schema: '0005-messages.sql' } };
      await signOfLife(place.db, sign, new Date());
      await expect(archive(place)).rejects.toThrow('ingest workers of an older build are alive');
      await signOfLife(place.db, { ...sign, details: { schema: '0008-archive.sql' } }, new Date());
      expect(await archive(place)).toMatchObject([{ closed: 1 }]);
    });
  });

  test('a run that was cut short is not begun anew while its file is away', async () => {
    await inPlace(template, async (place) => {
      await place.settle(0, endedBooking('A'));
      const db = meanwhile(place.db, firstClosing, () => Promise.reject(new Error('cut')));
      await expect(archive({ ...place, db })).rejects.toThrow('cut');
      const [name = ''] = (await readdir(place.out)).filter((one) => one.endsWith('.gz'));
      const file = join(place.out, name);
      await expect(restoreBookings(toolsOf(place.db), restoreJob(file))).rejects.toThrow('was cut short');
      const bytes = await readFile(file);
      await rm(file);
      await expect(archive(place)).rejects.toThrow(`${file} is not there`);
      await writeFile(file, bytes.subarray(1));
      await expect(archive(place)).rejects.toThrow('is not what was written');
      await writeFile(file, bytes);
      expect(await archive(place)).toMatchObject([{ file, closed: 1 }]);
    });
  });
});

describe('the commands', () => {
  const main = fileURLToPath(new URL('../../dist/workers/cli/main.js', import.meta.url));

  function midline(url: string, ...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
    const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env['PATH'], DATABASE_URL: url, SCHEMA_REGISTRY_URL: registryUrl } });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
    return new Promise((resolve) => child.on('close', (code) => { resolve({ code, out, err }); }));
  }

  test('archive, show and bring back', async () => {
    await inPlace(template, async (place) => {
      await place.settle(0, endedBooking('A'));
      expect(await midline(place.url, 'archive', '--out', place.out)).toMatchObject({ code: 2, err: expect.stringContaining('--before DAY') });
      const { code, out } = await midline(place.url, 'archive', '--before', before, '--out', place.out, '--json');
      expect(code).toBe(0);
      const [{ file }] = JSON.parse(out) as [{ readonly file: string }];
      expect(await midline(place.url, 'orders', 'show', 'A')).toMatchObject({ code: 0, out: expect.stringContaining(`to bring it back: midline archive restore ${file} gds:A`) });
      const restored = await midline(place.url, 'archive', 'restore', file, 'A', 'X', '--json');
      expect(restored.code).toBe(1);
      expect(JSON.parse(restored.out)).toMatchObject({ bookings: 1, events: 2, missing: ['X'], rerated: { orders: 1, changed: 0 } });
    });
  }, 180_000);
});
