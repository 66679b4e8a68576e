import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { migrationSource } from '../../migrations/index.js';
import { startMailCatcher, type MailCatcher } from '../../services/mail-catcher.js';
import { enqueueDue, sweepMessages } from '../../workers/actions/relay-messages.js';
import { lease } from '../../workers/actions/send-message.js';
import { createQueue, type OutreachQueue } from '../../workers/queue/queue.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { insertMessages } from '../../workers/store/messages.js';
import { migrate } from '../../workers/store/schema.js';
import { freshDatabase, servers } from '../servers.js';
import { until } from '../until.js';

let databaseUrl: string;
let redisUrl: string;
let db: Database;
let drop: () => Promise<void>;
let mail: MailCatcher;
let queue: OutreachQueue;

beforeAll(async () => {
  redisUrl = new URL('/15', (await servers()).redisUrl).href; // a Redis database of its own: other tests have a queue of the same name
  ({ url: databaseUrl, drop } = await freshDatabase());
  await migrate(databaseUrl, migrationSource);
  db = createDatabase(databaseUrl);
  mail = await startMailCatcher();
  queue = createQueue(redisUrl);
  await until(() => queue.ping().then(() => true, () => false)); // it connects in its own time, and fails at once until then
});

afterAll(async () => {
  await queue.close();
  await mail.close();
  await db.close();
  await drop();
});

const script = `
  import { startOutreach } from './workers/outreach/main.ts';
  import { readConfig } from './workers/runtime/config.ts';
  import { runUntilStopped } from './workers/runtime/lifecycle.ts';
  import { createLog } from './workers/runtime/log.ts';
  const log = createLog('error');
  await runUntilStopped(() => startOutreach(readConfig(process.env, ['DATABASE_URL', 'REDIS_URL', 'SMTP_URL']), { log }), log);`;

function startProcess(): ChildProcess {
  const env = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, SMTP_URL: mail.url };
  return spawn(process.execPath, ['--import', './test/typescript.mjs', '--input-type=module', '--eval', script], { cwd: fileURLToPath(new URL('../..', import.meta.url)), env, stdio: ['ignore', 'ignore', 'inherit'] });
}

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => { child.once('exit', resolve); });

// Seen to fail (mails sent twice) when expireClaims makes messages due instead of unknown.
test('kill -9 of outreach in the middle of sending: every message is sent once or known as unknown, and the rest goes on', async () => {
  const ids = Array.from({ length: 60 }, () => randomUUID());
  const orderId = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  for (let n = 0; n < ids.length; n += 1) {
    await db.query(
      `insert into orders (id, source, booking_ref, revision, status, link, state, updated_at) values ($1, 'gds', $2, 1, 'booked', 'none', $3, now())`,
      [orderId(n), `R${n}`, JSON.stringify({ status: 'booked', booking: { booker: { emails: ['anna@customer.example'] } }, price: null })],
    );
  }
  await insertMessages(db, ids.map((id, n) => ({ id, orderId: orderId(n), trigger: 'order-confirmed', occurrence: 'e', role: 'customer', channel: 'email', dueAt: Date.now(), expiresAt: Date.now() + 3_600_000 })));
  await enqueueDue(db, queue, 100, new Date());

  const killed = startProcess();
  await until(async () => mail.mails().length >= 10);
  killed.kill('SIGKILL');
  await ended(killed);

  const after = startProcess();
  await until(async () => (await db.query(`select 1 from message where state = 'queued'`)).length <= 10);
  await until(async () => {
    await sweepMessages(db, queue, 0, new Date());
    await enqueueDue(db, queue, 100, new Date());
    return (await db.query(`select 1 from message where state in ('due', 'queued')`)).length === 0;
  });
  await until(async () => {
    await sweepMessages(db, queue, 0, new Date(Date.now() + lease + 1_000));
    await enqueueDue(db, queue, 100, new Date());
    return (await db.query(`select 1 from message where state not in ('sent', 'unknown')`)).length === 0;
  });
  after.kill('SIGTERM');
  expect(await ended(after)).toBe(0);

  const count = (id: string): number => mail.mails().filter((one) => one.headers['message-id']?.includes(id)).length;
  const rows = await db.query<{ id: string; state: string }>('select id, state from message');
  expect(rows.filter((row) => row.state === 'sent' && count(row.id) !== 1)).toEqual([]);
  expect(rows.filter((row) => count(row.id) > 1)).toEqual([]);
  expect(rows.filter((row) => row.state === 'unknown').length).toBeLessThanOrEqual(5); // what one process has in hand
}, 120_000);
