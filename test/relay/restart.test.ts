import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { migrationSource } from '../../migrations/index.js';
import { startMailCatcher, type MailCatcher } from '../../services/mail-catcher.js';
import { startOutreach } from '../../workers/outreach/main.js';
import { startRelay } from '../../workers/relay/main.js';
import { readConfig } from '../../workers/runtime/config.js';
import { createLog } from '../../workers/runtime/log.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { insertMessages } from '../../workers/store/messages.js';
import { wakeRelay } from '../../workers/store/notifications.js';
import { migrate } from '../../workers/store/schema.js';
import { freshDatabase, servers } from '../servers.js';
import { until } from '../until.js';

let db: Database;
let drop: () => Promise<void>;
let mail: MailCatcher;
let relay: Awaited<ReturnType<typeof startRelay>>;
let outreach: Awaited<ReturnType<typeof startOutreach>>;

beforeAll(async () => {
  const addresses = await servers();
  const database = await freshDatabase();
  drop = database.drop;
  await migrate(database.url, migrationSource);
  db = createDatabase(database.url);
  mail = await startMailCatcher();
  const config = readConfig({
    KAFKA_BROKERS: addresses.kafkaBrokers.join(','), SCHEMA_REGISTRY_URL: addresses.registryUrl, DATABASE_URL: database.url,
    REDIS_URL: new URL('/14', addresses.redisUrl).href, SMTP_URL: mail.url,
  });
  relay = await startRelay(config, { log: createLog('silent'), queuePatience: 200 });
  outreach = await startOutreach(config, { log: createLog('silent') });
});

afterAll(async () => {
  await relay.stop();
  await outreach.stop();
  await mail.close();
  await db.close();
  await drop();
});

/** A message that is due for an order of its own; resolves to the booking reference that its mail names. */
async function given(): Promise<string> {
  const [id, orderId, reference] = [randomUUID(), randomUUID(), `R${randomUUID().slice(0, 8)}`];
  await db.transaction(async (tx) => {
    await tx.query(
      `insert into orders (id, source, booking_ref, revision, status, link, state, updated_at) values ($1, 'gds', $2, 1, 'booked', 'none', $3, now())`,
      [orderId, reference, JSON.stringify({ status: 'booked', booking: { booker: { emails: ['anna@customer.example'] } }, price: null })],
    );
    await insertMessages(tx, [{ id, orderId, trigger: 'order-confirmed', occurrence: 'e', role: 'customer', channel: 'email', dueAt: Date.now(), expiresAt: Date.now() + 600_000 }]);
    await wakeRelay(tx);
  });
  return reference;
}

const mailOf = (reference: string) => mail.waitFor((one) => one.subject.includes(reference));

test('from the transaction to the mail nobody waits for a poll', async () => {
  await mailOf(await given());
  const times: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    const started = performance.now();
    await mailOf(await given());
    times.push(performance.now() - started);
  }
  expect(times.sort((a, b) => a - b)[10]).toBeLessThan(500); // half of them; polling alone takes half a second in one place
});

test('when Postgres drops every connection, also in the middle of work, mails go on and none goes twice', async () => {
  const references: string[] = [];
  for (let n = 0; n < 30; n += 1) {
    references.push(await given());
    if (n % 10 === 5) {
      await db.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and application_name like 'midline %'`);
    }
  }
  for (const reference of references) await mailOf(reference);
  await until(async () => (await db.query(`select 1 from message where state <> 'sent'`)).length === 0);
  for (const reference of references) expect(mail.mails().filter((one) => one.subject.includes(reference))).toHaveLength(1);
});
