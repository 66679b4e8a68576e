import type { Command } from 'commander';
import { CustomerRefused, mergeCustomers, unmergeCustomer, type Merged } from '../actions/merge-customers.js';
import { findCustomerByName } from '../store/customers.js';
import type { Database } from '../store/database.js';
import { changeFacts } from './changing-facts.js';
import { actor } from './connect.js';
import { examples } from './output.js';

interface MergeOptions {
  readonly reason: string;
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
    .option('--dry-run', 'show what changes in the ledgers and change nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `
Nothing is lost: links stay with the customer that they found, both records stay as they are, and unmerge takes it back exactly.
${examples('midline customers merge 17 4 --reason "same passport" --dry-run', 'midline customers merge gds:A-17 crm:K-4711 --reason "asked on the phone" --json')}`)
    .action(async (customer: string, into: string, options: MergeOptions) => {
      await changeFacts(options, async (database, preview) => mergeCustomers(database, {
        customer: await idOf(database, customer), into: await idOf(database, into), reason: options.reason, actor: actor(), now: new Date(), preview,
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
        customer: await idOf(database, customer), reason: options.reason, actor: actor(), now: new Date(), preview,
      }), ({ customer: id, into }: Merged) => `Customer ${id} is itself again, and not customer ${into}.`);
    });
}

/** The very customer that is named, not the one it was merged into. */
async function idOf(database: Database, name: string): Promise<string> {
  const found = await findCustomerByName(database, name);
  const [id, ...others] = found;
  if (id === undefined) throw new CustomerRefused(`there is no customer ${name}: look with midline customers find`);
  if (others.length > 0) throw new CustomerRefused(`${name} names the customers ${found.join(' and ')}: say which by its id`);
  return id;
}
