import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startMailCatcher } from '../../../services/mail-catcher.js';
import { createMailTransport } from '../../../workers/outreach/mail-transport.js';
import { createDatabase, type Database } from '../../../workers/store/database.js';
import { freshDatabase } from '../../servers.js';
import { until } from '../../until.js';
import { createPostgresTap, type SqlFailure } from './postgres-tap.js';
import { type Proxy, startProxy } from './proxy.js';
import { createSmtpTap } from './smtp-tap.js';
import { strikeAt, type Step, type StepStrike } from './step.js';

// What finds faults must be known to make them: each test would fail with a tool that lets everything through.

describe('a proxy before Postgres', () => {
  let proxy: Proxy;
  let db: Database;
  let directly: Database;
  let failure: SqlFailure | null;
  let drop: () => Promise<void>;

  beforeEach(async () => {
    failure = null;
    const database = await freshDatabase();
    drop = database.drop;
    directly = createDatabase(database.url, { max: 1 });
    const url = new URL(database.url);
    proxy = await startProxy(Number(url.port), () => createPostgresTap(() => failure));
    db = createDatabase(Object.assign(url, { port: String(proxy.port) }).href, { max: 1 });
    await db.query('create table note (text text)');
  });
  afterEach(async () => {
    await Promise.all([db.close(), directly.close()]);
    await proxy.close();
    await drop();
  });

  const insert = (text: string) => db.query('insert into note values ($1)', [text]);
  const notes = async () => (await db.query<{ text: string }>('select text from note order by text')).map(({ text }) => text);

  test('lets a statement fail with the SQLSTATE that is wanted, and its transaction with it; the connection lives on', async () => {
    await insert('before');
    const [session] = await db.query('select pg_backend_pid() as pid');
    await expect(db.transaction(async (tx) => {
      await tx.query('insert into note values ($1)', ['lost']);
      failure = { sqlState: '53100', strikes: () => true };
      await tx.query('insert into note values ($1)', ['struck']).finally(() => { failure = null; });
    })).rejects.toMatchObject({ code: '53100', severity: 'ERROR' });
    await insert('after');
    expect(await notes()).toEqual(['after', 'before']);
    expect(await db.query('select pg_backend_pid() as pid')).toEqual([session]);
  });

  test('lets a commit fail, and nothing of it stands', async () => {
    await expect(db.transaction(async (tx) => {
      await tx.query('insert into note values ($1)', ['lost']);
      let statements = 0;
      failure = { sqlState: '40P01', strikes: () => ++statements === 1 };
    })).rejects.toMatchObject({ code: '40P01' });
    expect(await notes()).toEqual([]);
  });

  test('cuts a statement in the middle; the next one gets through', async () => {
    const running = expect(db.query('select pg_sleep(30)')).rejects.toThrow(/Connection terminated|ECONNRESET/);
    await until(async () => (await directly.query(`select 1 from pg_stat_activity where query = 'select pg_sleep(30)' and state = 'active'`)).length > 0);
    proxy.cut();
    await running;
    expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('holds answers back without changing their order', async () => {
    await db.query('select 1');
    proxy.slowDown(200);
    const began = performance.now();
    expect(await db.query('select n from generate_series(1, 2000) n')).toHaveLength(2_000);
    expect(performance.now() - began).toBeGreaterThan(200);
    proxy.slowDown(0);
    expect(await db.query<{ n: number }>('select n from generate_series(1, 3) n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  test('lets nobody through while the server is away', async () => {
    proxy.setAway(true);
    await expect(db.query('select 1')).rejects.toThrow();
    proxy.setAway(false);
    expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
  });
});

test('a proxy before a mail server takes a mail and vanishes: the sender does not know, and the mail is there', async () => {
  const catcher = await startMailCatcher();
  let vanishing = 1;
  const proxy = await startProxy(Number(new URL(catcher.url).port), () => createSmtpTap(() => vanishing-- > 0));
  const transport = createMailTransport({ url: `smtp://127.0.0.1:${proxy.port}`, from: 'desk@travel.example', connections: 1 });
  const mail = (messageId: string) => ({ messageId, to: { name: 'Anna', address: 'anna@customer.example' }, subject: 'Your order', html: '<p>hello</p>', text: 'hello' });
  expect(await transport.send(mail('one'))).toMatchObject({ kind: 'unknown' });
  expect(await transport.send(mail('two'))).toMatchObject({ kind: 'accepted' });
  expect(catcher.mails()).toHaveLength(2);
  transport.close();
  await proxy.close();
  await catcher.close();
});

describe('a process that is to fall at a step', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'midline-step-'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await writeFile(join(folder, 'work.js'), `
      import { writeSync } from 'node:fs';
      export const other = 'other';
      export async function save(n) { writeSync(1, 'save ' + n + ';'); }
      export const createTransport = () => ({ send: async (n) => { writeSync(1, 'send ' + n + ';'); }, close: () => undefined });`);
    await writeFile(join(folder, 'main.js'), `
      import { createTransport, other, save } from './work.js';
      const { send } = createTransport();
      for (let n = 1; n <= 4; n += 1) { await save(n); await send(n); }
      process.stdout.write(other);`);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const save: Step = { module: 'work.js', export: 'save', at: 'before' };
  const send: Step = { module: 'work.js', export: 'createTransport', method: 'send', at: 'before' };

  async function run(strike: StepStrike): Promise<readonly unknown[]> {
    const { args, env } = strikeAt(folder, strike);
    const child = spawn(process.execPath, [...args, join(folder, 'main.js')], { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    return [signal ?? code, output];
  }

  test.each<[string, Step, number, unknown, string]>([
    ['before a function', save, 2, 'SIGKILL', 'save 1;send 1;'],
    ['after a function', { ...save, at: 'after' }, 2, 'SIGKILL', 'save 1;send 1;save 2;'],
    ['before a method of what a factory makes', send, 3, 'SIGKILL', 'save 1;send 1;save 2;send 2;save 3;'],
    ['after a method of what a factory makes', { ...send, at: 'after' }, 1, 'SIGKILL', 'save 1;send 1;'],
    ['nowhere when the passage never comes', save, 9, 0, 'save 1;send 1;save 2;send 2;save 3;send 3;save 4;send 4;other'],
  ])('%s', async (_, step, passage, end, output) => {
    expect(await run({ ...step, passage, signal: 'SIGKILL' })).toEqual([end, output]);
  });
});
