import { Option, type Command } from 'commander';
import { listMessages, type ListedMessage, type MessageState } from '../store/messages.js';
import { wholeNumber } from './arguments.js';
import { withDatabase } from './connect.js';
import { examples, formatTable, printResult } from './output.js';

interface ListOptions {
  readonly order?: string;
  readonly state?: MessageState;
  readonly limit: number;
  readonly json?: boolean;
}

const states = ['due', 'queued', 'claimed', 'sent', 'failed', 'unknown', 'skipped', 'cancelled'] as const satisfies readonly MessageState[];

/** `midline messages …`: what was, is or will be said to customers. */
export function registerMessages(program: Command): void {
  program
    .command('messages')
    .description('what was, is or will be said to customers')
    .command('list')
    .description('messages and what became of them, the newest first')
    .option('--order <order>', 'only of this order: source:bookingRef, the bare reference, or the id')
    .addOption(new Option('--state <state>', 'only those in this state').choices(states))
    .option('--limit <number>', 'at most so many', wholeNumber, 1_000)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline messages list', 'midline messages list --state unknown', 'midline messages list --order hotel-pms:4711 --json'))
    .action(async (options: ListOptions) => {
      printResult(await withDatabase((db) => listMessages(db, options)), options, listText);
    });
}

const listText = (messages: readonly ListedMessage[]): string => formatTable(
  ['ORDER', 'TRIGGER', 'STATE', 'DUE', 'ATTEMPTS', 'REASON OR ANSWER', 'ID'],
  messages.map(({ order, orderId, trigger, state, dueAt, attempts, reason, providerId, id }) => [order ?? orderId, trigger, state, dueAt.toISOString(), attempts, reason ?? providerId ?? '', id]),
  'No messages.',
);
