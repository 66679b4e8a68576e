import type { Command } from 'commander';
import { reconcile } from '../actions/reconcile.js';
import { withDatabase } from './connect.js';
import { wireOf } from './orders.js';
import { examples, formatTable, printResult } from './output.js';
import { counting } from './progress.js';

/** `midline reconcile` */
export function registerReconcile(program: Command): void {
  program
    .command('reconcile')
    .description('prove that nothing was lost or doubled: counts, folds, ledgers, links, messages. Exit code 1: a check failed')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline reconcile', 'midline reconcile --json'))
    .action(async (options: { readonly json?: boolean }) => {
      const result = await withDatabase((database) => counting('orders checked', (onProgress) => reconcile(database, wireOf(), onProgress)));
      printResult(result, options, ({ ok, checks }) => `${formatTable(['', 'check', 'detail'], checks.map((check) => [check.ok ? 'ok' : 'FAILED', check.name, check.detail]))}\n\n${ok ? 'Everything adds up.' : 'Not everything adds up.'}`);
      if (!result.ok) process.exitCode = 1;
    });
}
