import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { migrationNames, migrationsIn, migrationSource } from '../../migrations/index.js';
import type { CreatedDatabase } from '../../services/database.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { ledgerOf } from '../../workers/store/ledger.js';
import { assertSchema, migrate } from '../../workers/store/schema.js';
import { signOfLife, signOff } from '../../workers/store/workers.js';
import { copyOf, freshDatabase, migratedDatabase } from '../servers.js';
import { until } from '../until.js';

let template: CreatedDatabase;
let made: CreatedDatabase;
let db: Database;
const folders: string[] = [];

beforeAll(async () => { template = await migratedDatabase(); });
beforeEach(async () => {
  made = await copyOf(template);
  db = createDatabase(made.url, { max: 4 });
});
afterEach(async () => {
  await db.close();
  await made.drop();
});
afterAll(async () => {
  await template.drop();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

/** The migrations of this build, and these after them. */
async function followedBy(files: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  folders.push(folder);
  await cp(fileURLToPath(new URL('../../migrations/', import.meta.url)), folder, { recursive: true });
  for (const [name, sql] of Object.entries(files)) await writeFile(join(folder, name), sql);
  return migrationsIn(pathToFileURL(`${folder}/`));
}

const columnsOf = async (table: string): Promise<readonly string[]> =>
  (await db.query<{ name: string }>('select column_name as name from information_schema.columns where table_name = $1', [table])).map(({ name }) => name);

// Seen to fail (the tables exist already) without the session lock, and to hang where the second waits within a statement: the first builds an index concurrently, which waits for every statement.
test('two who migrate at once wait for each other: one runs everything, the other nothing', async () => {
  const empty = await freshDatabase();
  const results = await Promise.all([migrate(empty.url, migrationSource), migrate(empty.url, migrationSource)]);
  expect(results.map(({ ran }) => ran.length).toSorted((a, b) => a - b)).toEqual([0, (await migrationNames()).length]);
  await empty.drop();
});

// Seen to fail (knex: already locked) without freeing the lock.
test('the lock that a killed migration left stops nobody', async () => {
  await db.query('update knex_migrations_lock set is_locked = 1');
  expect(await migrate(made.url, await followedBy({ '9001-more.sql': 'create table more ()' }))).toEqual({ ran: ['9001-more.sql'], held: null });
});

// Seen to fail without lock_timeout: the read waits behind the migration for as long as the transaction lasts.
test('a migration that has to wait for a table does not hold up who reads it, and runs once the table is free', async () => {
  const source = await followedBy({ '9001-more.sql': 'alter table orders add column more text' });
  const told: string[] = [];
  let migrated: ReturnType<typeof migrate> | undefined;
  await db.transaction(async (tx) => {
    await tx.query('select count(*) from orders');
    migrated = migrate(made.url, source, { onProgress: (text) => { told.push(text); } });
    await until(async () => (await db.query(`select 1 from pg_locks where not granted and relation = 'orders'::regclass`)).length > 0);
    await db.query('select count(*) from orders');
    await until(async () => told.some((text) => text.startsWith('9001-more.sql waits for a lock; the oldest transaction is that of midline, pid ')));
    expect(await columnsOf('orders')).not.toContain('more');
  });
  expect(await migrated).toEqual({ ran: ['9001-more.sql'], held: null });
  expect(await columnsOf('orders')).toContain('more');
});

// Seen to fail (25001) when it runs in a transaction as the others do, and (the index exists) when what a cut left is not dropped first.
test('an index is built beside transactions, also after a cut that left an invalid one', async () => {
  const source = await followedBy({
    '9001-concurrently-index.sql': '-- For reports.\ndrop index concurrently if exists orders_currency;\ncreate index concurrently orders_currency on orders (currency);\n',
  });
  await db.query('create index orders_currency on orders (currency)');
  await db.query(`update pg_index set indisvalid = false where indexrelid = 'orders_currency'::regclass`);
  expect((await migrate(made.url, source)).ran).toEqual(['9001-concurrently-index.sql']);
  expect(await db.query(`select indisvalid from pg_index where indexrelid = 'orders_currency'::regclass`)).toEqual([{ indisvalid: true }]);
});

test('what fails leaves nothing behind, and is named', async () => {
  const source = await followedBy({ '9001-broken.sql': 'create table half (); select no_such_function()' });
  await expect(migrate(made.url, source)).rejects.toThrow('no_such_function');
  expect(await db.query(`select to_regclass('half') as half`)).toEqual([{ half: null }]);
});

// Seen to fail (everything runs at once) when nobody asks who is alive.
test('a contract, and what comes after it, waits while a worker lives that does not know it', async () => {
  const source = await followedBy({ '9001-more.sql': 'create table more ()', '9002-contract-less.sql': 'drop table more', '9003-again.sql': 'create table again ()' });
  const worker = (schema: string | undefined) => ({ id: randomUUID(), kind: 'ingest', startedAt: new Date(), details: { pid: 1, schema } });
  const [nameless, old, fresh] = [worker(undefined), worker('9001-more.sql'), worker('9003-again.sql')];
  for (const one of [nameless, old, fresh]) await signOfLife(db, one, new Date());

  expect(await migrate(made.url, source, { dryRun: true })).toMatchObject({ ran: ['9001-more.sql'], held: { migration: '9002-contract-less.sql', workers: [{ id: nameless.id }, { id: old.id }] } });
  expect(await db.query(`select to_regclass('more') as more`)).toEqual([{ more: null }]);
  expect(await migrate(made.url, source)).toMatchObject({ ran: ['9001-more.sql'], held: { migration: '9002-contract-less.sql' } });
  await signOff(db, nameless.id);
  expect(await migrate(made.url, source)).toMatchObject({ ran: [], held: { workers: [{ id: old.id }] } });
  await signOfLife(db, old, new Date(Date.now() - 31_000));
  expect(await migrate(made.url, source)).toEqual({ ran: ['9002-contract-less.sql', '9003-again.sql'], held: null });
});

test('a build works only with a schema that has what it needs and has kept what it uses', async () => {
  const known = await migrationNames();
  await assertSchema(db, known);
  await assertSchema(db, [...known, '9001-contract-later.sql']);
  await expect(assertSchema(db, [...known, '9001-more.sql'])).rejects.toThrow('the database lacks 9001-more.sql: run midline migrate');

  await migrate(made.url, await followedBy({ '9001-more.sql': 'create table more ()' }));
  await assertSchema(db, known);
  await migrate(made.url, await followedBy({ '9001-more.sql': 'create table more ()', '9002-contract-less.sql': 'drop table more' }));
  await expect(assertSchema(db, known)).rejects.toThrow('the database no longer has what this build uses (9002-contract-less.sql ran): start a newer midline');
  await expect(migrate(made.url, migrationSource)).rejects.toThrow('the database has migrations that this build does not know (9001-more.sql, 9002-contract-less.sql): run a newer midline');
});

// Seen to fail (cached plan must not change result type) when the ledger's columns are read with a star.
test('a prepared statement of a running worker outlives a column more', async () => {
  const ledger = createDatabase(made.url, { max: 1 });
  await ledgerOf(ledger, [randomUUID()]);
  await db.query('alter table fee_entry add column more text');
  await ledgerOf(ledger, [randomUUID()]);
  await ledger.close();
});
