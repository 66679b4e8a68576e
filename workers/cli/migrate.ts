import type { Command } from 'commander';
import { migrationSource } from '../../migrations/index.js';
import { migrate, type Migrated } from '../store/schema.js';
import { configOf } from './connect.js';
import { examples, printResult } from './output.js';

interface MigrateOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `midline migrate` */
export function registerMigrate(program: Command): void {
  program
    .command('migrate')
    .description('bring the database towards the newest schema beside running workers; a step that takes away what older workers use waits until none is alive. Doing it again does nothing')
    .option('--dry-run', 'say what would run and change nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline migrate', 'midline migrate --dry-run', 'DATABASE_URL=postgres://midline@db.example/midline midline migrate --json'))
    .action(async (options: MigrateOptions) => {
      const onProgress = (text: string): void => { process.stderr.write(`${text}\n`); };
      const migrated = await migrate(configOf('DATABASE_URL').DATABASE_URL, migrationSource, { dryRun: options.dryRun, onProgress });
      printResult(migrated, options, (result) => migratedText(result, options.dryRun === true));
    });
}

function migratedText({ ran, held }: Migrated, dryRun: boolean): string {
  const done = ran.length === 0 ? [] : [`${dryRun ? 'Would run' : 'Ran'} ${ran.length} migrations: ${ran.join(', ')}.`];
  if (held === null) return done.length === 0 ? 'The database is up to date.' : done.join('\n');
  const workers = held.workers.map(({ kind, details, seenAt }) => `${kind}${typeof details['pid'] === 'number' ? ` (pid ${details['pid']})` : ''}, last seen ${seenAt.toISOString()}`);
  return [...done, `${held.migration} waits: workers of an older build are alive: ${workers.join('; ')}. Stop them (a killed one is forgotten after 30 s), then run midline migrate again.`].join('\n');
}
