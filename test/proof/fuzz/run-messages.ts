import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Kafka, type Message } from 'kafkajs';
import { bookingEventSchema, type BookingEvent } from '../../../schemas/booking-event.js';
import { applyFeeTable, approveFeeTable, assignFeeTable, readFeeTable } from '../../../workers/actions/fee-tables.js';
import { startIngest } from '../../../workers/ingest/main.js';
import { readConfig } from '../../../workers/runtime/config.js';
import { createLog } from '../../../workers/runtime/log.js';
import { createDatabase, type Database } from '../../../workers/store/database.js';
import { reconcileDatabase } from '../../../workers/store/reconcile.js';
import type { Codec } from '../../../workers/topics/codec.js';
import { createSchemaRegistry } from '../../../workers/topics/schema-registry.js';
import { personalMark } from './hostile-values.js';
import { hostileMessage, type Material } from './messages.js';

export interface MessageRun {
  readonly seed: number;
  /** Hostile messages have the numbers from `first` on, `count` of them. */
  readonly first: number;
  readonly count: number;
  readonly codec: Codec;
  readonly kafka: Kafka;
  /** Of its own, with at least 12 MiB a message. */
  readonly topic: string;
  /** Of its own, for the good messages alone. */
  readonly calmTopic: string;
  /** Both empty and migrated. */
  readonly databaseUrl: string;
  readonly calmDatabaseUrl: string;
  /** KAFKA_BROKERS, SCHEMA_REGISTRY_URL. */
  readonly servers: Readonly<Record<string, string>>;
  /** Starts one real `worker ingest` for the group `fuzz` on the topic; its log goes to standard error. */
  readonly startWorker: (environment: Readonly<Record<string, string>>) => ChildProcess;
  readonly workers: number;
  readonly say: (text: string) => void;
  /** Longest time without any message settled, in milliseconds: then a partition is stuck. */
  readonly patience: number;
}

export interface MessageResult {
  readonly hostile: number;
  readonly neighbours: number;
  /** Exit codes or signals of the workers that ended before they were asked to. */
  readonly ended: readonly string[];
  /** Exit codes after SIGTERM. */
  readonly exitCodes: readonly (number | null)[];
  /** Partitions with messages that have no outcome, and where they stand. */
  readonly stuck: readonly string[];
  readonly read: number;
  readonly outcomes: Readonly<Record<'applied' | 'duplicate' | 'late' | 'dead', number>>;
  readonly deadLetters: Readonly<Record<string, number>>;
  /** Offsets that are neither in a dead letter nor counted: the difference of the sums. */
  readonly unaccounted: number;
  readonly unreconciled: readonly string[];
  /** Bookings of good messages with other orders or ledgers than without the hostile ones. */
  readonly spoilt: readonly string[];
  readonly marksInLogs: number;
  /** Megabytes of resident memory of the workers together: median of the second and of the last quarter of the time, and the most. */
  readonly memory: { readonly secondQuarter: number; readonly lastQuarter: number; readonly most: number };
  /** The longest time in which one partition did not move though messages waited, in seconds, and the messages it was in front of. */
  readonly slowest: { readonly seconds: number; readonly inputs: string };
  readonly seconds: number;
  readonly kinds: Readonly<Record<string, number>>;
}

const partitions = 6;
const perSend = 400;
/** Hostile messages that stand between one good one and the next. */
const hostilePerGood = 3;
const group = 'fuzz';

const feeTable = `
feeTable: fuzz
currency: EUR
validFrom: 1900-01-01
charges:
  booking: { scope: transaction }
  item: { scope: item }
  person: { scope: traveller }
rules:
  - { id: percent, charge: item, on: booked, when: { product: [flight, hotel] }, amount: { percent: 3, of: unit-total } }
  - { id: each, charge: item, on: booked, amount: { fixed: 2.50 } }
  - { id: person, charge: person, on: booked, amount: { fixed: 1 } }
  - { id: change, charge: booking, on: changed, amount: { fixed: 10 } }
  - { id: cancel, charge: booking, on: cancelled, amount: { fixed: 20 } }
`;

async function prepareFees(database: Database): Promise<void> {
  const read = readFeeTable(feeTable, 'fuzz.yaml');
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  const doing = { actor: 'fuzz', now: new Date() };
  await applyFeeTable(database, read.table, feeTable, doing);
  await approveFeeTable(database, { ...doing, table: 'fuzz', backdate: true, reason: 'fuzz', fourEyes: false });
  await assignFeeTable(database, { ...doing, subject: { kind: 'default', id: '' }, table: 'fuzz', from: '1900-01-01', until: null, reason: 'fuzz' });
}

