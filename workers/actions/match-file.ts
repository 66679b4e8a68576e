import type { Party } from '../../schemas/booking-event.js';
import { type ColumnMap, columnsOfMap, mappedRecord } from '../../schemas/column-map.js';
import type { MatchModel } from '../../schemas/match-model.js';
import { createCandidateIndex, gather, nameOfKey, type Candidate } from '../domain/match/candidates.js';
import { probabilityOfDecision } from '../domain/match/decide.js';
import { matchKeys, type Key } from '../domain/match/keys.js';
import { matchRecords, type MatchedRecord, type RecordToMatch } from '../domain/match/match-records.js';
import { populationOf, priorModel } from '../domain/match/model.js';
import { contactsOf, masterOf, type CustomerDraft } from '../domain/match/new-customer.js';
import { kindOf } from '../domain/match/parties.js';
import { train, type Trained } from '../domain/match/train.js';
import { audit } from '../store/audit.js';
import { allocateCustomerIds, claimIdentities, findCandidates, insertCustomers } from '../store/customers.js';
import type { Database } from '../store/database.js';
import { modelHash } from './match-model.js';
import { openRecords, type RowProblem } from './import-rows.js';

/** A line of `decisions.ndjson`. */
export interface DecisionLine {
  readonly record_id: string;
  readonly decision: 'link' | 'review' | 'new' | 'none';
  /** Of new in a dry run: `new:` and the record that it comes from. */
  readonly customer_id: string | null;
  readonly probability: number;
  readonly weight_bits: number | null;
  readonly margin_bits: number | null;
  readonly runner_up: string | null;
  readonly candidates: readonly { readonly customer_id: string; readonly weight_bits: number }[];
  readonly evidence: readonly { readonly field: string; readonly level: string; readonly bits: number }[];
  readonly vetoes: readonly string[];
  readonly keys_overflowed: readonly string[];
  readonly model_hash: string;
}

export interface MatchFileOptions {
  readonly file: string;
  readonly map: ColumnMap;
  readonly model: MatchModel;
  /** The system that names the records. */
  readonly source: string;
  /** What national phone numbers are read with where a record has no country. */
  readonly country: string | null;
  readonly onProblem: (problem: RowProblem) => void;
  readonly onProgress: (done: number, all: number) => void;
}

export interface MatchedFile {
  readonly decisions: readonly DecisionLine[];
  readonly matched: readonly MatchedRecord[];
  /** The ids of customers that were looked at. */
  readonly known: ReadonlySet<string>;
}

/** The map reads a column that the file does not have. */
class ColumnMissing extends Error {
  override readonly name = 'ColumnMissing';
}

const chunk = 1000;

/**
 * Matches the records of a file with the customers of the database (null: with each other only), by the rules and the model that ingest uses. Nothing is written.
 * A record with a problem is told and left out.
 */
export async function matchFile(database: Database | null, options: MatchFileOptions): Promise<MatchedFile> {
  const { model, onProgress } = options;
  const records = await readRecords(options);
  const { candidates, overflowed, customers } = await candidatesOf(database, records, onProgress);
  const index = createCandidateIndex(candidates, overflowed, populationOf(customers + records.length));
  const hash = modelHash(model);
  const matched = matchRecords(model, records, index, ({ id }) => newIdOf(id), (done) => { onProgress(done, records.length); });
  return { decisions: matched.map((one) => lineOf(one, hash)), matched, known: new Set(candidates.map(({ customerId }) => customerId)) };
}

export interface TrainedModel extends Trained {
  readonly records: number;
  readonly hash: string;
}

/** Learns a model from the records of a file; nobody needs to say who is who. Its version is made of its content. */
export async function trainModel(options: Pick<MatchFileOptions, 'file' | 'map' | 'source' | 'country' | 'onProblem'> & { readonly seed: number }): Promise<TrainedModel> {
  const records = await readRecords(options);
  const trained = train(priorModel, records, options.seed);
  const model = { ...trained.model, version: `model-${modelHash(trained.model).slice(0, 8)}` };
  return { ...trained, model, records: records.length, hash: modelHash(model) };
}

const newIdOf = (record: string): string => `new:${record}`;

