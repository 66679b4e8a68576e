import { externalKey } from '../domain/match/keys.js';
import { sensitiveRowSchema, type SensitiveKind, type SensitiveRow } from '../../schemas/sensitive-file.js';
import { audit } from '../store/audit.js';
import { customersByKey } from '../store/customer-master.js';
import type { Database, Queryable } from '../store/database.js';
import { selvesOf } from '../store/merges.js';
import { deleteEntries, insertSensitive, readSensitive, replaceSealed, sealedByOthers, type SealedEntry } from '../store/sensitive.js';
import { openRecords, parseRow, type FileRow, type RowProblem } from './import-rows.js';
import { CustomerRefused } from './merge-customers.js';

/** AES-256-GCM with a key from the environment: what is sealed for one place opens at no other. */
export interface Sealing {
  readonly keyId: string;
  seal(plain: Uint8Array, place: string): Buffer;
  open(sealed: Uint8Array, place: string): Buffer;
}

/** An entry as somebody reads it who may. */
export interface SensitiveEntry extends Omit<SealedEntry, 'sealed' | 'keyId'> {
  readonly text: string;
  readonly consentProof: string;
}

interface Doing {
  readonly actor: string;
  readonly now: Date;
}

/** What is said of a customer; `consentProof` shows that the customer agreed explicitly. */
export interface SensitiveRequest extends Doing {
  readonly customer: string;
  readonly kind: SensitiveKind;
  readonly text: string;
  readonly consentProof: string;
  readonly consentAt: Date;
  readonly source: string;
}

type Said = Pick<SensitiveRequest, 'kind' | 'text' | 'consentProof' | 'consentAt' | 'source'> & { readonly customerId: string };

const placeOf = (customerId: string, kind: SensitiveKind): string => `customer ${customerId} ${kind}`;

const sealedOf = (sealing: Sealing, { customerId, kind, text, consentProof, consentAt, source }: Said, { actor, now }: Doing): Omit<SealedEntry, 'id'> => ({
  customerId, kind, sealed: sealing.seal(Buffer.from(JSON.stringify({ text, consentProof })), placeOf(customerId, kind)), keyId: sealing.keyId, source, consentAt, notedAt: now, notedBy: actor,
});

function opened(sealing: Sealing, { id, customerId, kind, sealed, source, consentAt, notedAt, notedBy }: SealedEntry): SensitiveEntry {
  const { text, consentProof } = JSON.parse(sealing.open(sealed, placeOf(customerId, kind)).toString()) as Pick<SensitiveEntry, 'text' | 'consentProof'>;
  return { id, customerId, kind, text, consentProof, source, consentAt, notedAt, notedBy };
}

/** Notes special-category data of a customer, by the customer's explicit consent. The audit log says that, not what. @throws CustomerRefused */
export async function addSensitive(database: Database, sealing: Sealing, request: SensitiveRequest): Promise<{ readonly entry: string }> {
  const { customer, kind, text, consentProof, consentAt, actor, now } = request;
  if (consentProof.trim() === '') throw new CustomerRefused('without explicit consent nothing of this kind is kept: say how it can be shown');
  if (consentAt > now) throw new CustomerRefused('the consent lies in the future');
  if (text.trim() === '') throw new CustomerRefused('there is nothing to be noted: the text is empty');
  return database.transaction(async (tx) => {
    const known = await entriesOf(tx, sealing, [customer]);
    if (known.some((entry) => entry.kind === kind && entry.text === text.trim())) throw new CustomerRefused(`that is noted of customer ${customer} already`);
    const [entry = ''] = await insertSensitive(tx, [sealedOf(sealing, { ...request, customerId: customer, text: text.trim() }, request)]);
    await audit(tx, actor, 'customers sensitive add', customer, { entry, kind }, now);
    return { entry };
  });
}

/** What is noted of a customer and everybody who was merged with it. That somebody looked is noted as well. */
export async function showSensitive(database: Database, sealing: Sealing, { customer, actor, now }: Doing & { readonly customer: string }): Promise<readonly SensitiveEntry[]> {
  return database.transaction(async (tx) => {
    const entries = await entriesOf(tx, sealing, await selvesOf(tx, [customer]));
    await audit(tx, actor, 'customers sensitive show', customer, { entries: entries.length }, now);
    return entries;
  });
}

const entriesOf = async (tx: Queryable, sealing: Sealing, ids: readonly string[]): Promise<readonly SensitiveEntry[]> => (await readSensitive(tx, ids)).map((entry) => opened(sealing, entry));

/** The consent is withdrawn: the entry is deleted, and with it what it said. @throws CustomerRefused */
export async function removeSensitive(database: Database, { customer, entry, actor, now }: Doing & { readonly customer: string; readonly entry: string }): Promise<void> {
  await database.transaction(async (tx) => {
    const known = await readSensitive(tx, await selvesOf(tx, [customer]));
    if (!known.some(({ id }) => id === entry)) throw new CustomerRefused(`customer ${customer} has no entry ${entry}: look with midline customers sensitive show ${customer}`);
    await deleteEntries(tx, [entry]);
    await audit(tx, actor, 'customers sensitive remove', customer, { entry }, now);
  });
}

