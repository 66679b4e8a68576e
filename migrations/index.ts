import { readdir, readFile } from 'node:fs/promises';
import type { Knex } from 'knex';

interface Migration { readonly name: string; readonly sql: string }

/** How long a statement of a migration waits for a lock: everybody who comes after it for the same table waits behind it meanwhile. */
const lockTimeout = '1s';

/** What cannot run in a transaction (`create index concurrently`): one statement after the other, each of which may be repeated after a cut. */
const runsAlone = (name: string): boolean => /^\d+-concurrently-/.test(name);

/**
 * The numbered SQL files of a folder as knex wants them: name is the file's, each runs in a transaction of its own; there is no way down.
 * `NNNN-concurrently-….sql` runs without a transaction. `NNNN-contract-….sql` takes away what workers of older builds use: it waits until none is alive.
 */
export const migrationsIn = (folder: URL): Knex.MigrationSource<Migration> => ({
  async getMigrations() {
    const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
    return Promise.all(files.map(async (name) => ({ name, sql: await readFile(new URL(name, folder), 'utf8') })));
  },
  getMigrationName: (migration) => migration.name,
  getMigration: ({ name, sql }) => Promise.resolve({
    config: { transaction: !runsAlone(name) },
    up: (knex: Knex) => (runsAlone(name) ? eachStatement(knex, sql) : knex.raw(`set local lock_timeout = '${lockTimeout}'; ${sql}`)),
    down: () => Promise.reject(new Error('migrations only go forward')),
  }),
});

/** The migrations of this build. */
export const migrationSource = migrationsIn(new URL('./', import.meta.url));

/** Their names, in their order. */
export const migrationNames = async (): Promise<readonly string[]> => (await migrationSource.getMigrations([])).map(({ name }) => name);

async function eachStatement(knex: Knex, sql: string): Promise<void> {
  for (const statement of sql.split(/;\s*$/m)) if (statement.trim() !== '') await knex.raw(statement);
}
