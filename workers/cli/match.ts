import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import type { Command } from 'commander';
import { columnMapSchema } from '../../schemas/column-map.js';
import { matchModelSchema } from '../../schemas/match-model.js';
import { createMatchedCustomers, matchFile, type DecisionLine, type MatchedFile } from '../actions/match-file.js';
import type { RowProblem } from '../actions/import-rows.js';
import { shippedModel } from '../domain/match/shipped-model.js';
import type { Database } from '../store/database.js';
import { actor, withDatabase } from './connect.js';
import { problemLines } from './customers.js';
import { examples, printResult } from './output.js';
import { advancing } from './progress.js';
import { readAs } from './read-as.js';

interface MatchOptions {
  readonly map: string;
  readonly in: string;
  readonly out: string;
  readonly source: string;
  readonly country?: string;
  readonly model?: string;
  readonly alone?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `midline match …` */
export function registerMatch(program: Command): void {
  program
    .command('match')
    .description('match the records of a file with the customers and with each other, by the rules that ingest uses; a decision for each')
    .requiredOption('--map <file>', 'YAML that says which column is what (docs/matching.md)')
    .requiredOption('--in <file>', 'the records: .csv or .ndjson')
    .requiredOption('--out <file>', 'where the decisions go, a JSON document a line')
    .option('--source <id>', 'system that names the records', 'file')
    .option('--country <code>', 'what national phone numbers are read with where a record has no country')
    .option('--model <file>', 'a model from midline match train, instead of the shipped one')
    .option('--alone', 'only with each other: needs no database, writes none')
    .option('--dry-run', 'write the decisions, but no customers')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `
link: it is this customer. review: a person has to look. new: nobody known; without --dry-run a customer is made of it.
${examples('midline match --map persons.map.yaml --in persons.csv --out decisions.ndjson --dry-run', 'midline match --map persons.map.yaml --in persons.csv --out decisions.ndjson --source old-crm --country DE --json')}`)
    .action(async (options: MatchOptions) => {
      const problems: RowProblem[] = [];
      const request = {
        file: options.in, map: await readAs(options.map, columnMapSchema), model: options.model === undefined ? shippedModel : await readAs(options.model, matchModelSchema),
        source: options.source, country: options.country ?? null, onProblem: (problem: RowProblem) => { problems.push(problem); },
      };
      const match = (database: Database | null): Promise<MatchedFile> => advancing('records matched', (onProgress) => matchFile(database, { ...request, onProgress }));
      const run = async (database: Database | null) => {
        const matched = await match(database);
        const made = database === null || options.dryRun === true ? new Map<string, string>()
          : await advancing('customers made', (onProgress) => createMatchedCustomers(database, matched, { ...request, actor: actor(), now: new Date(), onProgress }));
        await writeLines(options.out, matched.decisions.map((line) => withIds(line, made)));
        return { records: matched.decisions.length, ...countsOf(matched.decisions), created: made.size, refused: problems.length };
      };
      const result = await (options.alone === true ? run(null) : withDatabase(run));
      printResult({ ...result, problems }, options, matchText(options.out));
      if (problems.length > 0) process.exitCode = 1;
    });
}

const matchText = (out: string) => ({ records, link, review, new: fresh, created, refused, problems }: ReturnType<typeof countsOf> & { readonly records: number; readonly created: number; readonly refused: number; readonly problems: readonly RowProblem[] }): string => [
  ...problemLines(problems),
  `${records} records: ${link} linked, ${review} for a person to look at, ${fresh} new; ${created} customers made; ${refused} rows with problems. The decisions are in ${out}.`,
].join('\n');

function countsOf(lines: readonly DecisionLine[]): { readonly link: number; readonly review: number; readonly new: number } {
  const count = (decision: string): number => lines.filter((line) => line.decision === decision).length;
  return { link: count('link'), review: count('review'), new: count('new') };
}

const withIds = (line: DecisionLine, made: ReadonlyMap<string, string>): DecisionLine => {
  const named = <Id extends string | null>(id: Id): Id | string => (id === null ? id : (made.get(id) ?? id));
  return made.size === 0 ? line : {
    ...line, customer_id: named(line.customer_id), runner_up: named(line.runner_up), candidates: line.candidates.map((candidate) => ({ ...candidate, customer_id: named(candidate.customer_id) })),
  };
};

async function writeLines(file: string, lines: readonly DecisionLine[]): Promise<void> {
  const stream = createWriteStream(file);
  const finished = once(stream, 'finish');
  for (const line of lines) if (!stream.write(`${JSON.stringify(line)}\n`)) await once(stream, 'drain');
  stream.end();
  await finished;
}
