import type { Party } from '../../schemas/booking-event.js';
import { mappedRecord, type ColumnMap } from '../../schemas/column-map.js';
import { customerRecordOf, customerRowSchema, kindOfRow, type CustomerRow } from '../../schemas/customers-file.js';
import { isBirthDate } from '../domain/match/birth-date.js';
import { criteria, storedProfile, withContacts, type StoredProfile, type Tie } from '../domain/customer-profile.js';
import { externalKey, type Key } from '../domain/match/keys.js';
import { masterOf } from '../domain/match/new-customer.js';
import { audit } from '../store/audit.js';
import { takeOverFacts } from '../store/customer-events.js';
import type { DatedFact } from '../store/customer-master.js';
import type { Database, Queryable } from '../store/database.js';
import { shareFacts, takeFactsLockExclusively } from '../store/facts-lock.js';
import { openRecords, parseRow, type FileRow, type RowProblem } from './import-rows.js';
import { CircularCompanies, claimUnknown, customerIds, FactsLockNeeded, keyName, landCustomers, landFacts, lockKnown, masterDraft, type LandedCustomers, type SaidCustomer } from './land-customers.js';

export interface CustomerImport {
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  /** Dated attributes and relations that are new or other than before. */
  readonly facts: number;
  /** Orders that will be rated again. */
  readonly stale: number;
  /** Rows with a problem: left out, or landed without their company or parent where that is the problem. */
  readonly refused: number;
}

export interface ImportCustomersOptions {
  readonly file: string;
  /** Where the columns stand in a file of somebody else; left out: the file has them by their names. */
  readonly map?: ColumnMap | undefined;
  /** Source of rows that name none. */
  readonly source: string;
  /** ISO 3166: what national phone numbers of rows without a country are read with. */
  readonly country: string | null;
  readonly actor: string;
  readonly now: Date;
  /** Called for each thing that is wrong with a row, in the order of lines within a batch. */
  readonly onProblem: (problem: RowProblem) => void;
  /** Called after each batch: rows so far, and how much of the file they are, from 0 to 1. */
  readonly onProgress: (progress: { readonly rows: number; readonly share: number }) => void;
}

const rowsPerBatch = 1000;

/**
 * Imports customers from CSV or NDJSON, known by source and external id: new ones are inserted, fields that a row gives replace what was there,
 * fields that it leaves empty stay. Each batch is a transaction of its own; doing it again changes nothing.
 * A company that stands further down in the file is found in the end; one that stands nowhere is a problem of the row that names it.
 */
export async function importCustomers(database: Database, options: ImportCustomersOptions): Promise<CustomerImport> {
  const total = { rows: 0, created: 0, updated: 0, unchanged: 0, facts: 0, stale: 0 };
  const refused = new Set<number>();
  const waiting: Relation[] = [];
  const land = createLanding(database, options, (problem) => { refused.add(problem.line); options.onProblem(problem); });

  async function settle(rows: readonly FileRow<CustomerRow>[]): Promise<void> {
    const landed = await land.rows(rows);
    waiting.push(...landed.waiting);
    for (const name of ['created', 'updated', 'unchanged', 'facts', 'stale'] as const) total[name] += landed[name];
  }

  let batch: FileRow<CustomerRow>[] = [];
  const { records, share } = await openRecords(options.file);
  for await (const record of records) {
    total.rows++;
    const parsed = parseRow(record, customerRowSchema, options.map === undefined ? customerRecordOf : prepareBy(options.map));
    const problems = 'problems' in parsed ? parsed.problems : problemsOf(parsed);
    for (const problem of problems) {
      refused.add(problem.line);
      options.onProblem(problem);
    }
    if (!('problems' in parsed) && problems.length === 0) batch.push(parsed);
    if (batch.length === rowsPerBatch) {
      await settle(batch);
      batch = [];
      options.onProgress({ rows: total.rows, share: share() });
    }
  }
  await settle(batch);
  for (let first = 0; first < waiting.length; first += rowsPerBatch) {
    const landed = await land.relations(waiting.slice(first, first + rowsPerBatch));
    total.facts += landed.facts;
    total.stale += landed.stale;
  }
  options.onProgress({ rows: total.rows, share: 1 });
  return { ...total, refused: refused.size };
}

const prepareBy = (map: ColumnMap) => (record: Readonly<Record<string, unknown>>) => mappedRecord(map, record);

/** What the schema cannot tell of a row. */
export function problemsOf({ line, row }: FileRow<CustomerRow>): readonly RowProblem[] {
  return row.birthDate === undefined || isBirthDate(row.birthDate)
    ? []
    : [{ line, field: 'birthDate', value: row.birthDate, reason: 'must be a birth date such as 1980-05-10' }];
}

/** The company of a person or the parent of a company, by external ids. */
interface Relation {
  readonly line: number;
  readonly subject: Key;
  readonly name: 'company' | 'parent';
  readonly target: Key;
  readonly validFrom: string;
}

type LineFact = DatedFact & { readonly line: number };

interface Landed {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly facts: number;
  readonly stale: number;
  readonly waiting: readonly Relation[];
}

