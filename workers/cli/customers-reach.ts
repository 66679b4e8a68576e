import type { Command } from 'commander';
import { blockMailing, noteDeliverability, unblockMailing } from '../actions/reach.js';
import { countryOf, dayOf } from './arguments.js';
import { actor, withDatabase } from './connect.js';
import { namedCustomer } from './named-customer.js';
import { examples, printResult } from './output.js';

interface JsonOption {
  readonly json?: boolean;
}

/** `midline customers block-mail` and `unblock-mail` */
export function registerBlockMail(customers: Command): void {
  customers
    .command('block-mail')
    .description('no advertising to a customer for the time being; mail about its bookings goes on')
    .argument('<customer>', 'customer id, or an external id as source:id')
    .requiredOption('--reason <text>', 'why')
    .option('--until <day>', 'the last day of it; left out: for ever', dayOf)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers block-mail crm:K-4711 --until 2027-01-31 --reason "bereavement"', 'midline customers block-mail 17 --reason "asked for it on the phone"'))
    .action(async (customer: string, { until, reason, ...options }: JsonOption & { readonly until?: string; readonly reason: string }) => {
      const id = await withDatabase(async (database) => {
        const named = await namedCustomer(database, customer);
        await blockMailing(database, { customer: named, until: until ?? null, reason, actor: actor(), now: new Date() });
        return named;
      });
      printResult({ customer: id, until: until ?? null }, options, () => `No advertising to customer ${id} ${until === undefined ? 'any more' : `until ${until}`}.`);
    });
  customers
    .command('unblock-mail')
    .description('lift what was blocked by hand')
    .argument('<customer>', 'customer id, or an external id as source:id')
    .option('--reason <text>', 'why; customers show tells it')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers unblock-mail crm:K-4711 --reason "wants the newsletter again"'))
    .action(async (customer: string, { reason, ...options }: JsonOption & { readonly reason?: string }) => {
      const id = await withDatabase(async (database) => {
        const named = await namedCustomer(database, customer);
        await unblockMailing(database, { customer: named, reason: reason ?? null, actor: actor(), now: new Date() });
        return named;
      });
      printResult({ customer: id }, options, () => `Customer ${id} may be advertised to again, as far as its consents go.`);
    });
}

/** `midline customers undeliverable` and `deliverable` */
export function registerDeliverability(customers: Command): void {
  for (const [name, description, why] of [
    ['undeliverable', 'note that a contact point reaches nobody, of every customer that has it', 'mail came back'], ['deliverable', 'take that back', 'mailbox is back'],
  ] as const) {
    const deliverable = name === 'deliverable';
    const command = customers
      .command(name)
      .description(description)
      .argument('<contact>', 'e-mail address, phone number, or postal address as customers show prints it')
      .option('--country <code>', 'what a national phone number is read with', countryOf)
      .option('--json', 'print one JSON document');
    if (deliverable) command.option('--reason <text>', 'why; customers show tells it');
    else command.requiredOption('--reason <text>', 'why');
    command
      .addHelpText('after', examples(`midline customers ${name} anna@example.com --reason "${why}"`, `midline customers ${name} "Hauptstr. 5, 10115 Berlin, DE" --reason "${why}"`))
      .action(async (contact: string, { reason, country, ...options }: JsonOption & { readonly reason?: string; readonly country?: string }) => {
        const count = await withDatabase((database) => noteDeliverability(database, { contact, country: country ?? null, deliverable, reason: reason ?? null, actor: actor(), now: new Date() }));
        printResult({ contact, customers: count }, options, () => `${contact} is noted as ${name}, for ${count} ${count === 1 ? 'customer' : 'customers'}.`);
      });
  }
}