/** Schemas as other teams may have registered them. */
async function registerForeign(registryUrl: string): Promise<readonly number[]> {
  const registry = createSchemaRegistry(registryUrl, 30_000);
  const text = JSON.stringify(bookingEventSchema);
  const list = (items: unknown): object => ({ type: 'record', name: 'BookingEvent', namespace: 'midline.booking.v1', fields: [...bookingEventSchema.fields.slice(0, 2), { name: 'rest', type: { type: 'array', items } }] });
  let deep: unknown = 'int';
  for (let level = 0; level < 200; level += 1) deep = { type: 'array', items: deep };
  const schemas: readonly unknown[] = [
    JSON.parse(text.replaceAll('"scale":4', '"scale":2')),
    JSON.parse(text.replace('{"name":"traceparent"', '{"name":"weather","type":["null","string"],"default":null},{"name":"traceparent"')),
    { type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }, { name: 'more', type: { type: 'array', items: 'Node' } }] },
    list('null'), list({ type: 'record', name: 'Empty', fields: [] }), list(deep),
    'string', { type: 'map', values: 'bytes' }, { type: 'enum', name: 'E', symbols: ['A'] }, { type: 'fixed', name: 'F', size: 50_000_000 },
  ];
  const ids: number[] = [];
  for (const [index, schema] of schemas.entries()) ids.push(await registry.register(`fuzz-${index}-value`, JSON.stringify(schema)));
  return ids;
}

/** A good message: bookings of four events each, one partition a booking. */
function neighbour(number: number, now: number): BookingEvent {
  const [place, step] = [Math.floor(number / 4), number % 4];
  const price = { currency: 'EUR', total: `${100 + (place % 900)}` };
  const booking = {
    booker: { kind: 'person', givenName: 'Kim', familyName: 'Neighbour', emails: [`kim.${place}@neighbours.example`] },
    travellers: [{ id: '1', type: 'ADT' }], items: [{ id: '1', product: 'flight', status: step === 3 ? 'cancelled' : 'open', start: '2026-06-01', price }, ...(step >= 2 ? [{ id: '2', product: 'hotel', price }] : [])],
  };
  return { eventId: `N${number}`, source: 'neighbour', bookingRef: `NB${place}`, type: ['booked', 'confirmed', 'changed', 'cancelled'][step] ?? 'booked', version: step, occurredAt: now - 10 ** 8 + number, booking };
}

const partitionOf = (number: number): number => Math.floor(number / 4) % partitions;