/** Companies would stand above themselves: the batch has to begin again without these. */
class Circular extends Error {
  override readonly name = 'Circular';
  readonly lines: readonly number[];
  constructor(lines: readonly number[]) {
    super('companies make a circle');
    this.lines = lines;
  }
}

interface Attempt {
  readonly exclusive: boolean;
  /** Lines whose relation is left out. */
  readonly without: ReadonlySet<number>;
}

/** Postgres ended this transaction because another one waits for it and it for the other: nothing of it is left, and it can begin again. */
const isDeadlock = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '40P01';

interface Landing {
  rows(rows: readonly FileRow<CustomerRow>[]): Promise<Landed>;
  /** The relations that waited for the end of the file. */
  relations(relations: readonly Relation[]): Promise<Pick<Landed, 'facts' | 'stale'>>;
}

function createLanding(database: Database, options: ImportCustomersOptions, onProblem: (problem: RowProblem) => void): Landing {
  /** Once a batch needed the facts lock, the next ones of the file will. */
  let exclusive = false;

  async function attempt<Result>(relations: readonly Relation[], work: (tx: Queryable, attempt: Attempt) => Promise<Result>): Promise<Result> {
    const without = new Set<number>();
    for (;;) {
      try {
        return await database.transaction(async (tx) => {
          await (exclusive ? takeFactsLockExclusively(tx) : shareFacts(tx));
          return work(tx, { exclusive, without });
        });
      } catch (error) {
        if (error instanceof FactsLockNeeded) exclusive = true;
        else if (isDeadlock(error)) continue;
        else if (error instanceof Circular) {
          for (const { line, target } of relations.filter((relation) => error.lines.includes(relation.line))) {
            onProblem({ line, field: 'parent', value: externalIdOf(target), reason: 'makes a circle of companies' });
          }
          error.lines.forEach((line) => without.add(line));
        } else throw error;
      }
    }
  }

  return {
    async rows(rows) {
      const relations = rows.flatMap((each) => relationsOf(each, options.source));
      return attempt(relations, (tx, state) => landRows(tx, rows, relations.filter(({ line }) => !state.without.has(line)), state.exclusive, options));
    },
    async relations(relations) {
      const landed = await attempt(relations, async (tx, { exclusive: alone, without }) => {
        const kept = relations.filter(({ line }) => !without.has(line));
        const ids = await customerIds(tx, kept.flatMap(({ subject, target }) => [subject, target]));
        const { facts, waiting } = factsOf(kept, ids);
        return { ...(await landLineFacts(tx, facts, { ids, created: new Set(), updated: 0, rerated: [] }, alone, options)), waiting };
      });
      for (const { line, name, target } of landed.waiting) onProblem({ line, field: name, value: externalIdOf(target), reason: 'is no company that is known' });
      return landed;
    },
  };
}

async function landRows(tx: Queryable, rows: readonly FileRow<CustomerRow>[], relations: readonly Relation[], exclusive: boolean, options: ImportCustomersOptions): Promise<Landed> {
  const said = [...rowsByKey(rows, options.source)].map((same) => saidBy(same, options));
  await claimUnknown(tx, said);
  const met = await lockKnown(tx, said.map(({ key }) => key));
  const customers = await landCustomers(tx, said, met, { exclusive, now: options.now });
  const targets = await customerIds(tx, relations.map(({ target }) => target));
  const { facts: related, waiting } = factsOf(relations, new Map([...targets, ...customers.ids]));
  const landed = await landLineFacts(tx, [...attributesOf(rows, customers.ids, options.source), ...related], customers, exclusive, options);
  const changes = { created: customers.created.size, updated: customers.updated, facts: landed.facts };
  if (Object.values(changes).some((count) => count > 0)) await audit(tx, options.actor, 'customers import', `lines ${rows[0]?.line}–${rows.at(-1)?.line}`, changes, options.now);
  return { ...landed, ...changes, unchanged: said.length - customers.created.size - customers.updated, waiting };
}

/** The rows of each customer, in their order. */
function rowsByKey(rows: readonly FileRow<CustomerRow>[], source: string): Iterable<readonly [CustomerRow, ...CustomerRow[]]> {
  const byKey = new Map<string, [CustomerRow, ...CustomerRow[]]>();
  for (const { row } of rows) {
    const name = keyName(keyOf(row, source));
    const same = byKey.get(name);
    if (same === undefined) byKey.set(name, [row]);
    else same.push(row);
  }
  return byKey.values();
}

async function landLineFacts(tx: Queryable, facts: readonly LineFact[], customers: LandedCustomers, exclusive: boolean, { now }: ImportCustomersOptions): Promise<Pick<Landed, 'facts' | 'stale'>> {
  try {
    const { changed, stale } = await landFacts(tx, facts, { customers, exclusive, cause: 'customers import', now });
    await takeOverFacts(tx, changed);
    return { facts: changed.length, stale };
  } catch (error) {
    if (!(error instanceof CircularCompanies)) throw error;
    throw new Circular(facts.filter((fact) => error.parents.includes(fact)).map(({ line }) => line));
  }
}

