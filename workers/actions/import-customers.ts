import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Party } from '../../schemas/booking-event.js';
import { mappedRecord, type ColumnMap } from '../../schemas/column-map.js';
import { customerRecordOf, customerRowSchema, kindOfRow, type CustomerRow } from '../../schemas/customers-file.js';
import { isKnownCountry } from '../domain/countries.js';
import { isBirthDate } from '../domain/match/birth-date.js';
import { criteria, storedProfile, withContacts, type StoredProfile, type Tie } from '../domain/customer-profile.js';
import { externalKey, type Key } from '../domain/match/keys.js';
import { masterOf } from '../domain/match/new-customer.js';
import type { SourceRecord } from '../sources/record.js';
import { audit } from '../store/audit.js';
import { takeOverFacts } from '../store/customer-events.js';
import { beginImport, endImport, noteLanded } from '../store/customer-imports.js';
import type { DatedFact } from '../store/customer-master.js';
import type { Database, Queryable } from '../store/database.js';
import { shareFacts, takeFactsLockExclusively } from '../store/facts-lock.js';
import { assertColumns } from './customer-columns.js';
import { isObject, openRecords, parseRow, type FileRow, type RowProblem } from './import-rows.js';
import { CircularCompanies, claimUnknown, customerIds, FactsLockNeeded, keyName, landCustomers, landFacts, lockKnown, masterDraft, type LandedCustomers, type MasterDraft, type SaidCustomer } from './land-customers.js';

export interface CustomerImport {
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  /** Dated attributes and relations that are new or other than before. */
  readonly facts: number;
  /** Orders that will be rated again. */
  readonly stale: number;
  /** Rows that were left out for their problems. */
  readonly refused: number;
  /** Rows that landed without their company or parent, for that is the problem. */
  readonly incomplete: number;
  /** Rows that had landed before a resumed import. */
  readonly skipped: number;
  /** The line up to which it has landed, where it was stopped before its end. */
  readonly stoppedAt: number | null;
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
  /** Go on where an import of this very file was broken off: rows that have landed are read again for what is wrong with them, and not written. */
  readonly resume?: boolean;
  /** Once it is aborted, the batch in hand is finished and no other begun. */
  readonly signal?: AbortSignal;
  /** Called for each thing that is wrong with a row as soon as it is known: of rows that are left out in the order of lines, of those that landed without something later. */
  readonly onProblem: (problem: RowProblem) => void;
  /** Called after each batch: rows so far, and how much of the file they are, from 0 to 1. */
  readonly onProgress: (progress: { readonly rows: number; readonly share: number }) => void;
}

const rowsPerBatch = 1000;

/**
 * Imports customers from CSV or NDJSON, known by source and external id: new ones are inserted, fields that a row gives replace what was there,
 * fields that it leaves empty stay. Each batch is a transaction of its own, which notes how far the file has landed; doing it again changes nothing.
 * A company that stands further down in the file is found in the end, when relations are read again from the first that waited for one;
 * a company that stands nowhere is a problem of the row that names it.
 */
export async function importCustomers(database: Database, options: ImportCustomersOptions): Promise<CustomerImport> {
  const { file, actor, now, resume = false, signal, onProgress } = options;
  const total = { rows: 0, skipped: 0, created: 0, updated: 0, unchanged: 0, facts: 0, stale: 0, refused: 0, incomplete: 0 };
  const digest = await digestOf(options);
  const landedTo = await beginImport(database, { digest, file, actor, now, resume });
  const land = createLanding(database, options, digest, (problems) => {
    total.incomplete += problems.length;
    problems.forEach(options.onProblem);
  });
  /** The first line whose relations may have to wait; of rows that landed before, nobody knows any more. */
  let waiting: number | null = null;
  let landed = 0;

  for await (const { rows, problems, first, last, count, share } of batchesOf(options)) {
    total.rows = count;
    total.refused += new Set(problems.map(({ line }) => line)).size;
    problems.forEach(options.onProblem);
    if (last > landedTo) {
      const { waits, ...counts } = await land.rows(rows, last);
      for (const name of ['created', 'updated', 'unchanged', 'facts', 'stale'] as const) total[name] += counts[name];
      if (waits) waiting ??= first;
    } else {
      total.skipped += rows.length;
      waiting ??= first;
    }
    landed = last;
    onProgress({ rows: count, share });
    if (signal?.aborted === true) return { ...total, stoppedAt: last };
  }
  for await (const { rows, last } of waiting === null ? [] : batchesOf(options, 'related')) {
    if (last < (waiting ?? 0)) continue;
    const { facts, stale } = await land.relations(rows);
    total.facts += facts;
    total.stale += stale;
    onProgress({ rows: total.rows, share: 1 });
    if (signal?.aborted === true) return { ...total, stoppedAt: landed };
  }
  await endImport(database, digest);
  return { ...total, stoppedAt: null };
}

