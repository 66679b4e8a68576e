import type { Command } from 'commander';
import { mergeCustomers, unmergeCustomer, type Merged } from '../actions/merge-customers.js';
import { changeFacts } from './changing-facts.js';
import { actor } from './connect.js';
import { namedCustomer } from './named-customer.js';
import { examples } from './output.js';

interface MergeOptions {
  readonly reason: string;
  readonly replace?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function registerMerge(customers: Command): void {
  customers
    .command('merge')
    .description('say that two customers are one: the second survives, and the orders of the first are its orders, with its fees')
    .argument('<customer>', 'customer id, or an external id as source:id')
    .argument('<into>', 'the customer that it is')
    .requiredOption('--reason <text>', 'why; noted in the ledger and in the audit log')
    .option('--replace', 'though somebody said that they are two: decide that anew')
    .option('--dry-run', 'show what changes in the ledgers and change nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `
Nothing is lost: links stay with the customer that they found, both records stay as they are, and unmerge takes it back exactly.
${examples('midline customers merge 17 4 --reason "same passport" --dry-run', 'midline customers merge gds:A-17 crm:K-4711 --reason "asked on the phone" --json')}`)
    .action(async (customer: string, into: string, options: MergeOptions) => {
      await changeFacts(options, async (database, preview) => mergeCustomers(database, {
        customer: await namedCustomer(database, customer), into: await namedCustomer(database, into), replace: options.replace === true, reason: options.reason, actor: actor(), now: new Date(), preview,
      }), ({ customer: id, root }) => `Customer ${id} is customer ${root} now.`);
    });
}

export function registerUnmerge(customers: Command): void {
  customers
    .command('unmerge')
    .description('take a merge back: the customer is itself again, with whoever was merged into it')
    .argument('<customer>', 'the customer that was merged into another one: id, or an external id as source:id')
    .requiredOption('--reason <text>', 'why; noted in the ledger and in the audit log')
    .option('--dry-run', 'show what changes in the ledgers and change nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers unmerge 17 --reason "father and son"'))
    .action(async (customer: string, options: MergeOptions) => {
      await changeFacts(options, async (database, preview) => unmergeCustomer(database, {
        customer: await namedCustomer(database, customer), reason: options.reason, actor: actor(), now: new Date(), preview,
      }), ({ customer: id, into }: Merged) => `Customer ${id} is itself again, and not customer ${into}.`);
    });
}
