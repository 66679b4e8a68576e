import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { columnMapSchema } from '../../schemas/column-map.js';
import { matchModelSchema, type MatchModel } from '../../schemas/match-model.js';
import { createMatchedCustomers, matchFile, trainModel, type DecisionLine, type MatchedFile } from '../actions/match-file.js';
import { modelInUse } from '../actions/match-model.js';
import { shippedModel } from '../domain/match/shipped-model.js';
import type { Database } from '../store/database.js';
import { countryOf, sourceOf, wholeNumber } from './arguments.js';
import { actor, withDatabase } from './connect.js';
import { registerModels, registerUse } from './match-model.js';
import { registerAccept, registerAgain, registerExplain, registerReject, registerReview } from './match-review.js';
import { examples, noteEmpty, printResult } from './output.js';
import { problemsOption, problemText, reportProblems, type ProblemSummary } from './problems.js';
import { advancing } from './progress.js';
import { readAs } from './read-as.js';
import { toWholeFile } from './whole-file.js';

const linesAtOnce = 1_000;

interface MatchOptions {
  readonly map?: string;
  readonly in?: string;
  readonly out?: string;
  readonly source: string;
  readonly country?: string;
  readonly model?: string;
  readonly alone?: boolean;
  readonly dryRun?: boolean;
  readonly problems?: string;
  readonly json?: boolean;
}

/** `midline match …` */
export function registerMatch(program: Command): void {
  const match = program
    .command('match')
    .description('match the records of a file with the customers and with each other, by the rules that ingest uses; a decision for each')
    .option('--map <file>', 'YAML that says which column is what (docs/matching.md)')
    .option('--in <file>', 'the records: .csv or .ndjson')
    .option('--out <file>', 'where the decisions go, a JSON document a line')
    .option('--source <id>', 'system that names the records', sourceOf, 'file')
    .option('--country <code>', 'what national phone numbers are read with where a record has no country', countryOf)
    .option('--model <file>', 'a model from midline match train, instead of the one in use')
    .option('--alone', 'only with each other: needs no database, writes none')
    .option('--dry-run', 'write the decisions, but no customers')
    .option(...problemsOption)
    .option('--json', 'print one JSON document')
    .addHelpText('after', `
link: it is this customer. review: a person has to look. new: nobody known; without --dry-run a customer is made of it.
${examples('midline match --map persons.map.yaml --in persons.csv --out decisions.ndjson --dry-run', 'midline match --map persons.map.yaml --in persons.csv --out decisions.ndjson --source old-crm --country DE --json')}`)
    .action(async (options: MatchOptions) => {
      // Not as required options: commander would ask the commands below for them, too.
      const { map: mapFile, in: file, out } = options;
      if (mapFile === undefined || file === undefined || out === undefined) return match.error('error: say which file to match: --map FILE --in FILE --out FILE (or midline match review, accept, reject, explain)');
      const report = reportProblems(options.problems, [mapFile, file, out]);
      const model = options.model === undefined ? null : await readAs(options.model, matchModelSchema);
      const request = {
        file, map: await readAs(mapFile, columnMapSchema),
        source: options.source, country: options.country ?? null, onProblem: report.add,
      };
      const matchWith = (database: Database | null, used: MatchModel): Promise<MatchedFile> => advancing('records matched', (onProgress) => matchFile(database, { ...request, model: used, onProgress }));
      const run = (database: Database | null) => toWholeFile(out, 0o666, async (write) => {
        const matched = await matchWith(database, model ?? (database === null ? shippedModel : await modelInUse(database)));
        const made = database === null || options.dryRun === true ? new Map<string, string>()
          : await advancing('customers made', (onProgress) => createMatchedCustomers(database, matched, { ...request, actor: actor(), now: new Date(), onProgress }));
        for (let first = 0; first < matched.decisions.length; first += linesAtOnce) await write(matched.decisions.slice(first, first + linesAtOnce).map((line) => `${JSON.stringify(withIds(line, made))}\n`).join(''));
        return { records: matched.decisions.length, ...countsOf(matched.decisions), created: made.size, refused: report.count() };
      });
      const result = await (options.alone === true ? run(null) : withDatabase(run));
      printResult({ ...result, ...report.end() }, options, matchText(out));
      noteEmpty([file], result.records + result.refused);
      if (report.count() > 0) process.exitCode = 1;
    });
  registerTrain(match);
  registerUse(match);
  registerModels(match);
  registerReview(match);
  registerAccept(match);
  registerReject(match);
  registerAgain(match);
  registerExplain(match);
}

interface TrainOptions {
  readonly map: string;
  readonly in: string;
  readonly out: string;
  readonly seed: number;
  readonly country?: string;
  readonly problems?: string;
  readonly json?: boolean;
}

function registerTrain(match: Command): void {
  match
    .command('train')
    .description('learn a model from the records of a file, of which nobody needs to say who is who; vetoes and thresholds stay')
    .requiredOption('--map <file>', 'YAML that says which column is what (docs/matching.md)')
    .requiredOption('--in <file>', 'the records: .csv or .ndjson; some thousand at least, duplicates among them')
    .requiredOption('--out <file>', 'where the model goes, as JSON')
    .option('--seed <number>', 'of chance; the same records and seed give the same model', wholeNumber, 1)
    .option('--country <code>', 'what national phone numbers are read with where a record has no country', countryOf)
    .option(...problemsOption)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline match train --map persons.map.yaml --in persons.csv --out model.json --seed 7', 'midline match --model model.json --map persons.map.yaml --in persons.csv --out decisions.ndjson --dry-run'))
    .action(async (options: TrainOptions) => {
      const report = reportProblems(options.problems, [options.map, options.in, options.out]);
      const { model, ...result } = await trainModel({ file: options.in, map: await readAs(options.map, columnMapSchema), source: 'file', country: options.country ?? null, seed: options.seed, onProblem: report.add });
      await writeFile(options.out, `${JSON.stringify(model, null, 2)}\n`);
      printResult({ version: model.version, ...result, ...report.end() }, options, ({ records, pairs, matches, ...summary }) => [
        ...problemText(summary), `${model.version} (hash ${result.hash}) is in ${options.out}: learned from ${records} records and ${pairs} pairs with a common key, of which it holds ${(matches * 100).toFixed(1)} % for one person.`,
      ].join('\n'));
      if (report.count() > 0) process.exitCode = 1;
    });
}

const matchText = (out: string) => ({ records, link, review, new: fresh, created, refused, ...problems }: ReturnType<typeof countsOf> & ProblemSummary & { readonly records: number; readonly created: number; readonly refused: number }): string => [
  ...problemText(problems),
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
