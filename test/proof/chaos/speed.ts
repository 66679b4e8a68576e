import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase as createServerDatabase } from '../../../services/database.js';
import { startMailCatcher } from '../../../services/mail-catcher.js';
import { generateEvents } from '../../../workers/domain/generate/events.js';
import { createDatabase } from '../../../workers/store/database.js';
import { bookingEventsTopic, bookingKey } from '../../../workers/topics/names.js';
import { createEventProducer, type OutgoingMessage } from '../../../workers/topics/producer.js';
import type { Claim } from '../proof.js';
import { createCrew } from './crew.js';
import { startProxy } from './proxy.js';
import { addCustomers, encryptionKey, population } from './setting.js';
import { type Stage, renewTopics, until } from './world.js';

const situations = ['all up', 'Redis down', 'SMTP down'] as const;
type Situation = (typeof situations)[number];

const seed = 1;
const messages = 15_000;
const rounds = 3;
const least = 0.9;

export interface Speeds {
  /** Messages a second of each round. */
  readonly speeds: Readonly<Record<Situation, readonly number[]>>;
  readonly claims: readonly Claim[];
}

/** How fast ingest is while relay and outreach run beside it, with everything up and with Redis or the mail server down, in turns over the same messages. */
export async function measureSpeed(stage: Stage, dist: string, say: (text: string) => void): Promise<Speeds> {
  await renewTopics(stage.admin);
  await publishAll(stage);
  const speeds: Record<Situation, number[]> = { 'all up': [], 'Redis down': [], 'SMTP down': [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const situation of situations) {
      const speed = await measureOnce(stage, dist, situation, round);
      speeds[situation].push(speed);
      say(`  ingest with ${situation}: ${speed} messages a second`);
    }
  }
  const usual = middle(speeds['all up']);
  const claims = situations.slice(1).map((situation): Claim => {
    const share = Math.round(middle(speeds[situation]) / usual * 100) / 100;
    return { claim: `with ${situation} ingest keeps its speed (at least ${least} of it)`, ok: share >= least, found: `${share}: ${middle(speeds[situation])} against ${usual} messages a second` };
  });
  return { speeds, claims };
}

async function publishAll({ kafka, codec }: Stage): Promise<void> {
  const producer = createEventProducer(kafka);
  await producer.connect();
  const now = Math.floor(Date.now() / 1_000) * 1_000;
  const all: OutgoingMessage[] = [];
  for (const event of generateEvents({ seed, bookings: messages, now, ...population })) if (all.push({ key: bookingKey(event), value: codec.encodeBookingEvent(event) }) === messages) break;
  await producer.sendBatch(bookingEventsTopic, all);
  await producer.disconnect();
}

async function measureOnce({ services: { environment }, template }: Stage, dist: string, situation: Situation, round: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'midline-chaos-speed-'));
  const server = await createServerDatabase(environment.DATABASE_URL, { template });
  await addCustomers(server.url, seed);
  const database = createDatabase(server.url, { max: 1 });
  const mails = await startMailCatcher();
  const [redis, smtp] = [await startProxy(Number(new URL(environment.REDIS_URL).port)), await startProxy(Number(new URL(mails.url).port))];
  redis.setAway(situation === 'Redis down');
  smtp.setAway(situation === 'SMTP down');
  const crew = createCrew({
    dist, folder, group: `speed-${situation.replace(' ', '-')}-${round}`,
    environment: { ...environment, DATABASE_URL: server.url, REDIS_URL: `redis://127.0.0.1:${redis.port}`, SMTP_URL: `smtp://127.0.0.1:${smtp.port}`, MIDLINE_ENCRYPTION_KEY: encryptionKey },
  });
  const read = async (): Promise<number> => Number((await database.query<{ read: string }>('select coalesce(sum(read), 0) as read from consumer_offset'))[0]?.read);
  try {
    for (const kind of ['relay', 'outreach'] as const) crew.start(kind);
    await until('relay and outreach work', async () => (await database.query('select 1 from worker_status')).length === 2);
    crew.start('ingest');
    await until('ingest works', async () => await read() > 0, 20);
    const [began, before] = [performance.now(), await read()];
    await until('ingest has read everything', async () => await read() === messages, 20);
    return Math.round((messages - before) / (performance.now() - began) * 1_000);
  } finally {
    await crew.end();
    await Promise.all([redis.close(), smtp.close(), database.close(), mails.close()]);
    await server.drop();
    await rm(folder, { recursive: true, force: true });
  }
}

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
