import { type Command, InvalidArgumentError } from 'commander';
import { matchModelSchema } from '../../schemas/match-model.js';
import { putModelToUse } from '../actions/match-model.js';
import { shippedModel } from '../domain/match/shipped-model.js';
import { usedModels } from '../store/match-models.js';
import { actor, withDatabase } from './connect.js';
import { examples, formatTable, printResult } from './output.js';
import { readAs } from './read-as.js';

interface JsonOption {
  readonly json?: boolean;
}

export function registerUse(match: Command): void {
  match
    .command('use')
    .description('match bookings by a model of your own, from the next batch on; links that stand stay')
    .argument('[model]', 'a file from midline match train')
    .option('--shipped', 'go back to the model that midline ships')
    .option('--reason <text>', 'why; noted in the audit log', 'trained anew')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline match use model.json --reason "customers of 2026"', 'midline match use --shipped'))
    .action(async (file: string | undefined, { shipped, reason, ...options }: JsonOption & { readonly shipped?: boolean; readonly reason: string }) => {
      if ((file === undefined) === (shipped === undefined)) throw new InvalidArgumentError('Say which model: either a file, or --shipped.');
      const model = file === undefined ? null : await readAs(file, matchModelSchema);
      const used = await withDatabase((database) => putModelToUse(database, { model, reason, actor: actor(), now: new Date() }));
      printResult(used, options, ({ version, hash }) => `Bookings are matched by ${version} (hash ${hash}) from the next batch on.`);
    });
}

export function registerModels(match: Command): void {
  match
    .command('models')
    .description('the models that were put to use, the newest first; it is the one in use')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline match models'))
    .action(async (options: JsonOption) => {
      const models = (await withDatabase((database) => usedModels(database, 50))).map(({ model, ...used }) => ({ version: (model ?? shippedModel).version, ...used }));
      printResult(models, options, (used) => formatTable(['model', 'hash', 'since', 'by', 'why'], used.map(({ version, hash, usedFrom, actor: who, reason }) => [version, hash, usedFrom.toISOString(), who, reason]), `${shippedModel.version}, which midline ships, ever since.`));
    });
}
