import { InvalidArgumentError, type Command } from 'commander';
import { noteRestore, type NotedRestore } from '../actions/note-restore.js';
import { actor, withDatabase } from './connect.js';
import { examples, printResult } from './output.js';

interface RestoredOptions {
  readonly lostAt?: Date;
  readonly json?: boolean;
}

/** `midline restored` */
export function registerRestored(program: Command): void {
  program
    .command('restored')
    .description('after the database was restored to an earlier state, before any worker starts: mails that may be out are not sent again, revisions and ids go on above those that others have seen')
    .option('--lost-at <instant>', 'when the lost database was last alive; what Kafka received later is told as usual (default: now)', instant)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline restored --lost-at 2026-05-04T13:37:00Z', 'midline restored --json'))
    .action(async (options: RestoredOptions) => {
      const now = new Date();
      printResult(await withDatabase((database) => noteRestore(database, options.lostAt ?? now, actor(), now)), options, restoredText);
    });
}

function instant(text: string): Date {
  const at = new Date(text);
  if (!/^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(at.getTime())) throw new InvalidArgumentError('It must be an instant with its zone, such as 2026-05-04T13:37:00Z.');
  return at;
}

const restoredText = ({ orders, unknownMessages, revisionBase, settledAt, actionAt }: NotedRestore): string => [
  `${orders} orders go on with revisions above ${revisionBase}; ${unknownMessages} messages that may be out are unknown (midline messages list --state unknown).`,
  `The last batch that this database knows of was settled ${settledAt?.toISOString() ?? 'never'}: workers read Kafka again from there.`,
  `The last action of a person that it knows of was done ${actionAt?.toISOString() ?? 'never'}: do later ones again.`,
].join('\n');
