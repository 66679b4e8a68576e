import { text as readAll } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { answerCase, openCase, reopenCase } from '../actions/cases.js';
import { findOrder } from '../actions/orders.js';
import { listCases, lockCase, type CaseKind, type CustomerCase } from '../store/cases.js';
import { wholeNumber } from './arguments.js';
import { actor, withDatabase } from './connect.js';
import { namedCustomer } from './named-customer.js';
import { examples, formatTable, printResult } from './output.js';

interface JsonOption {
  readonly json?: boolean;
}

const kinds = ['complaint', 'question'] as const;

/** `midline customers case …` */
export function registerCase(customers: Command): void {
  const cases = customers.command('case').description('complaints and product questions of customers, perhaps about an order');
  registerOpen(cases);
  registerClose(cases);
  registerList(cases);
}

function registerOpen(cases: Command): void {
  cases
    .command('open')
    .description('note a complaint or a question')
    .argument('<customer>', 'customer id, or an external id as source:id')
    .addOption(new Option('--kind <kind>', 'what it is').choices(kinds).makeOptionMandatory())
    .requiredOption('--subject <text>', 'what it is about, in a line')
    .option('--order <ref>', 'the order that it is about, as source:bookingRef')
    .option('--text <text>', 'what the customer said; - reads it from standard input')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers case open crm:K-4711 --kind complaint --subject "room without a balcony" --order gds:ABC123', 'midline customers case open 17 --kind question --subject "dogs on the ferry?" --text - < mail.txt'))
    .action(async (customer: string, { kind, subject, order, text, ...options }: JsonOption & { readonly kind: CaseKind; readonly subject: string; readonly order?: string; readonly text?: string }) => {
      const body = text === '-' ? await readAll(process.stdin) : text ?? null;
      const result = await withDatabase(async (database) => openCase(database, { customer: await namedCustomer(database, customer), order: order ?? null, kind, subject, body, actor: actor(), now: new Date() }));
      printResult(result, options, ({ case: id }) => `Case ${id} is open.`);
    });
}

function registerClose(cases: Command): void {
  cases
    .command('close')
    .description('say what the customer was answered')
    .argument('<case>', 'its number')
    .requiredOption('--answer <text>', 'what the customer was answered')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers case close 3 --answer "100 EUR refunded"'))
    .action(async (id: string, { answer, ...options }: JsonOption & { readonly answer: string }) => {
      printResult(await withDatabase((database) => answerCase(database, { case: id, answer, actor: actor(), now: new Date() })), options, caseText);
    });
  cases
    .command('reopen')
    .description('open a closed case again: it waits for another answer, the one before stays to be read')
    .argument('<case>', 'its number')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers case reopen 3'))
    .action(async (id: string, options: JsonOption) => {
      printResult(await withDatabase((database) => reopenCase(database, { case: id, actor: actor(), now: new Date() })), options, caseText);
    });
}

function registerList(cases: Command): void {
  cases
    .command('list')
    .description('cases, the newest first')
    .option('--customer <customer>', 'of this customer and everybody who is one with it')
    .option('--order <ref>', 'about this order')
    .option('--open', 'only those that wait for an answer')
    .addOption(new Option('--kind <kind>', 'only these').choices(kinds))
    .option('--limit <number>', 'at most so many', wholeNumber, 50)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers case list --open', 'midline customers case list --customer crm:K-4711 --json'))
    .action(async ({ customer, order, open, kind, limit, ...options }: JsonOption & { readonly customer?: string; readonly order?: string; readonly open?: boolean; readonly kind?: CaseKind; readonly limit: number }) => {
      const found = await withDatabase(async (database) => listCases(database, {
        customer: customer === undefined ? null : await namedCustomer(database, customer), orderId: order === undefined ? null : (await findOrder(database, order)).id, state: open === true ? 'open' : null, kind: kind ?? null,
      }, limit));
      printResult(found, options, (all) => formatTable(['case', 'state', 'kind', 'customer', 'order', 'subject', 'since'], all.map((one) => [one.id, one.state, one.kind, one.customerId, one.order, one.subject, one.openedAt.toISOString().slice(0, 10)]), 'No cases.'));
    });
  cases
    .command('show')
    .description('one case')
    .argument('<case>', 'its number')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers case show 3'))
    .action(async (id: string, options: JsonOption) => {
      const found = /^\d{1,18}$/.test(id) ? await withDatabase((database) => database.transaction((tx) => lockCase(tx, id))) : undefined;
      if (found === undefined) throw new Error(`There is no case ${id}: look with midline customers case list.`);
      printResult(found, options, caseText);
    });
}

const caseText = ({ id, kind, state, customerId, order, subject, body, openedAt, openedBy, closedAt, closedBy, answer, earlier }: CustomerCase): string => [
  `${id}  ${kind} of customer ${customerId}${order === null ? '' : ` about ${order}`}: ${subject}  (${state})`,
  `opened ${openedAt.toISOString()} by ${openedBy}`, ...(body === null ? [] : ['', body.trimEnd(), '']),
  ...earlier.map(({ answer: before, at, by }) => `earlier answer${at === null ? '' : ` of ${at.slice(0, 10)} by ${by ?? ''}`}: ${before}`),
  ...(closedAt === null ? [] : [`closed ${closedAt.toISOString()} by ${closedBy ?? ''}`]), ...(answer === null ? [] : [`answer: ${answer}`]),
].join('\n');
