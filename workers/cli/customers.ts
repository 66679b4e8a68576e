import { type Command, InvalidArgumentError } from 'commander';
import { publishCustomers, type CustomersPublished } from '../actions/publish-customers.js';
import { rekeyCustomers } from '../actions/rekey-customers.js';
import { criteria } from '../domain/customer-profile.js';
import { emailKeyOf, phoneOf } from '../domain/match/contacts.js';
import { debitorKey, registerKey, type Key } from '../domain/match/keys.js';
import { kafkaOptions } from '../runtime/config.js';
import { findByCriteria, findCustomers, readCustomer, type CustomerContact, type CustomerView, type FoundCustomer, type WantedCriteria } from '../store/customer-view.js';
import { companyTree, type CompanyTree, type TreeCompany } from '../store/company-tree.js';
import type { Database } from '../store/database.js';
import { liftedBlocks, mailingBlocks, type LiftedBlock, type MailingBlockRow } from '../store/mailing-blocks.js';
import { createCodec } from '../topics/codec.js';
import { createKafka } from '../topics/connection.js';
import { createEventProducer } from '../topics/producer.js';
import { countryOf, sourceOf } from './arguments.js';
import { actor, configOf, withDatabase } from './connect.js';
import { registerExport } from './customers-export.js';
import { registerImport } from './customers-import.js';
import { registerMerge, registerUnmerge } from './customers-merge.js';
import { registerCase } from './customers-case.js';
import { registerErase, registerExportData } from './customers-erase.js';
import { registerHistory } from './customers-history.js';
import { registerQuality } from './customers-quality.js';
import { registerBlockMail, registerDeliverability } from './customers-reach.js';
import { registerSensitive } from './customers-sensitive.js';
import { examples, formatTable, noteEmpty, printResult } from './output.js';
import { problemsOption, problemText, reportProblems, type ProblemSummary } from './problems.js';
import { counting } from './progress.js';

interface JsonOption {
  readonly json?: boolean;
}

/** `midline customers …` */
export function registerCustomers(program: Command): void {
  const customers = program.command('customers').description('the people and companies that orders are linked to');
  registerImport(customers);
  registerExport(customers);
  registerPublish(customers);
  registerShow(customers);
  registerFind(customers);
  registerRekey(customers);
  registerMerge(customers);
  registerUnmerge(customers);
  registerSensitive(customers);
  registerExportData(customers);
  registerErase(customers);
  registerCase(customers);
  registerHistory(customers);
  registerQuality(customers);
  registerBlockMail(customers);
  registerDeliverability(customers);
}

function registerPublish(customers: Command): void {
  customers
    .command('publish')
    .description('publish customers to the topic customer-events, as a CRM does; rows with problems are told by line, the others go out')
    .argument('<file...>', '.csv or .ndjson as for customers import, or .ndjson with a customer event in each line')
    .option('--source <id>', 'system whose external ids these are, for rows that name none', sourceOf, 'crm')
    .option('--deactivate', 'publish that these customers are none any more: of each row externalId and source are read')
    .option(...problemsOption)
    .option('--json', 'print one JSON document')
    .addHelpText('after', `
Rows are as new as this command; what a row leaves empty, and no row before it of the same customer gives, is not so. Events have an updatedAt of their own.
${examples('midline customers publish customers.csv', 'midline customers publish events.ndjson --problems problems.csv --json', 'midline customers publish gone.csv --source hotel-pms --deactivate')}`)
    .action(async (files: readonly string[], options: JsonOption & { readonly source: string; readonly deactivate?: boolean; readonly problems?: string }) => {
      const report = reportProblems(options.problems, files, { several: true });
      const config = configOf('KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL');
      const codec = createCodec({ registryUrl: config.SCHEMA_REGISTRY_URL });
      const producer = createEventProducer(createKafka({ ...kafkaOptions(config), clientId: 'midline-customers' }));
      await codec.register();
      await producer.connect();
      try {
        const result = await counting('customers published', (onProgress) => publishCustomers({
          files, source: options.source, deactivate: options.deactivate === true, now: Date.now(), codec, producer, onProblem: report.add, onProgress,
        }));
        printResult({ ...result, ...report.end() }, options, publishText);
        noteEmpty(files, result.rows);
      } finally {
        await producer.disconnect();
      }
      if (report.count() > 0) process.exitCode = 1;
    });
}

const publishText = ({ rows, published, refused, ...problems }: CustomersPublished & ProblemSummary): string => [
  ...problemText(problems),
  `${rows} rows: ${published} messages published, ${refused} rows with problems.`,
].join('\n');