const always = '-infinity';
const externalIdOf = ({ value }: Key): string => value.slice(value.indexOf(':') + 1);

const keyOf = (row: CustomerRow, source: string): Key => ({
  kind: kindOfRow(row) === 'company' ? 'external-company' : 'external',
  value: externalKey(row.source ?? source, row.externalId),
});

function attributesOf(rows: readonly FileRow<CustomerRow>[], ids: ReadonlyMap<string, string>, source: string): readonly LineFact[] {
  return rows.flatMap(({ line, row }) => Object.entries(row.attributes).flatMap(([name, value]): LineFact[] => {
    const customerId = ids.get(keyName(keyOf(row, source)));
    return value === undefined || customerId === undefined ? [] : [{ kind: 'attribute', line, customerId, name, value, validFrom: row.validFrom ?? always }];
  }));
}

function relationsOf({ line, row }: FileRow<CustomerRow>, source: string): readonly Relation[] {
  return (['company', 'parent'] as const).flatMap((name): Relation[] => {
    const target = row[name];
    return target === undefined ? [] : [{
      line, name, subject: keyOf(row, source), target: { kind: 'external-company', value: externalKey(row.source ?? source, target) }, validFrom: row.validFrom ?? always,
    }];
  });
}

/** Relations between known customers as facts; those whose company is not known yet wait. */
function factsOf(relations: readonly Relation[], ids: ReadonlyMap<string, string>): { readonly facts: readonly LineFact[]; readonly waiting: readonly Relation[] } {
  const facts: LineFact[] = [];
  const waiting: Relation[] = [];
  for (const relation of relations) {
    const [customerId, value] = [ids.get(keyName(relation.subject)), ids.get(keyName(relation.target))];
    if (customerId === undefined || value === undefined) waiting.push(relation);
    else facts.push({ kind: 'relation', line: relation.line, customerId, name: relation.name, value, validFrom: relation.validFrom });
  }
  return { facts, waiting };
}

/** The customer as its rows say it, upon what is known already. */
function saidBy(rows: readonly [CustomerRow, ...CustomerRow[]], { source, country }: ImportCustomersOptions): SaidCustomer {
  const [first] = rows;
  const [key, kind] = [keyOf(first, source), kindOfRow(first)];
  return {
    key,
    draft: (id, known) => {
      const said = rows.reduce(saidUpon, { party: known?.party ?? {}, profile: known?.profile ?? {} });
      const party = masterOf(said.party, kind);
      return masterDraft(id, { key, kind, party, profile: said.profile, source: first.source ?? source, country: party.addresses?.[0]?.country ?? country });
    },
  };
}

/** Who a customer is, and what else is known of it. */
export interface Said {
  readonly party: Party;
  readonly profile: StoredProfile;
}

/** What a row gives, upon what is known. */
export function saidUpon({ party, profile: before }: Said, row: CustomerRow): Said {
  const profile = { ...before, ...profileOf(row, before) };
  return { profile, party: withContacts({ ...party, ...partyOf(row, party) }, profile.contacts ?? [], before.contacts ?? []) };
}

function profileOf(row: CustomerRow, before: StoredProfile): StoredProfile {
  const { maritalStatus, debitorNumber, contacts, mailingBlockUntil: until, mailingBlockReason: reason } = row;
  const ties = [
    ...row.family.map((text): Tie => ({ type: 'family', role: text.slice(0, text.indexOf(':')), externalId: text.slice(text.indexOf(':') + 1).trim() })),
    ...(['agency', 'branch', 'mediator'] as const).flatMap((type) => row[type].map((externalId): Tie => ({ type, externalId }))),
  ];
  const said = new Set(ties.map(({ type }) => type));
  return storedProfile({
    maritalStatus: maritalStatus ?? null, debitorNumber: debitorNumber ?? null, contacts, ties: said.size === 0 ? [] : [...(before.ties ?? []).filter(({ type }) => !said.has(type)), ...ties],
    ...Object.fromEntries(criteria.map((field) => [field, row[field]])),
    ...(until !== undefined && { mailingBlock: { until: until === 'always' ? null : until, reason: reason ?? null } }),
  });
}

function partyOf(row: CustomerRow, before: Party): Party {
  const { externalId, salutation, title, givenName, familyName, fullName, companyName, birthDate, gender, language, nationality, vatId } = row;
  const fields = { externalId, salutation, title, givenName, familyName, fullName, companyName, birthDate, gender, language, nationality, vatId };
  const { street, houseNumber, postalCode, city, region, country } = row;
  const address = given({ street, houseNumber, postalCode, city, region, country });
  const [home, ...others] = before.addresses ?? [];
  return {
    ...given(fields),
    ...(row.emails.length > 0 && { emails: row.emails }),
    ...(row.phones.length > 0 && { phones: row.phones }),
    ...(row.loyalty.length > 0 && { loyalty: row.loyalty.map((text) => ({ program: text.slice(0, text.indexOf(':')).trim(), number: text.slice(text.indexOf(':') + 1).trim() })) }),
    ...(Object.keys(address).length > 0 && { addresses: [{ ...home, ...address }, ...others] }),
  };
}

const given = (fields: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
