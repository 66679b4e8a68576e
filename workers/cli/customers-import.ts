import type { Command } from 'commander';
import { columnMapSchema } from '../../schemas/column-map.js';
import { importCustomers, type CustomerImport } from '../actions/import-customers.js';
import { countryOf, sourceOf } from './arguments.js';
import { actor, withDatabase } from './connect.js';
import { examples, noteEmpty, printResult } from './output.js';
import { problemsOption, problemText, reportProblems, type ProblemSummary } from './problems.js';
import { readingFile } from './progress.js';
import { readAs } from './read-as.js';

interface ImportOptions {
  readonly map?: string;
  readonly source: string;
  readonly country?: string;
  readonly problems?: string;
  readonly resume?: boolean;
  readonly json?: boolean;
}

/** As shells tell that a signal ended a command. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** `midline customers import` */
export function registerImport(customers: Command): void {
  customers
    .command('import')
    .description('insert or update customers by their external id; rows with problems are told by line, the others land')
    .argument('<file>', '.csv or .ndjson (the columns are in docs/customers.md)')
    .option('--map <file>', 'YAML that says which column is what, for a file with other columns (docs/matching.md)')
    .option('--source <id>', 'system whose external ids these are, for rows that name none', sourceOf, 'crm')
    .option('--country <code>', 'what national phone numbers are read with where a row has no country', countryOf)
    .option(...problemsOption)
    .option('--resume', 'go on where an import of this very file was broken off, if one was')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `
Rows land by the thousand; Ctrl-C finishes those in hand. Importing a file again from its beginning is never wrong, --resume saves the time.
${examples('midline customers import customers.csv', 'midline customers import customers.csv --problems problems.csv', 'midline customers import customers.csv --problems problems.csv --resume', 'midline customers import customers.ndjson --source hotel-pms --country DE --json')}`)
    .action(async (file: string, options: ImportOptions) => {
      const map = options.map === undefined ? undefined : await readAs(options.map, columnMapSchema);
      const report = reportProblems(options.problems, [file, ...(options.map === undefined ? [] : [options.map])]);
      const stop = stopBySignal();
      let begun = false;
      const result = await readingFile((onProgress) => withDatabase((database) => importCustomers(database, {
        file, map, source: options.source, country: options.country ?? null, resume: options.resume === true, signal: stop.signal,
        actor: actor(), now: new Date(), onProblem: report.add, onProgress: (progress) => { begun = true; onProgress(progress); },
      })), () => (report.count() === 0 ? '' : `, ${report.count()} problems`)).catch((error: unknown) => {
        if (begun) process.stderr.write(`Broken off. What has landed stays; ${goOn}\n`);
        throw error;
      });
      const summary = report.end();
      printResult({ ...result, ...summary }, options, importText);
      noteEmpty([file], result.rows);
      if (result.stoppedAt !== null) {
        process.stderr.write(`Stopped behind line ${result.stoppedAt}; ${goOn}\n`);
        process.exitCode = exitCodes[stop.by() ?? 'SIGINT'];
      } else if (summary.problemCount > 0) process.exitCode = 1;
    });
}

const goOn = 'go on with the same command and --resume.';

/** The first signal asks to stop, the second ends the process. */
function stopBySignal(): { readonly signal: AbortSignal; readonly by: () => keyof typeof exitCodes | null } {
  const stopping = new AbortController();
  let by: keyof typeof exitCodes | null = null;
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => { by ??= name; stopping.abort(); });
  return { signal: stopping.signal, by: () => by };
}

const importText = ({ rows, skipped, created, updated, unchanged, facts, refused, incomplete, stale, ...problems }: CustomerImport & ProblemSummary): string => [
  ...problemText(problems),
  `${rows} rows: ${created} customers created, ${updated} updated, ${unchanged} unchanged; ${facts} dated facts; ${refused} rows left out, ${incomplete} landed without their company.${skipped > 0 ? ` ${skipped} rows had landed before.` : ''}`,
  ...(stale > 0 ? [`${stale} orders will be rated again.`] : []),
].join('\n');