function registerShow(customers: Command): void {
  customers
    .command('show')
    .description('one customer: names, contacts, keys, dated facts, newest orders')
    .argument('<id>', 'customer id, or an external id as source:id')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers show 17', 'midline customers show crm:K-4711 --json'))
    .action(async (id: string, options: JsonOption) => {
      printResult(await withDatabase((database) => showCustomer(database, id, new Date().toISOString().slice(0, 10))), options, customerText);
    });
}

interface ShownCustomer extends CustomerView {
  readonly companies: CompanyTree;
  /** No advertising, by whom and until when. */
  readonly mailingBlocks: readonly MailingBlockRow[];
  readonly liftedBlocks: readonly LiftedBlock[];
}

async function showCustomer(database: Database, id: string, today: string): Promise<ShownCustomer> {
  const [named] = /^\d{1,18}$/.test(id) ? [{ id }] : await findCustomers(database, [{ kind: 'external', value: id }, { kind: 'external-company', value: id }], id);
  const customer = named === undefined ? undefined : await readCustomer(database, named.id);
  if (customer === undefined) throw new Error(`There is no customer ${id}: look with midline customers find.`);
  return { ...customer, companies: await companyTree(database, customer.id, today), mailingBlocks: await mailingBlocks(database, [customer.id], today), liftedBlocks: await liftedBlocks(database, customer.id) };
}

function customerText(customer: ShownCustomer): string {
  const { party } = customer;
  const merged = customer.rootId === customer.id ? '' : ` · merged into ${customer.rootId}`;
  const since = (validFrom: string | null): string => validFrom ?? 'always';
  return [
    `${customer.id}  ${nameOf(customer)}  (${customer.kind}${customer.active ? '' : `, inactive${customer.deactivatedAt === null ? '' : ` since ${customer.deactivatedAt.toISOString()}`}`}, from ${customer.origin}${customer.erasedAt === null ? '' : `, erased on ${customer.erasedAt.toISOString().slice(0, 10)}`}${merged})`,
    ...[
      ['born', party.birthDate], ['language', party.language], ['VAT id', party.vatId], ['marital status', customer.profile.maritalStatus], ['debitor', customer.profile.debitorNumber], ['register', customer.profile.registerNumber],
      ...criteria.map((field) => [field, customer.profile[field]?.join(', ')]),
    ].flatMap(([label, value]) => (value == null ? [] : [`${label} ${value}`])),
    ...customer.mailingBlocks.map(({ until, reason, source }) => `no advertising ${until === null ? 'any more' : `until ${until}`}${reason === null ? '' : `: ${reason}`} (${source})`),
    ...customer.liftedBlocks.map(({ at, by, reason }) => `mailing block lifted on ${at.toISOString().slice(0, 10)} by ${by}${reason === null ? '' : `: ${reason}`}`),
    ...(customer.merged.length > 0 ? [`merged into it: ${customer.merged.join(', ')}`, `together: ${survivorText(customer)}`] : []),
    '', 'Contacts', formatTable(['kind', 'value', 'label', 'from', ''], customer.contacts.map((contact) => [contact.kind, contact.value, contact.label, contact.source ?? contact.origin, contactNotes(contact)]), 'No contacts.'),
    '', 'Found by', formatTable(['key', 'value'], customer.keys.map(({ kind, value }) => [kind, value]), 'No keys.'),
    '', 'Facts', formatTable(['', 'value', 'from'], [
      ...customer.attributes.map(({ name, value, validFrom }) => [name, value, since(validFrom)]),
      ...customer.relations.map(({ type, customerId, name, validFrom }) => [type, `${customerId} ${name ?? ''}`.trim(), since(validFrom)]),
    ], 'No dated facts.'),
    ...companyLines(customer.companies),
    ...(customer.ties.length === 0 ? [] : ['', 'Ties', formatTable(['', 'who', 'name'], customer.ties.map((tie) => [
      [tie.type, ...(tie.role === null ? [] : [`(${tie.role})`]), ...(tie.of ? ['of'] : [])].join(' '), tie.customerId ?? tie.other, tie.customerId === null ? 'not known yet' : tie.name,
    ]))]),
    ...(customer.consents.length === 0 ? [] : ['', 'Consents', formatTable(['purpose', 'channel', '', 'at', 'from'], customer.consents.map(({ purpose, channel, given, at, source }) => [purpose, channel === '' ? 'all' : channel, given ? 'given' : 'refused', at, source]))]),
    ...(customer.openCases.length === 0 ? [] : ['', 'Open cases', formatTable(['case', 'kind', 'subject', 'since'], customer.openCases.map(({ id, kind, subject, openedAt }) => [id, kind, subject, openedAt.slice(0, 10)]))]),
    '', `Orders (${customer.orderCount})`, formatTable(['order', 'status', 'as', 'travel from'], customer.orders.map(({ order, status, role, travelFrom }) => [order, status, role, travelFrom]), 'No orders.'),
  ].join('\n');
}

