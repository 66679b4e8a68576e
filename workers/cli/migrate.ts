import type { Command } from 'commander';
import { migrationSource } from '../../migrations/index.js';
import { migrate } from '../store/database.js';
import { configOf } from './connect.js';
import { examples, printResult } from './output.js';

export function registerMigrate(program: Command): void {
  program
    .command('migrate')
    .description('bring the database to the newest schema; doing it again does nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline migrate', 'DATABASE_URL=postgres://midline@db.example/midline midline migrate --json'))
    .action(async (options: { readonly json?: boolean }) => {
      const ran = await migrate(configOf('DATABASE_URL').DATABASE_URL, migrationSource);
      printResult({ ran }, options, () => (ran.length === 0 ? 'The database is up to date.' : `Ran ${ran.length} migrations: ${ran.join(', ')}`));
    });
}