/** Publishes hostile messages among good ones, has real workers settle them, and looks at what became of all. */
export async function runMessages(run: MessageRun): Promise<MessageResult> {
  const { seed, first, count, codec, kafka, topic, say } = run;
  const began = performance.now();
  const now = Date.now();
  const database = createDatabase(run.databaseUrl, { max: 3 });
  const calm = createDatabase(run.calmDatabaseUrl, { max: 3 });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner, idempotent: true, maxInFlightRequests: 1 });
  const admin = kafka.admin();
  const children: ChildProcess[] = [];
  try {
    await Promise.all([producer.connect(), admin.connect(), prepareFees(database), prepareFees(calm)]);
    const foreignIds = await registerForeign(run.servers['SCHEMA_REGISTRY_URL'] ?? '');
    const material: Material = { encode: codec.encodeBookingEvent, schemaId: codec.encodeBookingEvent(neighbour(0, now)).readInt32BE(1), foreignIds, now };
    const watched = Array.from({ length: run.workers }, () => watchWorker(run.startWorker({ ...run.servers, DATABASE_URL: run.databaseUrl, LOG_LEVEL: 'info', HEALTH_PORT: '0', KAFKA_SESSION_TIMEOUT_MS: '30000' }), children));

    const kinds: Record<string, number> = {};
    /** Numbers of the inputs by partition, in the order of offsets; null: a good one. */
    const inputs: (number | null)[][] = Array.from({ length: partitions }, () => []);
    let neighbours = 0;
    const send = async (name: string, messages: readonly Message[]): Promise<void> => { await producer.send({ topic: name, acks: -1, messages: [...messages] }); };
    const progress = watchProgress(database, topic, inputs, run.patience);
    const memory = watchMemory(children);

    for (let sent = 0; sent < count; sent += perSend) {
      const messages: Message[] = [];
      const good: Message[] = [];
      for (let number = first + sent; number < first + Math.min(count, sent + perSend); number += 1) {
        const { kind, ...hostile } = hostileMessage(seed, number, material);
        kinds[kind] = (kinds[kind] ?? 0) + 1;
        const partition = number % partitions;
        inputs[partition]?.push(number);
        messages.push({ ...hostile, partition });
        if (number % hostilePerGood !== 0) continue;
        const place = partitionOf(neighbours);
        const event = neighbour(neighbours, now);
        neighbours += 1;
        inputs[place]?.push(null);
        good.push({ key: `neighbour:${event.bookingRef}`, value: codec.encodeBookingEvent(event), partition: place });
        messages.push(...good.slice(-1));
      }
      for (const portion of portions(messages)) await send(topic, portion);
      await send(run.calmTopic, good);
      if ((sent / perSend) % 10 === 9) say(`  ${sent + perSend} of ${count} hostile messages sent, ${await readSoFar(database, topic)} settled`);
      // Not further ahead than some batches: memory and time of the workers are seen under the same load from beginning to end.
      while (!progress.stuck() && progress.waiting() > 12_000) await delay(200);
      if (progress.stuck() || children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)) break;
    }
    while (progress.waiting() > 0 && !progress.stuck() && children.some(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) await delay(200);
    const { slowest, stuck } = progress.end();
    const usage = memory.end();
    const ended = children.flatMap(({ exitCode, signalCode }) => (exitCode === null && signalCode === null ? [] : [String(signalCode ?? exitCode)]));
    const exitCodes = await Promise.all(children.map(stopWorker));

    await settleCalmly(run);
    const [offsets] = await database.query<Counts>(
      `select coalesce(sum(next_offset), 0)::int as next, coalesce(sum(read), 0)::int as read, coalesce(sum(applied), 0)::int as applied, coalesce(sum(duplicate), 0)::int as duplicate,
         coalesce(sum(late), 0)::int as late, coalesce(sum(dead_lettered), 0)::int as dead, (select count(*)::int from dead_letter) as letters, (select count(*)::int from booking_event) as events from consumer_offset where topic = $1`, [topic]);
    const counts = offsets ?? { next: 0, read: 0, applied: 0, duplicate: 0, late: 0, dead: 0, letters: 0, events: 0 };
    const log = watched.map((read) => read()).join('');
    const sentInAll = inputs.reduce((sum, list) => sum + list.length, 0);
    return {
      hostile: Object.values(kinds).reduce((sum, one) => sum + one, 0), neighbours, ended, exitCodes, stuck, read: counts.read,
      outcomes: { applied: counts.applied, duplicate: counts.duplicate, late: counts.late, dead: counts.dead },
      deadLetters: Object.fromEntries((await database.query<{ code: string; n: number }>('select code, count(*)::int as n from dead_letter group by code order by code')).map(({ code, n }) => [code, n])),
      unaccounted: Math.abs(sentInAll - counts.next) + Math.abs(counts.next - counts.read) + Math.abs(counts.read - counts.applied - counts.duplicate - counts.late - counts.dead) + Math.abs(counts.dead - counts.letters) + Math.abs(counts.applied + counts.late - counts.events),
      unreconciled: (await reconcileDatabase(database)).filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`),
      spoilt: differences(await fingerprints(calm), await fingerprints(database)),
      marksInLogs: log.split(personalMark).length - 1, memory: usage, slowest, kinds,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await Promise.allSettled([producer.disconnect(), admin.disconnect(), database.close(), calm.close()]);
  }
}

type Counts = Readonly<Record<'next' | 'read' | 'applied' | 'duplicate' | 'late' | 'dead' | 'letters' | 'events', number>>;

/** Requests that a broker takes. */
function* portions(messages: readonly Message[]): Generator<readonly Message[]> {
  let portion: Message[] = [];
  let size = 0;
  for (const message of messages) {
    const length = message.value?.length ?? 0;
    if (portion.length > 0 && size + length > 700_000) {
      yield portion;
      [portion, size] = [[], 0];
    }
    portion.push(message);
    size += length;
  }
  if (portion.length > 0) yield portion;
}

/** Remembers what a worker logs. */
function watchWorker(child: ChildProcess, children: ChildProcess[]): () => string {
  children.push(child);
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => { log += chunk.toString(); });
  return () => log;
}

async function stopWorker(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  return child.exitCode;
}

/** The good messages alone, in this process, from a topic of their own. */
async function settleCalmly({ servers, calmDatabaseUrl, calmTopic }: MessageRun): Promise<void> {
  const config = readConfig({ ...servers, DATABASE_URL: calmDatabaseUrl }, ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL']);
  const ingest = await startIngest(config, { log: createLog('silent'), group, drain: true, topic: calmTopic });
  try {
    await ingest.done;
  } finally {
    await ingest.stop();
  }
}

async function readSoFar(database: Database, topic: string): Promise<number> {
  const [row] = await database.query<{ n: number }>('select coalesce(sum(read), 0)::int as n from consumer_offset where topic = $1', [topic]);
  return row?.n ?? 0;
}

type Fingerprint = Readonly<Record<'status' | 'link' | 'state' | 'ledger' | 'customers', string | number | null>>;

/** Orders, ledgers and links of the good bookings. Revisions are left out: they tell how batches were cut. */
async function fingerprints(database: Database): Promise<ReadonlyMap<string, Fingerprint>> {
  const rows = await database.query<{ ref: string } & Fingerprint>(
    `select booking_ref as ref, status, link, md5(state::text) as state,
       (select md5(string_agg(concat_ws('/', charge, event_id, transaction_type, unit, seq, type, net, vat, gross), ',' order by charge, event_id, transaction_type, unit, seq)) from fee_entry f where f.order_id = o.id) as ledger,
       (select count(distinct customer_id)::text from customer_link l where l.order_id = o.id and superseded_at is null) as customers
     from orders o where source = 'neighbour'`);
  return new Map(rows.map(({ ref, ...print }) => [ref, print]));
}

/** Bookings, each with what is another. */
function differences(expected: ReadonlyMap<string, Fingerprint>, found: ReadonlyMap<string, Fingerprint>): readonly string[] {
  return [...new Set([...expected.keys(), ...found.keys()])].flatMap((ref) => {
    const [one, other] = [expected.get(ref), found.get(ref)];
    if (one === undefined || other === undefined) return [`${ref}: ${one === undefined ? 'not expected' : 'missing'}`];
    const parts = (['status', 'link', 'state', 'ledger', 'customers'] as const).filter((part) => one[part] !== other[part]);
    return parts.length === 0 ? [] : [`${ref}: ${parts.map((part) => `${part} ${other[part]} instead of ${one[part]}`).join(', ')}`];
  });
}

/** Looks four times a second how far each partition is settled. */
function watchProgress(database: Database, topic: string, inputs: readonly (readonly (number | null)[])[], patience: number) {
  const moved = inputs.map(() => ({ next: 0, at: performance.now() }));
  let slowest = { seconds: 0, inputs: '' };
  let looking = true;
  let stuckSince: number | null = null;
  const waiting = (): number => inputs.reduce((sum, list, partition) => sum + list.length - (moved[partition]?.next ?? 0), 0);

  async function look(): Promise<void> {
    const rows = await database.query<{ partition: number; next: number }>('select partition, next_offset::int as next from consumer_offset where topic = $1', [topic]);
    const at = performance.now();
    for (const [partition, place] of moved.entries()) {
      const next = rows.find((row) => row.partition === partition)?.next ?? 0;
      const seconds = Math.round((at - place.at) / 100) / 10;
      if (next > place.next && seconds > slowest.seconds && place.next > 0) slowest = { seconds, inputs: `between ${namesOf(inputs[partition]?.slice(place.next, next) ?? [])} in partition ${partition}` };
      if (next > place.next || (inputs[partition]?.length ?? 0) <= place.next) moved[partition] = { next, at };
    }
    const longest = Math.max(...moved.map((place) => at - place.at));
    stuckSince = longest > patience ? (stuckSince ?? at) : null;
  }
  const looked = (async () => {
    for (; looking; await delay(250)) await look();
  })();
  looked.catch(() => { stuckSince = 0; });

  return {
    waiting,
    stuck: () => stuckSince !== null,
    end() {
      looking = false;
      const stuck = moved.flatMap(({ next }, partition) => {
        const left = inputs[partition]?.slice(next) ?? [];
        return left.length === 0 ? [] : [`partition ${partition} stands at ${next}, in front of ${namesOf(left.slice(0, 1_000))}`];
      });
      return { slowest, stuck };
    },
  };
}

function namesOf(numbers: readonly (number | null)[]): string {
  const hostile = numbers.filter((number) => number !== null);
  return hostile.length === 0 ? 'good messages only' : `inputs ${hostile[0]} and ${hostile.at(-1)}`;
}

/** Resident memory of all workers together, once a second, where the system tells it (Linux). */
function watchMemory(children: readonly ChildProcess[]) {
  const samples: number[] = [];
  const timer = setInterval(() => {
    Promise.all(children.map(async ({ pid }) => Number(/VmRSS:\s*(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024))
      .then((sizes) => { samples.push(Math.round(sizes.reduce((sum, size) => sum + size, 0))); }, () => undefined);
  }, 1_000);
  return {
    end() {
      clearInterval(timer);
      const quarter = (from: number): number => median(samples.slice(Math.floor((samples.length * from) / 4), Math.floor((samples.length * (from + 1)) / 4)));
      return { secondQuarter: quarter(1), lastQuarter: quarter(3), most: Math.max(0, ...samples) };
    },
  };
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
