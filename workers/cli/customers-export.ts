import { extname } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { exportCustomers, type CustomerExport, type CustomerFormat, type Omitted } from '../actions/export-customers.js';
import { actor, withDatabase } from './connect.js';
import { examples, printResult } from './output.js';
import { readingFile } from './progress.js';
import { toWholeFile } from './whole-file.js';

interface ExportOptions {
  readonly kind?: 'person' | 'company';
  readonly source?: string;
  readonly json?: boolean;
}

const mostShown = 50;
/** It holds personal data. */
const onlyMine = 0o600;

/** `midline customers export` */
export function registerExport(customers: Command): void {
  customers
    .command('export')
    .description('write all active customers to a file as customers import reads it')
    .argument('<file>', '.csv or .ndjson; - writes NDJSON to standard output', formatted)
    .addOption(new Option('--kind <kind>', 'only these').choices(['person', 'company']))
    .option('--source <id>', 'only those who are known by an id of this system')
    .option('--json', 'print what was written as one JSON document')
    .addHelpText('after', examples('midline customers export customers.csv', 'midline customers export companies.ndjson --kind company', 'midline customers export - --source crm > crm.ndjson'))
    .action(async ({ file, format }: Target, options: ExportOptions) => {
      const omitted: Omitted[] = [];
      const run = (write: (text: string) => Promise<void>): Promise<CustomerExport> => readingFile((onProgress) => withDatabase((database) => exportCustomers(database, {
        format, file, write, onProgress, kind: options.kind ?? null, source: options.source ?? null, actor: actor(), now: new Date(),
        onOmitted: (one) => { if (omitted.length < mostShown) omitted.push(one); },
      })), () => '');
      const result = { ...(file === '-' ? await run(toStandardOutput) : await toWholeFile(file, onlyMine, run)), notInFile: omitted };
      if (file === '-') process.stderr.write(`${options.json === true ? JSON.stringify(result, null, 2) : exportText(result)}\n`);
      else printResult(result, options, exportText);
    });
}

interface Target {
  readonly file: string;
  readonly format: CustomerFormat;
}

function formatted(file: string): Target {
  const extension = extname(file).toLowerCase();
  if (file === '-' || extension === '.ndjson') return { file, format: 'ndjson' };
  if (extension === '.csv') return { file, format: 'csv' };
  throw new InvalidArgumentError('It must end in .csv or .ndjson, or be -.');
}

const toStandardOutput = (text: string): Promise<void> => new Promise((resolve, reject) => { process.stdout.write(text, (error) => { if (error == null) resolve(); else reject(error); }); });

const exportText = ({ customers, rows, withoutId, omitted, notInFile }: CustomerExport & { readonly notInFile: readonly Omitted[] }): string => [
  ...notInFile.map(({ customerId, field }) => `customer ${customerId}: ${field} cannot be said in the file`),
  ...(omitted > notInFile.length ? [`… ${omitted - notInFile.length} more`] : []),
  `${customers} customers in ${rows} rows.${withoutId > 0 ? ` ${withoutId} customers that bookings made have no id of their own and are not in the file.` : ''}`,
].join('\n');
