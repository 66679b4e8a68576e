#!/usr/bin/env -S node --max-semi-space-size=64
import { CommanderError } from 'commander';
import { localEnvironment } from '../../services/local.js';
import { ConfigError } from '../runtime/config.js';
import { faultText } from './fault-text.js';
import { createProgram, misused } from './program.js';

/** Servers that `midline services up` started are found without exports; what is set already stands. */
for (const [name, value] of Object.entries(localEnvironment())) process.env[name] ??= value;

/** Whoever reads the output may have seen enough (`| head`). */
process.stdout.on('error', (error: NodeJS.ErrnoException) => { process.exit(error.code === 'EPIPE' ? 0 : 1); });

try {
  await createProgram().parseAsync();
} catch (error) {
  process.stderr.write(`error: ${faultText(error, process.env)}\n`);
  if (process.env['MIDLINE_DEBUG'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.exitCode = error instanceof ConfigError || error instanceof CommanderError ? misused : 1;
}
