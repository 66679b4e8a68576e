import { text as readAll } from 'node:stream/consumers';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { daysOf, instantOf } from '../../schemas/dates.js';
import { sensitiveKinds, type SensitiveKind } from '../../schemas/sensitive-file.js';
import { addSensitive, importSensitive, removeSensitive, resealSensitive, showSensitive, type SensitiveEntry, type Sealing } from '../actions/sensitive.js';
import { ConfigError } from '../runtime/config.js';
import { sourceOf } from './arguments.js';
import { actor, encryptionOf, withDatabase } from './connect.js';
import { namedCustomer } from './named-customer.js';
import { examples, formatTable, printResult } from './output.js';
import { problemsOption, problemText, reportProblems } from './problems.js';
import { counting, readingFile } from './progress.js';

interface JsonOption {
  readonly json?: boolean;
}

const someone = ['<customer>', 'customer id, or an external id as source:id'] as const;

/** `midline customers sensitive …` */
export function registerSensitive(customers: Command): void {
  const sensitive = customers.command('sensitive').description('allergies, diets, accessibility and medical needs: sealed, apart from everything else, only with explicit consent');
  sensitive
    .command('add')
    .description('note what a customer needs')
    .argument(...someone)
    .addOption(new Option('--kind <kind>', 'what it is').choices(sensitiveKinds).makeOptionMandatory())
    .requiredOption('--text <text>', 'what is needed; - reads it from standard input, so that no shell remembers it')
    .requiredOption('--consent <proof>', 'how it can be shown that the customer agreed explicitly')
    .option('--consent-at <moment>', 'when; left out: now', momentOf)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers sensitive add crm:K-4711 --kind allergy --text - --consent "signed form 17/2026" < allergy.txt', 'midline customers sensitive add 17 --kind diet --text vegan --consent "call of 10 May, recorded" --consent-at 2026-05-10'))
    .action(async (customer: string, { kind, text, consent, consentAt, ...options }: JsonOption & { readonly kind: SensitiveKind; readonly text: string; readonly consent: string; readonly consentAt?: Date }) => {
      const said = text === '-' ? await readAll(process.stdin) : text;
      const now = new Date();
      const result = await withDatabase(async (database) => {
        const id = await namedCustomer(database, customer);
        return { customer: id, ...(await addSensitive(database, sealing(), { customer: id, kind, text: said, consentProof: consent, consentAt: consentAt ?? now, source: 'cli', actor: actor(), now })) };
      });
      printResult(result, options, ({ customer: id, entry }) => `Noted of customer ${id} as entry ${entry}.`);
    });
  sensitive
    .command('show')
    .description('what is noted of a customer; that somebody looked is noted, too')
    .argument(...someone)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers sensitive show crm:K-4711'))
    .action(async (customer: string, options: JsonOption) => {
      printResult(await withDatabase(async (database) => showSensitive(database, sealing(), { customer: await namedCustomer(database, customer), actor: actor(), now: new Date() })), options, entriesText);
    });
  sensitive
    .command('remove')
    .description('delete an entry, as when the consent is withdrawn')
    .argument(...someone)
    .argument('<entry>', 'its number, as show names it')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers sensitive remove crm:K-4711 3'))
    .action(async (customer: string, entry: string, options: JsonOption) => {
      await withDatabase(async (database) => removeSensitive(database, { customer: await namedCustomer(database, customer), entry, actor: actor(), now: new Date() }));
      printResult({ removed: entry }, options, () => `Entry ${entry} is deleted.`);
    });
  registerSensitiveImport(sensitive);
  sensitive
    .command('reseal')
    .description('seal with the current key (the first of MIDLINE_ENCRYPTION_KEY) what older keys have sealed, so that they can be thrown away')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('MIDLINE_ENCRYPTION_KEY=$new,$old midline customers sensitive reseal'))
    .action(async (options: JsonOption) => {
      const entries = await counting('entries sealed anew', (onProgress) => withDatabase((database) => resealSensitive(database, sealing(), { actor: actor(), now: new Date(), onProgress })));
      printResult({ entries }, options, () => `${entries} entries are sealed anew.`);
    });
}

function registerSensitiveImport(sensitive: Command): void {
  sensitive
    .command('import')
    .description('note what the rows of a file say of known customers; problems are told by line, and never what somebody needs')
    .argument('<file>', '.csv or .ndjson: externalId, source, kind, text, consentAt, consentProof')
    .option('--source <id>', 'system whose external ids these are, for rows that name none', sourceOf, 'crm')
    .option(...problemsOption)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers sensitive import needs.csv --problems problems.csv'))
    .action(async (file: string, { source, problems, ...options }: JsonOption & { readonly source: string; readonly problems?: string }) => {
      const report = reportProblems(problems, [file]);
      const result = await readingFile((onProgress) => withDatabase((database) => importSensitive(database, sealing(), { file, source, actor: actor(), now: new Date(), onProblem: report.add, onProgress })), () => `, ${report.count()} problems`);
      printResult({ ...result, ...report.end() }, options, ({ rows, added, unchanged, refused, ...summary }) => [...problemText(summary), `${rows} rows: ${added} entries added, ${unchanged} known already; ${refused} rows with problems.`].join('\n'));
      if (report.count() > 0) process.exitCode = 1;
    });
}

function sealing(): Sealing {
  const encryption = encryptionOf();
  if (encryption === null) throw new ConfigError('MIDLINE_ENCRYPTION_KEY: is not set (32 bytes in base64); special-category data is only kept sealed');
  return encryption;
}

function momentOf(text: string): Date {
  const moment = instantOf(daysOf(text) === undefined ? text : `${text}T00:00:00Z`);
  if (moment === undefined) throw new InvalidArgumentError('It must be a day or a moment such as 2026-05-10T12:00:00Z.');
  return new Date(moment);
}

const entriesText = (entries: readonly SensitiveEntry[]): string => formatTable(['entry', 'kind', 'what', 'consent', 'since', 'from', 'noted by'], entries.map(({ id, kind, text, consentProof, consentAt, source, notedBy }) =>
  [id, kind, text, consentProof, consentAt.toISOString().slice(0, 10), source, notedBy]), 'Nothing is noted.');
