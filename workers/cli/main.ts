#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { localEnvironment } from '../../services/local.js';
import { ConfigError } from '../runtime/config.js';
import { registerCustomers } from './customers.js';
import { registerFees } from './fees.js';
import { registerMigrate } from './migrate.js';
import { registerOrders } from './orders.js';
import { registerOrgUnits } from './org-units.js';
import { registerPublish } from './publish.js';
import { registerReconcile } from './reconcile.js';
import { registerSources } from './sources.js';
import { registerServices } from './services.js';
import { registerStatus } from './status.js';
import { registerTopics } from './topics.js';
import { registerWorker } from './worker.js';

/** Exit codes of every command: 0 done, 1 could not be done or found something wrong, 2 wrongly called or configured. */
const misused = 2;

function createProgram(): Command {
  const program = new Command('midline')
    .description('Integration back end of travel companies: booking events in; matched, charged, stored and answered orders out.')
    .version(versionOf())
    .showHelpAfterError('(add --help for what is possible)')
    .configureHelp({ showGlobalOptions: true });
  for (const register of [registerServices, registerMigrate, registerTopics, registerSources, registerPublish, registerWorker, registerOrders, registerCustomers, registerOrgUnits, registerFees, registerStatus, registerReconcile]) {
    register(program);
  }
  return program;
}

function versionOf(): string {
  const file = new URL('../../../package.json', import.meta.url);
  const description: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof description === 'object' && description !== null && 'version' in description ? String(description.version) : 'unknown';
}

/** Servers that `midline services up` started are found without exports; what is set already stands. */
for (const [name, value] of Object.entries(localEnvironment())) process.env[name] ??= value;

try {
  await createProgram().exitOverride((error) => { process.exit(error.exitCode === 0 ? 0 : misused); }).parseAsync();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  if (process.env['MIDLINE_DEBUG'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.exitCode = error instanceof ConfigError ? misused : 1;
}