function companyLines({ above, below, employees }: CompanyTree): readonly string[] {
  const named = ({ id, name }: TreeCompany): string => `${name ?? 'without a name'} (${id})`;
  return [
    ...(above.length === 0 ? [] : ['', `Belongs to ${above.map(named).join(', which belongs to ')}`]),
    ...(below.length === 0 ? [] : ['', 'Subsidiaries', ...below.map((company) => `${'  '.repeat(company.steps)}${named(company)}`)]),
    ...(employees === 0 ? [] : ['', `${employees} persons work for it`]),
  ];
}

function contactNotes({ verified, consentHint, undeliverableAt, undeliverableReason, deliverableAt, deliverableReason }: CustomerContact): string {
  const since = (what: string, at: string, reason: string | null): string => `${what} since ${at.slice(0, 10)}${reason === null ? '' : ` (${reason})`}`;
  const reaches = undeliverableAt !== null ? [since('undeliverable', undeliverableAt, undeliverableReason)] : deliverableAt !== null ? [since('deliverable', deliverableAt, deliverableReason)] : [];
  return [...(verified ? ['verified'] : []), ...(consentHint === null ? [] : [`hint: ${consentHint}`]), ...reaches].join(', ');
}

/** Who they are together: every field that another one than this customer gives, with that one's id. */
function survivorText({ id, survivor: { party, profile, from } }: CustomerView): string {
  const said = new Map<string, unknown>(Object.entries({ ...profile, ...party }));
  const given = Object.entries(from).filter(([, self]) => self !== id).map(([field, self]) => `${field} ${JSON.stringify(said.get(field))} (${self})`);
  return `${nameOf({ party })}${given.length === 0 ? '' : `, of others ${given.join(', ')}`}`;
}

function nameOf({ party }: Pick<FoundCustomer, 'party'>): string {
  const person = [party.title, party.givenName, party.familyName].filter((part) => part != null).join(' ');
  return party.companyName ?? (person === '' ? (party.fullName ?? 'without a name') : person);
}

function registerRekey(customers: Command): void {
  customers
    .command('rekey')
    .description('add the keys that this build looks for to customers that older builds have written; doing it again adds nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers rekey'))
    .action(async (options: JsonOption) => {
      const result = await counting('customers', (onProgress) => withDatabase((database) => rekeyCustomers(database, { actor: actor(), now: new Date(), onProgress })));
      printResult(result, options, ({ customers: count, added }) => `${count} customers: ${added} keys added.`);
    });
}

function registerFind(customers: Command): void {
  customers
    .command('find')
    .description('customers by e-mail, phone, external id, debitor or register number or words of the name, or by what they like; at most 50')
    .argument('[text...]', 'what to look for')
    .option('--criterion <field=value>', `what the profile has to say (${criteria.join(', ')}); may be given several times`, addCriterion)
    .option('--country <code>', 'what a national phone number is read with', countryOf)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples('midline customers find anna@example.com', 'midline customers find anna müller', 'midline customers find "030 1234567" --country DE --json', 'midline customers find --criterion interests=golf --criterion destinations=Madeira'))
    .action(async (words: readonly string[], options: JsonOption & { readonly country?: string; readonly criterion?: WantedCriteria }) => {
      const [text, wanted] = [words.join(' ').trim(), options.criterion];
      if ((text === '') === (wanted === undefined)) throw new InvalidArgumentError('Say what to look for: either a text, or --criterion.');
      const found = await withDatabase((database) => (wanted === undefined ? findCustomers(database, keysIn(text, options.country ?? null), text) : findByCriteria(database, wanted)));
      printResult(found, options, (customers) => formatTable(['customer', 'kind', 'name', 'e-mail'], customers.map((customer) => [customer.id, customer.kind, nameOf(customer), customer.party.emails?.[0] ?? null]), /^[0(]/.test(text) && options.country === undefined ? 'Nobody. (A national phone number is read with --country, e.g. --country DE.)' : 'Nobody.'));
    });
}

function addCriterion(text: string, before: WantedCriteria = {}): WantedCriteria {
  const [name, value] = [text.slice(0, text.indexOf('=')).trim(), text.slice(text.indexOf('=') + 1).trim()];
  const field = criteria.find((known) => known === name);
  if (field === undefined || value === '') throw new InvalidArgumentError(`must be field=value, the field one of ${criteria.join(', ')}`);
  return { ...before, [field]: [...before[field] ?? [], value] };
}

function keysIn(text: string, country: string | null): readonly Key[] {
  const [email, phone] = [emailKeyOf(text), phoneOf(text, country)];
  return [...[debitorKey(text), registerKey(text)].filter((key) => key !== undefined), ...(email === undefined ? [] : [{ kind: 'email' as const, value: email }]), ...(phone === undefined ? [] : [{ kind: 'phone' as const, value: phone }])];
}