interface Batch {
  readonly rows: readonly FileRow<CustomerRow>[];
  readonly problems: readonly RowProblem[];
  /** Lines of its first and last record. */
  readonly first: number;
  readonly last: number;
  /** Records so far. */
  readonly count: number;
  readonly share: number;
}

/** The file a thousand records at a time, always the same ones; of them the good rows, or only those that name a company or parent. */
async function* batchesOf({ file, map, now }: ImportCustomersOptions, which: 'all' | 'related' = 'all'): AsyncGenerator<Batch> {
  const { records, share } = await openRecords(file, (names) => { assertColumns(names, map); });
  const prepare = map === undefined ? plainRecord : prepareBy(map);
  const isLeftOut = (record: SourceRecord): boolean => which === 'related' && 'value' in record && isObject(record.value) && !isRelated(prepare(record.value));
  let count = 0;
  let batch = { rows: [] as FileRow<CustomerRow>[], problems: [] as RowProblem[], first: 0, last: 0 };
  for await (const record of records) {
    count++;
    const parsed = isLeftOut(record) ? { problems: [] } : parseRow(record, customerRowSchema, prepare);
    const problems = 'problems' in parsed ? parsed.problems : problemsOf(parsed, now);
    batch.problems.push(...problems);
    if (!('problems' in parsed) && problems.length === 0) batch.rows.push(parsed);
    if (batch.first === 0) batch.first = record.line;
    batch.last = record.line;
    if (count % rowsPerBatch === 0) {
      yield { ...batch, count, share: share() };
      batch = { rows: [], problems: [], first: 0, last: 0 };
    }
  }
  if (batch.first > 0) yield { ...batch, count, share: 1 };
}

/** Names what an import does: the bytes of its file, and the options that decide what its rows say. */
async function digestOf({ file, map, source, country }: ImportCustomersOptions): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify({ map, source, country }));
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