async function readRecords({ file, map, source, country, onProblem }: Pick<MatchFileOptions, 'file' | 'map' | 'source' | 'country' | 'onProblem'>): Promise<readonly RecordToMatch[]> {
  const records: RecordToMatch[] = [];
  const seen = new Set<string>();
  let checked = false;
  for await (const record of (await openRecords(file)).records) {
    if ('problem' in record) {
      onProblem({ line: record.line, field: '', value: '', reason: record.problem });
      continue;
    }
    const cells = isObject(record.value) ? record.value : {};
    if (!checked) assertColumns(map, cells, file);
    checked = true;
    const { externalId, ...row } = mappedRecord(map, cells);
    const id = typeof externalId === 'string' ? externalId : '';
    const reason = id === '' ? 'is missing' : seen.has(id) ? 'stands in an earlier line too' : null;
    if (reason !== null) onProblem({ line: record.line, field: map.record, value: id, reason });
    else records.push(recordOf(id, row, { source, country }));
    seen.add(id);
  }
  return records;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

function assertColumns(map: ColumnMap, cells: Readonly<Record<string, unknown>>, file: string): void {
  const names = Object.keys(cells).map((name) => name.trim());
  const missing = columnsOfMap(map).filter((name) => !names.includes(name));
  if (missing.length > 0) throw new ColumnMissing(`${file} has no column ${missing.join(', ')}; it has ${names.join(', ')}`);
}

/** Values are taken as they are: what is no e-mail address, phone number or date is no evidence. */
function recordOf(id: string, row: Readonly<Record<string, unknown>>, { source, country: national }: { readonly source: string; readonly country: string | null }): RecordToMatch {
  const text = (field: string): string | null => (typeof row[field] === 'string' ? row[field] : null);
  const list = (field: string): readonly string[] => (Array.isArray(row[field]) ? row[field].filter((value): value is string => typeof value === 'string') : []);
  const [street, houseNumber, postalCode, city, region, country] = ['street', 'houseNumber', 'postalCode', 'city', 'region', 'country'].map(text);
  const kind = text('kind');
  const party: Party = {
    ...(kind === 'person' || kind === 'company' ? { kind } : {}), externalId: id,
    salutation: text('salutation'), title: text('title'), givenName: text('givenName'), familyName: text('familyName'), fullName: text('fullName'), companyName: text('companyName'),
    vatId: text('vatId'), birthDate: text('birthDate'), gender: text('gender'), language: text('language'), nationality: text('nationality'), emails: [...list('emails')], phones: [...list('phones')],
    addresses: [street, houseNumber, postalCode, city].some((part) => part != null) ? [{ street: street ?? null, houseNumber: houseNumber ?? null, postalCode: postalCode ?? null, city: city ?? null, region: region ?? null, country: country ?? null }] : [],
    loyalty: list('loyalty').map((number) => ({ program: number.slice(0, number.indexOf(':')), number: number.slice(number.indexOf(':') + 1) })),
  };
  return { id, party, keys: matchKeys(party, 'payer', { source, country: country ?? national }, { debitorNumber: text('debitorNumber'), registerNumber: text('registerNumber') }) };
}

async function candidatesOf(database: Database | null, records: readonly RecordToMatch[], onProgress: MatchFileOptions['onProgress']) {
  const candidates = new Map<string, Candidate>();
  const overflowed = new Map<string, Key>();
  let customers = 0;
  for (let first = 0; database !== null && first < records.length; first += chunk) {
    const found = await findCandidates(database, records.slice(first, first + chunk).flatMap(({ keys }) => keys));
    gather(candidates, found.candidates);
    for (const key of found.overflowed) overflowed.set(nameOfKey(key), key);
    customers = found.customers;
    onProgress(first, records.length);
  }
  return { candidates: [...candidates.values()], overflowed: [...overflowed.values()], customers };
}

function lineOf({ record, decision, customerId, overflowed }: MatchedRecord, hash: string): DecisionLine {
  const candidates = decision.candidates.filter(({ verdict }) => verdict !== 'excluded');
  const [first] = candidates;
  return {
    record_id: record.id, decision: decision.decision, customer_id: customerId,
    probability: probabilityOfDecision(decision), weight_bits: decision.weightBits, margin_bits: decision.marginBits,
    runner_up: candidates.find((candidate) => candidate.rootId !== first?.rootId)?.customerId ?? null,
    candidates: candidates.map((candidate) => ({ customer_id: candidate.customerId, weight_bits: candidate.weightBits })),
    evidence: decision.evidence, vetoes: decision.vetoes, keys_overflowed: overflowed.map(({ kind }) => kind), model_hash: hash,
  };
}

/** Somebody else made customers of the same people meanwhile. */
class MatchedTooLate extends Error {
  override readonly name = 'MatchedTooLate';
}

/**
 * Makes the customers that a matched file found to be new, each by the record that it comes from.
 * @throws MatchedTooLate where others became known meanwhile: the batches before are written, running again goes on
 */
export async function createMatchedCustomers(database: Database, { matched, known }: MatchedFile, { source, country, actor, now, onProgress }: Pick<MatchFileOptions, 'source' | 'country' | 'onProgress'> & { readonly actor: string; readonly now: Date }): Promise<ReadonlyMap<string, string>> {
  const fresh = matched.filter(({ decision, customerId }) => decision.decision === 'new' && customerId !== null);
  const ids = new Map<string, string>();
  for (let first = 0; first < fresh.length; first += chunk) {
    const batch = fresh.slice(first, first + chunk);
    await database.transaction(async (tx) => {
      const claims = batch.flatMap(({ record }) => record.keys.filter(({ strong }) => strong));
      await claimIdentities(tx, claims);
      const met = (await findCandidates(tx, claims)).candidates.filter(({ customerId }) => !known.has(customerId) && ![...ids.values()].includes(customerId));
      if (met.length > 0) throw new MatchedTooLate(`customers ${met.slice(0, 5).map(({ customerId }) => customerId).join(', ')} became known while the file was matched: match it again`);
      const allocated = await allocateCustomerIds(tx, batch.length);
      await insertCustomers(tx, batch.map(({ record }, place): CustomerDraft => {
        const kind = kindOf(record.party);
        const id = allocated[place] ?? '';
        ids.set(newIdOf(record.id), id);
        return { id, kind, party: masterOf(record.party, kind), keys: record.keys, contacts: contactsOf(record.party, country), origin: source };
      }));
      await audit(tx, actor, 'match', `records ${batch[0]?.record.id ?? ''}–${batch.at(-1)?.record.id ?? ''}`, { created: batch.length }, now);
    });
    onProgress(first + batch.length, fresh.length);
  }
  return ids;
}
