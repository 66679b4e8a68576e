import { InvalidArgumentError, type Command } from 'commander';
import { archiveBookings, type Archived } from '../actions/archive/archive.js';
import { restoreBookings, type Restored } from '../actions/archive/restore.js';
import type { Rerated } from '../actions/rerate.js';
import { countClosable, type Closable } from '../store/archive.js';
import { actor, withDatabase } from './connect.js';
import { rerate, reratedText } from './changing-facts.js';
import { wireOf } from './orders.js';
import { examples, printResult } from './output.js';
import { counting } from './progress.js';

interface CommonOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

type ArchiveOptions = CommonOptions & { readonly before?: string; readonly out?: string };

/** `midline archive …` */
export function registerArchive(program: Command): void {
  const archive = program
    .command('archive')
    .description('move the events of ended bookings to a file and close their orders; orders, ledger and event ids stay')
    .option('--before <day>', 'bookings whose travel and last event lie before this day (UTC)', pastDay)
    .option('--out <folder>', 'where the file and its manifest are written')
    .option('--dry-run', 'say how much there is to archive')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `
An event that comes later for such a booking becomes a dead letter with the code ARCHIVED. The file is the only place that has the events then: keep it, and keep it safe.
A run that was cut short is finished by the next one.
${examples('midline archive --before 2024-01-01 --dry-run', 'midline archive --before 2024-01-01 --out /srv/archive', 'midline archive restore /srv/archive/bookings-before-2024-01-01.20260110T081500000Z.ndjson.gz gds:ABC123')}`)
    .action(async ({ before, out, dryRun, json }: ArchiveOptions, command: Command) => {
      if (before === undefined) command.error('error: say which: --before DAY');
      if (dryRun === true) {
        printResult(await withDatabase((database) => countClosable(database, before)), { json }, closableText);
        return;
      }
      if (out === undefined) command.error('error: say where to: --out FOLDER');
      printResult(await run(before, out, program.version() ?? 'unknown'), { json }, archivedText);
    });
  archive
    .command('restore')
    .description('bring archived bookings back from their file, each event compared with its hash; then they are rated again')
    .argument('<file>', 'as midline archive wrote it')
    .argument('[ref...]', 'only these: source:bookingRef, the bare booking reference, or the id of the order')
    .option('--dry-run', 'check the file and change nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline archive restore bookings.ndjson.gz gds:ABC123', 'midline archive restore bookings.ndjson.gz --dry-run'))
    .action(async (file: string, refs: readonly string[], options: CommonOptions) => {
      const restored = await restore(file, refs, options.dryRun === true);
      printResult(restored, options, restoredText);
      if (restored.missing.length > 0) process.exitCode = 1;
    });
}

function pastDay(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text)) || Date.parse(text) > Date.now()) throw new InvalidArgumentError('It must be a day that has begun, such as 2024-01-01.');
  return text;
}

const run = (before: string, folder: string, version: string): Promise<readonly Archived[]> => withDatabase((database) => counting('bookings exported, then closed', (count) =>
  archiveBookings({ database, wire: wireOf() }, { before, folder, actor: actor(), version, now: () => new Date(), onProgress: (_, bookings) => { count(bookings); } })));

type RestoreResult = Restored & { readonly dryRun: boolean; readonly rerated: Rerated | null };

const restore = (file: string, refs: readonly string[], dryRun: boolean): Promise<RestoreResult> => withDatabase(async (database) => {
  const restored = await counting('bookings read', (onProgress) => restoreBookings({ database, wire: wireOf() }, { file, refs, dryRun, actor: actor(), now: () => new Date(), onProgress }));
  return { ...restored, dryRun, rerated: dryRun || restored.bookings === 0 ? null : await rerate(database) };
});

const closableText = ({ orders, events, bytes }: Closable): string => `${orders} bookings with ${events} events can be archived (${(bytes / 1e6).toFixed(1)} MB in the inbox).`;

function archivedText(archived: readonly Archived[]): string {
  if (archived.length === 0) return 'There is nothing to archive.';
  return archived.map(({ file, bookings, events, closed, changed }) =>
    `${file}: ${bookings} bookings with ${events} events; ${closed} are archived${changed > 0 ? `, ${changed} changed meanwhile and stay` : ''}.`).join('\n');
}

function restoredText({ bookings, events, others, missing, dryRun, rerated }: RestoreResult): string {
  return [
    `${bookings} bookings with ${events} events ${dryRun ? 'can be brought back' : 'are back'}.${others > 0 ? ` ${others} of the file are not archived in it and stay as they are.` : ''}`,
    ...(missing.length > 0 ? [`Not in the file: ${missing.join(', ')}.`] : []),
    ...(rerated === null ? [] : [reratedText(rerated), 'What came for them meanwhile: midline dead-letter replay --code ARCHIVED']),
  ].join('\n');
}
