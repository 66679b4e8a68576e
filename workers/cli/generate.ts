import { InvalidArgumentError, type Command } from 'commander';
import { generateFiles } from '../actions/generate.js';
import { eventDefaults } from '../domain/generate/events.js';
import { wholeNumber } from './arguments.js';
import { examples, printResult } from './output.js';
import { counting } from './progress.js';

interface GenerateOptions {
  readonly seed: number;
  readonly bookings: number;
  readonly out: string;
  readonly customers?: number;
  readonly companies?: number;
  readonly late: number;
  readonly doubled: number;
  readonly shuffled: number;
  readonly bad: number;
  readonly now?: number;
  readonly json?: boolean;
}

export function registerGenerate(program: Command): void {
  program
    .command('generate')
    .description('write the data of a travel company, made from a seed: org units, fee tables, customers, assignments, booking events')
    .requiredOption('--bookings <n>', 'how many bookings', wholeNumber)
    .requiredOption('--out <folder>', 'where the files are written')
    .option('--seed <n>', 'the same seed makes the same data', wholeNumber, 1)
    .option('--customers <n>', 'people in the customer master (default: a quarter of the bookings)', wholeNumber)
    .option('--companies <n>', 'companies in it (default: a twentieth of the people)', wholeNumber)
    .option('--late <share>', 'events that come long after their successors', share, eventDefaults.late)
    .option('--doubled <share>', 'events that come twice', share, eventDefaults.doubled)
    .option('--shuffled <share>', 'events that change places with near ones', share, eventDefaults.shuffled)
    .option('--bad <share>', 'extra events that nobody may apply; publish reports them', share, eventDefaults.bad)
    .option('--now <time>', 'when it all has happened by (ISO 8601; default: this hour): most bookings are some hours older', instant)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples(
      'midline generate --seed 7 --bookings 10000 --out data',
      'midline org-units import data/org-units.yaml',
      'midline customers import data/customers.csv',
      'midline fees apply data/fees-standard.yaml data/fees-corporate.yaml',
      'midline fees approve standard --backdate --reason "start"',
      'midline fees approve corporate --backdate --reason "start"',
      'midline fees assign --file data/assignments.csv --reason "start"',
      'midline publish data/events.ndjson',
    ))
    .action(async ({ customers, companies, out, json, now = thisHour(), ...rest }: GenerateOptions) => {
      const settings = { ...rest, now };
      const people = customers ?? Math.max(1, Math.floor(settings.bookings / 4));
      const files = await counting('events', (onProgress) => generateFiles(out, { ...settings, customers: people, companies: companies ?? Math.floor(people / 20) }, onProgress));
      printResult(files, { json }, (made) => `${made.bookings} bookings with ${made.events} events, ${made.customers} people and ${made.companies} companies in ${made.folder}: ${made.files.join(', ')}`);
    });
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('It must be a share from 0 to 1.');
  return value;
}

function instant(text: string): number {
  const value = Date.parse(text);
  if (Number.isNaN(value)) throw new InvalidArgumentError('It must be a time such as 2026-05-10T12:00:00Z.');
  return value;
}

const thisHour = (): number => Math.floor(Date.now() / 3_600_000) * 3_600_000;
