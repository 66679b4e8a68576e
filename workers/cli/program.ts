import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { registerArchive } from './archive.js';
import { registerBench } from './bench.js';
import { registerCustomers } from './customers.js';
import { registerDeadLetter } from './dead-letter.js';
import { registerDemo } from './demo.js';
import { registerFees } from './fees.js';
import { registerGenerate } from './generate.js';
import { registerMatch } from './match.js';
import { registerMessages } from './messages.js';
import { registerMigrate } from './migrate.js';
import { registerOrders } from './orders.js';
import { registerOrgUnits } from './org-units.js';
import { registerPublish } from './publish.js';
import { registerReconcile } from './reconcile.js';
import { registerRestored } from './restored.js';
import { registerSources } from './sources.js';
import { registerServices } from './services.js';
import { registerStatus } from './status.js';
import { registerTopics } from './topics.js';
import { registerWorker } from './worker.js';

/** Exit code of a command that was wrongly called or configured. The others: 0 done, 1 could not be done or found something wrong. */
export const misused = 2;

/** All commands. Parsing runs one of them. */
export function createProgram(): Command {
  const program = new Command('midline')
    .description('Integration back end of travel companies: booking events in; matched, charged, stored and answered orders out.')
    .version(versionOf())
    .enablePositionalOptions() // a command and its subcommands may have an option of the same name
    .exitOverride((error) => { process.exit(error.exitCode === 0 ? 0 : misused); })
    .showHelpAfterError('(add --help for what is possible)')
    .configureHelp({ showGlobalOptions: true });
  const commands = [
    registerServices,
    registerMigrate,
    registerRestored,
    registerTopics,
    registerSources,
    registerPublish,
    registerWorker,
    registerOrders,
    registerCustomers,
    registerMatch,
    registerOrgUnits,
    registerFees,
    registerMessages,
    registerDeadLetter,
    registerStatus,
    registerReconcile,
    registerArchive,
    registerGenerate,
    registerDemo,
    registerBench,
  ];
  for (const register of commands) {
    register(program);
  }
  return program;
}

function versionOf(): string {
  const file = new URL('../../../package.json', import.meta.url);
  const description: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof description === 'object' && description !== null && 'version' in description ? String(description.version) : 'unknown';
}
