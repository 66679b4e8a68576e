import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { eraseCustomer, type Erased } from '../actions/erase-customer.js';
import { exportCustomerData } from '../actions/export-customer-data.js';
import { actor, encryptionOf, withDatabase } from './connect.js';
import { ratingTools } from './fees-tools.js';
import { namedCustomer } from './named-customer.js';
import { wireOf } from './orders.js';
import { examples, printResult } from './output.js';

interface EraseOptions {
  readonly reason: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function registerErase(customers: Command): void {
  customers
    .command('erase')
    .description('forget a customer, down to the bytes of events; orders, prices and fees stay, with nobody in them')
    .argument('<customer>', 'customer id, or an external id as source:id; everybody who is one with it goes, too')
    .requiredOption('--reason <text>', 'why, without naming anybody: the audit log keeps it')
    .option('--dry-run', 'say what would be erased and change nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `
It cannot be taken back. Hand out what is kept first, if that was asked for (customers export-data). Not reached: topics in Kafka, until their retention is over (of customer-events the
CRM has to publish a message without a value), copies of the database, and files that were exported.
${examples('midline customers erase crm:K-4711 --reason "request 17/2026" --dry-run', 'midline customers erase crm:K-4711 --reason "request 17/2026"')}`)
    .action(async (customer: string, { reason, dryRun, ...options }: EraseOptions) => {
      const erased = await withDatabase(async (database) => eraseCustomer(await ratingTools(database), { customer: await namedCustomer(database, customer), reason, actor: actor(), now: new Date(), dryRun: dryRun === true }));
      printResult({ ...erased, dryRun: dryRun === true }, options, erasedText(dryRun === true));
    });
}

export function registerExportData(customers: Command): void {
  customers
    .command('export-data')
    .description('everything that is kept about a customer, as one JSON document to hand out; of others in its bookings nothing')
    .argument('<customer>', 'customer id, or an external id as source:id')
    .requiredOption('--out <file>', 'where it goes; readable by you alone')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers export-data crm:K-4711 --out K-4711.json'))
    .action(async (customer: string, { out, ...options }: { readonly out: string; readonly json?: boolean }) => {
      const data = await withDatabase(async (database) => exportCustomerData({ database, wire: wireOf() }, encryptionOf(), { customer: await namedCustomer(database, customer), actor: actor(), now: new Date() }));
      await writeFile(out, `${JSON.stringify(data, null, 2)}\n`, { mode: 0o600 });
      const counts = { customers: data.customers.length, orders: data.orders.length, sensitive: data.sensitive.length, cases: data.cases.length, messages: data.messages.length, deadLetters: data.deadLetters.length, audit: data.audit.length };
      printResult({ out, ...counts }, options, () => `${out} holds ${Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ')}.`);
    });
}

const listed = (names: readonly string[]): string => (names.length === 0 ? '' : ` (${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''})`);

const erasedText = (dryRun: boolean) => ({ customers, orders, events, sensitive, messages, deadLetters, auditLines }: Erased): string =>
  `${dryRun ? 'Would erase' : 'Erased'} ${customers.length === 1 ? `customer ${customers[0] ?? ''}` : `the customers ${customers.join(', ')}, who are one`}: ${orders.length} orders go on without the person${listed(orders)}, ${events} events written anew; `
  + `${sensitive} special-category entries, ${messages} due messages, ${deadLetters.length} dead letters${listed(deadLetters)}, ${auditLines} lines of the audit log.`;
