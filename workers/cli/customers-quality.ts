import { InvalidArgumentError, type Command, Option } from 'commander';
import { undeliverableContacts, type UndeliverableContact } from '../store/contacts.js';
import { fieldQuality, lackingCustomers, type FieldQuality, type LackingCustomer } from '../store/data-quality.js';
import { wholeNumber } from './arguments.js';
import { withDatabase } from './connect.js';
import { examples, formatTable, printResult } from './output.js';
import { advancing } from './progress.js';

interface QualityOptions {
  readonly kind?: 'person' | 'company';
  readonly olderThan: number;
  readonly limit: number;
  readonly json?: boolean;
}

interface Quality {
  readonly fields: readonly FieldQuality[];
  readonly lacking: readonly LackingCustomer[];
  readonly undeliverable: { readonly count: number; readonly contacts: readonly UndeliverableContact[] };
}

/** `midline customers quality` */
export function registerQuality(customers: Command): void {
  customers
    .command('quality')
    .description('how complete and how old the master data is, field by field; who lacks most; which contact points reach nobody')
    .addOption(new Option('--kind <kind>', 'only these').choices(['person', 'company']))
    .option('--older-than <months>', 'what was not said anew for so long is stale, e.g. 24m', monthsOf, 24)
    .option('--limit <number>', 'at most so many customers and contact points', wholeNumber, 20)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers quality', 'midline customers quality --kind company --older-than 12m --json'))
    .action(async ({ kind, olderThan, limit, ...options }: QualityOptions) => {
      const [today, days] = [new Date().toISOString().slice(0, 10), Math.round(olderThan * 30.44)];
      const quality = await advancing('looks at all customers', (onProgress) => withDatabase(async (database): Promise<Quality> => ({
        undeliverable: await undeliverableContacts(database, limit),
        // One look more than there are fields: at whom they are missing of.
        fields: await fieldQuality(database, kind ?? null, today, days, (done, all) => { onProgress(done, all + 1); }),
        lacking: await lackingCustomers(database, kind ?? null, today, days, limit),
      })));
      printResult(quality, options, qualityText);
    });
}

function monthsOf(text: string): number {
  const [, months] = /^(\d{1,4})m?$/.exec(text) ?? [];
  if (months === undefined) throw new InvalidArgumentError('must be a number of months such as 24m');
  return Number(months);
}

const percent = (part: number, whole: number): string => (whole === 0 ? '' : `${((part / whole) * 100).toFixed(1)} %`);

const qualityText = ({ fields, lacking, undeliverable: { count, contacts } }: Quality): string => [
  formatTable(['', 'field', 'customers', 'filled', '', 'median age', 'oldest', 'stale'], fields.map((field) => [
    field.kind, field.field, field.customers, field.filled, percent(field.filled, field.customers), field.medianAge === null ? '' : `${field.medianAge} d`, field.oldestAge === null ? '' : `${field.oldestAge} d`, field.stale,
  ])),
  '', 'Lack most', formatTable(['customer', 'name', 'missing', 'stale'], lacking.map(({ id, name, missing, stale }) => [id, name, missing.join(', '), stale.join(', ')]), 'Nobody lacks anything.'),
  '', `Reach nobody (${count})`, formatTable(['customer', 'kind', 'contact', 'since', 'why'], contacts.map(({ customerId, kind, value, at, reason }) => [customerId, kind, value, at.toISOString().slice(0, 10), reason]), 'No contact point.'),
].join('\n');
