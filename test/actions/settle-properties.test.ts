import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BookingEvent } from '../../schemas/booking-event.js';
import { createSettle } from '../../workers/actions/settle/settle.js';
import { compareEvents } from '../../workers/domain/event-order.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { createCodec, type Codec } from '../../workers/topics/codec.js';
import { bookingHistory } from '../domain/booking-histories.js';
import { migratedDatabase, servers } from '../servers.js';
import { createLane, outcomeOf, prepareFees, renamed, scenario, settleScenario } from './disordered-histories.js';

let db: Database;
let codec: Codec;
let drop: () => Promise<void>;

beforeAll(async () => {
  const database = await migratedDatabase();
  drop = database.drop;
  db = createDatabase(database.url);
  codec = createCodec({ registryUrl: (await servers()).registryUrl });
  await codec.register();
  await prepareFees(db);
});

afterAll(async () => {
  await db.close();
  await drop();
});

let scenarios = 0;

// Seen to fail without the history of late events (`foldInOrder` for all), without the rating of the whole order after a late event
// (only its own transactions), and when what was rated anew is appended without taking back what stands.
test('a booking whose events arrive in any order, doubled, cut into any batches and through two partitions at once ends in the same order and ledger', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (one) => {
      scenarios += 1;
      const { calm, wild, counts, expected } = await settleScenario(db, codec, one, scenarios);
      expect(wild).toEqual(calm);
      expect(counts).toEqual(expected);
    }),
    { numRuns: 60, endOnFailure: true },
  );
  expect(await db.query('select count(*)::int as n from dead_letter')).toEqual([{ n: 0 }]);
}, 120_000);

// Seen to fail without the lock of the order's row and the check of its revision, and (a ledger line that stands already, which would have made
// a dead letter of a good message) while ledger lines were written before it was known whether the orders are.
test('bookings whose events come through four partitions at the same moment end as in order', async () => {
  const histories = fc.sample(bookingHistory, { numRuns: 40, seed: 1 });
  await createLane(db, codec, 'calm', 0)(histories.flatMap((history, n) => [...renamed(history, `C${n}-`)].sort(compareEvents(history.every((event) => event.version != null)))));
  const wild = histories.map((history, n) => renamed(history, `W${n}-`));
  await Promise.all([0, 1, 2, 3].map(async (partition) => {
    const lane = createConflictFreeLane('wild', partition);
    for (let at = 0; at < wild.length; at += 10) await lane(wild.slice(at, at + 10).flatMap((history) => history.filter((_, n) => n % 4 === partition)));
  }));
  for (const n of histories.keys()) expect(await outcomeOf(db, `W${n}-`)).toEqual(await outcomeOf(db, `C${n}-`));
}, 120_000);

/** As ingest does: who was slower, or the victim of a deadlock, settles the same batch again. */
function createConflictFreeLane(topic: string, partition: number) {
  const settle = createSettle({ database: db, codec, seal: null, observe: (_, work) => work() });
  let next = 0;
  return async (events: readonly BookingEvent[]): Promise<void> => {
    const from = next;
    next += events.length;
    const messages = events.map((event, n) => ({ offset: from + n, key: null, value: codec.encodeBookingEvent(event), headers: {}, timestamp: Date.now() }));
    for (;;) {
      try {
        await settle({ group: topic, topic, partition, firstOffset: from, nextOffset: next, messages }, { now: Date.now() });
        return;
      } catch (error) {
        const again = error instanceof Error && (error.name === 'SettlementConflict' || ('code' in error && error.code === '40P01'));
        if (!again) throw error;
      }
    }
  };
}