const atOnce = 500;

/** Seals with the current key what other keys have sealed; they can be thrown away then. @returns how many entries */
export async function resealSensitive(database: Database, sealing: Sealing, { actor, now, onProgress }: Doing & { readonly onProgress: (done: number) => void }): Promise<number> {
  let done = 0;
  for (let more = true; more;) {
    const count = await database.transaction(async (tx) => {
      const entries = await sealedByOthers(tx, sealing.keyId, atOnce);
      await replaceSealed(tx, entries.map(({ id, customerId, kind, sealed }) => {
        const place = placeOf(customerId, kind);
        return { id, sealed: sealing.seal(sealing.open(sealed, place), place), keyId: sealing.keyId };
      }));
      return entries.length;
    });
    more = count === atOnce;
    onProgress(done += count);
  }
  await audit(database, actor, 'customers sensitive reseal', sealing.keyId, { entries: done }, now);
  return done;
}

export interface SensitiveImport {
  readonly rows: number;
  readonly added: number;
  readonly unchanged: number;
  readonly refused: number;
}

export interface ImportSensitiveOptions extends Doing {
  readonly file: string;
  /** Source of rows that name none. */
  readonly source: string;
  readonly onProblem: (problem: RowProblem) => void;
  readonly onProgress: (progress: { readonly rows: number; readonly share: number }) => void;
}

/** Notes what the rows of a file say of known customers. Doing it again changes nothing. Problems never tell the text of a need. */
export async function importSensitive(database: Database, sealing: Sealing, options: ImportSensitiveOptions): Promise<SensitiveImport> {
  const total = { rows: 0, added: 0, unchanged: 0 };
  const refused = new Set<number>();
  const refuse = (problem: RowProblem): void => {
    refused.add(problem.line);
    options.onProblem(openFields.has(problem.field) ? problem : { ...problem, value: '' });
  };
  const { records, share } = await openRecords(options.file);
  let batch: FileRow<SensitiveRow>[] = [];

  async function land(): Promise<void> {
    const { added, unchanged } = await landRows(database, sealing, batch, options, refuse);
    total.added += added;
    total.unchanged += unchanged;
    batch = [];
    options.onProgress({ rows: total.rows, share: share() });
  }

  for await (const record of records) {
    total.rows += 1;
    const parsed = parseRow(record, sensitiveRowSchema);
    if ('problems' in parsed) parsed.problems.forEach(refuse);
    else if (new Date(parsed.row.consentAt) > options.now) refuse({ line: parsed.line, field: 'consentAt', value: parsed.row.consentAt, reason: 'lies in the future' });
    else if (batch.push(parsed) === atOnce) await land();
  }
  await land();
  return { ...total, refused: refused.size };
}

/** Of which a problem may tell the value. */
const openFields: ReadonlySet<string> = new Set(['externalId', 'source', 'kind', 'consentAt']);

async function landRows(database: Database, sealing: Sealing, rows: readonly FileRow<SensitiveRow>[], options: ImportSensitiveOptions, refuse: (problem: RowProblem) => void): Promise<{ readonly added: number; readonly unchanged: number }> {
  if (rows.length === 0) return { added: 0, unchanged: 0 };
  return database.transaction(async (tx) => {
    const names = [...new Set(rows.map(({ row }) => externalKey(row.source ?? options.source, row.externalId)))].sort();
    const ids = new Map((await customersByKey(tx, names.map((value) => ({ kind: 'external', value })))).map(({ key, id }) => [key.value, id]));
    const known = new Set((await entriesOf(tx, sealing, [...new Set(ids.values())])).map(contentOf));
    const fresh = new Map<string, Said>();
    let unchanged = 0;
    for (const { line, row } of rows) {
      const customerId = ids.get(externalKey(row.source ?? options.source, row.externalId));
      if (customerId === undefined) refuse({ line, field: 'externalId', value: row.externalId, reason: 'is nobody who is known: import the customers first' });
      else {
        const said: Said = { customerId, kind: row.kind, text: row.text, consentProof: row.consentProof, consentAt: new Date(row.consentAt), source: row.source ?? options.source };
        if (known.has(contentOf(said)) || fresh.has(contentOf(said))) unchanged += 1;
        else fresh.set(contentOf(said), said);
      }
    }
    await insertSensitive(tx, [...fresh.values()].map((said) => sealedOf(sealing, said, options)));
    if (fresh.size > 0) await audit(tx, options.actor, 'customers sensitive import', `lines ${rows[0]?.line ?? ''}–${rows.at(-1)?.line ?? ''}`, { entries: fresh.size }, options.now);
    return { added: fresh.size, unchanged };
  });
}

const contentOf = ({ customerId, kind, text }: Pick<Said, 'customerId' | 'kind' | 'text'>): string => `${customerId} ${kind} ${text}`;