/** Empty cells say nothing: without them, a row of many columns is checked in half the time. */
const plainRecord = (record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => customerRecordOf(Object.fromEntries(Object.entries(record).filter(([, value]) => value !== '')));

const isRelated = ({ company, parent }: Readonly<Record<string, unknown>>): boolean => company !== undefined || parent !== undefined;

const prepareBy = (map: ColumnMap) => (record: Readonly<Record<string, unknown>>) => mappedRecord(map, record);

/** What the schema cannot tell of a row. */
export function problemsOf({ line, row }: FileRow<CustomerRow>, now: Date): readonly RowProblem[] {
  const { birthDate, country, nationality } = row;
  const told: RowProblem[] = [];
  if (birthDate !== undefined && !isBirthDate(birthDate)) told.push({ line, field: 'birthDate', value: birthDate, reason: 'must be a birth date such as 1980-05-10' });
  else if (birthDate !== undefined && !isBirthDate(birthDate, now.toISOString().slice(0, 10))) told.push({ line, field: 'birthDate', value: birthDate, reason: 'lies in the future' });
  for (const [field, value] of Object.entries({ country, nationality })) {
    if (value !== undefined && !isKnownCountry(value)) told.push({ line, field, value, reason: 'must be a country of ISO 3166, such as DE or DEU' });
  }
  return told;
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
  /** Whether a relation waits for a company that nobody knows yet. */
  readonly waits: boolean;
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

/** Postgres ended this transaction because another one waits for it and it for the other: nothing of it is left, and it can begin again. */
const isDeadlock = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === '40P01';

interface Landing {
  /** @param last the line up to which the file has landed then */
  rows(rows: readonly FileRow<CustomerRow>[], last: number): Promise<Landed>;
  /** The relations of rows that have landed, when every company of the file has. */
  relations(rows: readonly FileRow<CustomerRow>[]): Promise<Pick<Landed, 'facts' | 'stale'>>;
}

/** @param onUnrelated told of rows that landed without their company or parent, each row once */
function createLanding(database: Database, options: ImportCustomersOptions, digest: string, onUnrelated: (problems: readonly RowProblem[]) => void): Landing {
  /** Once a batch needed the facts lock, the next ones of the file will. */
  let exclusive = false;
  /** Lines whose relation makes a circle: it is left out, and told once. */
  const circular = new Set<number>();

  async function attempt<Result>(rows: readonly FileRow<CustomerRow>[], work: (tx: Queryable, relations: readonly Relation[]) => Promise<Result>): Promise<Result> {
    const relations = rows.flatMap((each) => relationsOf(each, options.source));
    for (;;) {
      try {
        return await database.transaction(async (tx) => {
          await (exclusive ? takeFactsLockExclusively(tx) : shareFacts(tx));
          return work(tx, relations.filter(({ line }) => !circular.has(line)));
        });
      } catch (error) {
        if (error instanceof FactsLockNeeded) exclusive = true;
        else if (isDeadlock(error)) continue;
        else if (error instanceof Circular) {
          onUnrelated(relations.filter(({ line }) => error.lines.includes(line)).map(({ line, target }) => ({ line, field: 'parent', value: externalIdOf(target), reason: 'makes a circle of companies', landed: true })));
          error.lines.forEach((line) => circular.add(line));
        } else throw error;
      }
    }
  }

  return {
    rows: (rows, last) => attempt(rows, async (tx, relations) => {
      const landed = await landRows(tx, rows, relations, exclusive, options);
      await noteLanded(tx, digest, last);
      return landed;
    }),
    async relations(rows) {
      const { waiting, ...landed } = await attempt(rows, async (tx, relations) => {
        const ids = await customerIds(tx, relations.flatMap(({ subject, target }) => [subject, target]));
        const related = factsOf(relations, ids);
        return { ...(await landLineFacts(tx, related.facts, { ids, created: new Set(), updated: 0, rerated: [] }, exclusive, options)), waiting: related.waiting };
      });
      onUnrelated(waiting.map(({ line, name, target }) => ({ line, field: name, value: externalIdOf(target), reason: 'is no company that is known', landed: true })));
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
  return { ...landed, ...changes, unchanged: said.length - customers.created.size - customers.updated, waits: waiting.length > 0 };
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
  return rows.flatMap(({ line, row }) => [...Object.entries(row.attributes), ...row.ended.map((name) => [name, null] as const)].flatMap(([name, value]): LineFact[] => {
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

/** The customer as its rows say it, upon what is known already; made once of somebody whom nobody knows, however often it is asked for. */
function saidBy(rows: readonly [CustomerRow, ...CustomerRow[]], { source, country }: ImportCustomersOptions): SaidCustomer {
  const [first] = rows;
  const [key, kind] = [keyOf(first, source), kindOfRow(first)];
  const upon = (id: string, before: Said): MasterDraft => {
    const said = rows.reduce(saidUpon, before);
    const party = masterOf(said.party, kind);
    return masterDraft(id, { key, kind, party, profile: said.profile, source: first.source ?? source, country: party.addresses?.[0]?.country ?? country });
  };
  let unknown: MasterDraft | undefined;
  return { key, draft: (id, known) => (known === undefined ? { ...(unknown ??= upon('', { party: {}, profile: {} })), id } : upon(id, known)) };
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
  const { maritalStatus, debitorNumber, registerNumber, contacts, mailingBlockUntil: until, mailingBlockReason: reason } = row;
  const ties = [
    ...row.family.map((text): Tie => ({ type: 'family', role: text.slice(0, text.indexOf(':')), externalId: text.slice(text.indexOf(':') + 1).trim() })),
    ...(['agency', 'branch', 'mediator'] as const).flatMap((type) => row[type].map((externalId): Tie => ({ type, externalId }))),
  ];
  const said = new Set(ties.map(({ type }) => type));
  return storedProfile({
    externalIds: row.externalIds.map((text) => ({ source: text.slice(0, text.indexOf(':')).trim(), externalId: text.slice(text.indexOf(':') + 1).trim() })),
    maritalStatus: maritalStatus ?? null, debitorNumber: debitorNumber ?? null, registerNumber: registerNumber ?? null, contacts, ties: said.size === 0 ? [] : [...(before.ties ?? []).filter(({ type }) => !said.has(type)), ...ties],
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
