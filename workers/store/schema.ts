import { setTimeout as pause } from 'node:timers/promises';
import knex from 'knex';
import pg from 'pg';
import type { Queryable } from './database.js';
import { workersBefore, type SeenWorker } from './workers.js';

export interface Migrated {
  /** What ran now, or would run. */
  readonly ran: readonly string[];
  /** The contract that is not run because workers live that know nothing of it, and so neither is what comes after it; null: nothing waits. */
  readonly held: { readonly migration: string; readonly workers: readonly SeenWorker[] } | null;
}

export interface MigrateOptions {
  /** Say what would run and change nothing. */
  readonly dryRun?: boolean | undefined;
  readonly onProgress?: (text: string) => void;
}

/** The session lock that lets one migrate at a time; it ends with its connection, however that ends. */
const migrateLock = 7_211_002;
/** How long a migration tries to get its locks before it is given up, in milliseconds. */
const patience = 300_000;
const pauseBetweenTries = 2_000;

/** Whether a migration takes away what workers of builds without it use. */
const isContract = (name: string): boolean => /^\d+-contract-/.test(name);

/**
 * Brings the database at `url` towards the newest schema, one migration after the other; concurrent callers wait for each other.
 * It stops before a contract while workers of builds that do not know it are alive. A lock that a migration needs is asked for again and again,
 * for a second each time, so that workers never queue up behind it for longer.
 * @throws Error where the database has migrations that this build does not know
 */
export async function migrate<Migration>(url: string, migrationSource: knex.Knex.MigrationSource<Migration>, options: MigrateOptions = {}): Promise<Migrated> {
  const { dryRun = false, onProgress = () => undefined } = options;
  const client = new pg.Client({ connectionString: url, application_name: 'midline migrate', connectionTimeoutMillis: 10_000, keepAlive: true });
  client.on('error', () => undefined); // the query that runs on it fails too
  const db: Queryable = { query: async (text, values = []) => (await client.query(text, [...values])).rows };
  const runner = knex({
    client: 'pg', connection: { connectionString: url, application_name: 'midline migrate' }, pool: { min: 0, max: 1 },
    log: { warn: () => undefined, error: () => undefined, debug: () => undefined, deprecate: () => undefined }, // the error is thrown too
  });
  const ran: string[] = [];
  try {
    await client.connect();
    await takeMigrateLock(db);
    for (const name of await pendingMigrations(db, migrationSource)) {
      const workers = isContract(name) ? await workersBefore(db, name) : [];
      if (workers.length > 0) return { ran, held: { migration: name, workers } };
      if (!dryRun) await whenLocksAreFree(db, name, onProgress, () => runNext(runner, migrationSource, name));
      ran.push(name);
    }
    return { ran, held: null };
  } finally {
    await runner.destroy();
    await client.end();
  }
}

/** Asked for again and again: a statement that waits for it would be one that an index built concurrently waits for, and so neither would end. */
async function takeMigrateLock(db: Queryable): Promise<void> {
  while ((await db.query<{ readonly taken: boolean }>('select pg_try_advisory_lock($1) as taken', [migrateLock]))[0]?.taken !== true) await pause(200);
}

async function pendingMigrations<Migration>(db: Queryable, migrationSource: knex.Knex.MigrationSource<Migration>): Promise<readonly string[]> {
  const known = (await migrationSource.getMigrations([])).map((migration) => migrationSource.getMigrationName(migration));
  const done = await completedMigrations(db);
  const unknown = done.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`the database has migrations that this build does not know (${unknown.join(', ')}): run a newer midline`);
  return known.filter((name) => !done.includes(name));
}

/** Under our lock nobody else migrates: a lock of knex that stands all the same was left by a process that was killed. */
async function runNext<Migration>(runner: knex.Knex, migrationSource: knex.Knex.MigrationSource<Migration>, name: string): Promise<void> {
  await runner.migrate.forceFreeMigrationsLock({ migrationSource });
  await runner.migrate.up({ migrationSource, name });
}

async function whenLocksAreFree(db: Queryable, name: string, onProgress: (text: string) => void, run: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    onProgress(name);
    try {
      return await run();
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      const hindrance = await oldestTransaction(db);
      if (Date.now() > deadline) throw new Error(`${name} did not get its locks within ${patience / 60_000} minutes; ${hindrance}. End that and run midline migrate again`, { cause: error });
      onProgress(`${name} waits for a lock; ${hindrance}`);
      await pause(pauseBetweenTries * (0.5 + Math.random()));
    }
  }
}

const isLockTimeout = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '55P03';

async function oldestTransaction(db: Queryable): Promise<string> {
  const [row] = await db.query<{ readonly pid: number; readonly name: string | null; readonly seconds: number }>(
    `select pid, application_name as name, extract(epoch from now() - xact_start)::int as seconds from pg_stat_activity
     where datname = current_database() and xact_start is not null and pid <> pg_backend_pid() order by xact_start limit 1`,
  );
  return row === undefined ? 'no long transaction is to be seen' : `the oldest transaction is that of ${row.name ?? '(hidden)'}, pid ${row.pid}, since ${row.seconds} s`;
}

/** Names of the migrations that ran, in no order. */
async function completedMigrations(db: Queryable): Promise<readonly string[]> {
  const [table] = await db.query<{ readonly exists: boolean }>(`select to_regclass('knex_migrations') is not null as exists`);
  if (table?.exists !== true) return [];
  return (await db.query<{ readonly name: string }>('select name from knex_migrations')).map(({ name }) => name);
}

/**
 * A build must not work with a database that lacks what it needs, or that has contracted what it uses: whether it may.
 * Contracts that have not run yet and expansions that it does not know do no harm.
 * @param known the build's migrations
 * @throws Error that says what to do
 */
export async function assertSchema(db: Queryable, known: readonly string[]): Promise<void> {
  const done = await completedMigrations(db);
  const lacking = known.filter((name) => !isContract(name) && !done.includes(name));
  if (lacking.length > 0) throw new Error(`the database lacks ${lacking.join(', ')}: run midline migrate`);
  const beyond = done.filter((name) => isContract(name) && !known.includes(name));
  if (beyond.length > 0) throw new Error(`the database no longer has what this build uses (${beyond.join(', ')} ran): start a newer midline`);
}
