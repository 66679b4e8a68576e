import { join } from 'node:path';
import { bookingLoad } from '../../bench/load.js';
import { applyFees, copyDatabase, takeEvents, withDatabase } from '../../bench/setup.js';
import type { BookingEvent, Party } from '../../schemas/booking-event.js';
import type { ServiceEnvironment } from '../../services/start.js';
import type { Batch } from '../../workers/actions/settle/batch.js';
import { createSettle } from '../../workers/actions/settle/settle.js';
import type { Database } from '../../workers/store/database.js';
import { createCodec } from '../../workers/topics/codec.js';
import { bookingKey } from '../../workers/topics/names.js';
import type { Patch } from './chaos/protections.js';
import { patchedBuild } from './chaos/patched-build.js';

const batchSize = 500;
const warmUp = 10;

/** Whoever has the first of the strong keys is linked, unseen; the strong keys of unknown people make a customer. Nothing is weighed, nothing else is looked for. */
export const exactIdentities: readonly Patch[] = [
  {
    module: 'workers/domain/match/match-batch.js', find: `import { decideMatch } from './decide.js';`,
    replace: `const decideMatch = (model, request, keys, { candidates: [found] }) => ({
      decision: found === undefined ? (keys.length > 0 ? 'new' : 'none') : 'link', customerId: found?.customerId ?? null,
      evidence: [], vetoes: [], weightBits: null, marginBits: null, candidates: [], settled: true,
    });`,
  },
];

/** One of the two ways: what it settles with, and how long it took for each batch, in ms. */
interface Way {
  readonly settle: ReturnType<typeof createSettle>;
  readonly times: number[];
  readonly steps: Record<string, number>;
}

export interface PipelineLoss {
  readonly events: number;
  readonly perSecond: number;
  readonly exactPerSecond: number;
  /** How much slower it is for matching as midline does. */
  readonly lossPercent: number;
  /** Of all the time, by step, in ms. */
  readonly steps: Readonly<Record<string, number>>;
  readonly exactSteps: Readonly<Record<string, number>>;
}

/**
 * Settles the same events side by side, batch for batch in turns, once as midline matches and once by exact identities alone: each in its own copy of the
 * customers, everything else (fees, ledger, messages, outbox) as ever.
 *
 * @param people whoever books next
 * @param url of a database with customers that nobody is connected to
 */
export async function measurePipelineLoss(servers: ServiceEnvironment, url: string, people: Iterator<Party, never>, events: number, say: (text: string) => void): Promise<PipelineLoss> {
  await withDatabase(url, applyFees);
  const other = await copyDatabase(servers.DATABASE_URL, url);
  const build = await patchedBuild({ name: 'exact-identities', patches: exactIdentities });
  try {
    const codec = createCodec({ registryUrl: servers.SCHEMA_REGISTRY_URL });
    await codec.register();
    const { createSettle: createExactSettle }: { readonly createSettle: typeof createSettle } = await import(join(build.dist, 'workers/actions/settle/settle.js'));
    return await withDatabase(url, (database) => withDatabase(other.url, async (copy) => {
      for (const db of [database, copy]) await readIntoMemory(db);
      const wayOf = (create: typeof createSettle, db: typeof database): Way => {
        const steps: Record<string, number> = {};
        const settle = create({
          database: db, codec, seal: null,
          async observe(step, work) {
            const began = performance.now();
            const result = await work();
            steps[step] = (steps[step] ?? 0) + performance.now() - began;
            return result;
          },
        });
        return { settle, times: [], steps };
      };
      const [own, exact] = [wayOf(createSettle, database), wayOf(createExactSettle, copy)];
      const load = bookingsOf(people);
      const batches = Math.ceil(events / batchSize);
      for (let n = 0; n < batches + warmUp; n += 1) {
        const batch = batchOf(load, n, (event) => codec.encodeBookingEvent(event));
        // In turns, and each as often first as second.
        for (const way of n % 2 === 0 ? [own, exact] : [exact, own]) {
          if (n === warmUp) for (const step of Object.keys(way.steps)) way.steps[step] = 0;
          const began = performance.now();
          await way.settle(batch, { now: Date.now() });
          if (n >= warmUp) way.times.push(performance.now() - began);
        }
        if (n >= warmUp && (n - warmUp + 1) % 20 === 0) say(`  ${(n - warmUp + 1) * batchSize} events settled in both ways: ${perSecond(own)} and ${perSecond(exact)} a second`);
      }
      return {
        events: batches * batchSize, perSecond: perSecond(own), exactPerSecond: perSecond(exact),
        lossPercent: Math.round((1 - sum(exact.times) / sum(own.times)) * 1000) / 10, steps: rounded(own.steps), exactSteps: rounded(exact.steps),
      };
    }));
  } finally {
    await build.delete();
    await other.drop();
  }
}

/** The files of the customers, as far as the system's memory goes: as those of a database are that has run for a while. */
export async function readIntoMemory(database: Database): Promise<void> {
  await database.query('create extension if not exists pg_prewarm');
  await database.query(`select pg_prewarm(oid, 'read') from pg_class where relkind in ('r', 'i') and relname like 'customer%'`);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
const perSecond = ({ times }: Way): number => Math.round((times.length * batchSize) / (sum(times) / 1000));
const rounded = (steps: Readonly<Record<string, number>>): Readonly<Record<string, number>> => Object.fromEntries(Object.entries(steps).map(([step, ms]) => [step, Math.round(ms)]));

/** The load of the bench; its bookings are made by these people. */
function* bookingsOf(people: Iterator<Party, never>): Generator<BookingEvent> {
  const bookers = new Map<string, Party>();
  for (const event of bookingLoad({ seed: 7, customers: 1, since: Date.now() - 3_600_000 })) {
    const booker = bookers.get(event.bookingRef) ?? people.next().value;
    bookers.set(event.bookingRef, booker);
    yield event.booking == null ? event : { ...event, booking: { ...event.booking, booker } };
  }
}

function batchOf(load: Iterator<BookingEvent>, number: number, encode: (event: BookingEvent) => Buffer): Batch {
  const firstOffset = number * batchSize;
  const messages = takeEvents(load, batchSize).map((event, n) => ({ offset: firstOffset + n, key: Buffer.from(bookingKey(event)), value: encode(event), headers: {}, timestamp: Date.now() }));
  return { group: 'proof', topic: 'customers', partition: 0, firstOffset, nextOffset: firstOffset + batchSize, messages };
}
