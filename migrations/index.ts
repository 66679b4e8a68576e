import { readdir, readFile } from 'node:fs/promises';
import type { Knex } from 'knex';

const folder = new URL('./', import.meta.url);

interface Migration { readonly name: string; readonly sql: string }

/** The numbered SQL files of this folder as knex wants them: name is the file's, each runs in a transaction of its own; there is no way down. */
export const migrationSource: Knex.MigrationSource<Migration> = {
  async getMigrations() {
    const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
    return Promise.all(files.map(async (name) => ({ name, sql: await readFile(new URL(name, folder), 'utf8') })));
  },
  getMigrationName: (migration) => migration.name,
  getMigration: (migration) => Promise.resolve({
    up: (knex: Knex) => knex.raw(migration.sql),
    down: () => Promise.reject(new Error('migrations only go forward')),
  }),
};
