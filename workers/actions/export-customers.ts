import { customerRecordOf, customerRowSchema } from '../../schemas/customers-file.js';
import type { StoredProfile } from '../domain/customer-profile.js';
import { customerRows, hasMoreAddresses } from '../domain/customer-rows.js';
import { audit } from '../store/audit.js';
import { customersBehind, exportedAtAll, type ExportedCustomer, type ExportedWhich } from '../store/customer-export.js';
import { readAtOneMoment, type Database } from '../store/database.js';
import { csvLine } from './csv-line.js';
import { problemsOf } from './import-customers.js';
import { parseRow } from './import-rows.js';

export type CustomerFormat = 'csv' | 'ndjson';

/** Something of a customer that the file has no place for. */
export interface Omitted {
  readonly customerId: string;
  readonly field: string;
}

export interface CustomerExport {
  readonly customers: number;
  readonly rows: number;
  /** Customers that bookings made without an id of theirs: they are not in the file. */
  readonly withoutId: number;
  /** Fields that are not in the file. */
  readonly omitted: number;
}

export interface ExportCustomersOptions extends ExportedWhich {
  readonly format: CustomerFormat;
  /** For the audit log: where the file goes. */
  readonly file: string;
  readonly actor: string;
  readonly now: Date;
  /** Takes a piece of the file, and answers when there may be more. */
  readonly write: (text: string) => Promise<void>;
  readonly onOmitted: (omitted: Omitted) => void;
  readonly onProgress: (progress: { readonly rows: number; readonly share: number }) => void;
}

const customersAtOnce = 1000;

/**
 * Writes all active customers, as they are at one moment, in the format of `importCustomers`: importing the file changes nothing, and makes the same customers of
 * an empty database. Each of merged customers has its own rows. What only the database knows is not in the file: merges, consents, what bookings have shown.
 */
export async function exportCustomers(database: Database, options: ExportCustomersOptions): Promise<CustomerExport> {
  const { format, kind, source, file, actor, now, write, onProgress } = options;
  const total = { customers: 0, rows: 0, withoutId: 0, omitted: 0 };
  await database.transaction(async (tx) => {
    await readAtOneMoment(tx);
    const all = await exportedAtAll(tx, options);
    const lineOf = format === 'csv' ? csvFormat(all.attributes) : (row: object): string => `${JSON.stringify(row)}\n`;
    if (format === 'csv') await write(csvLine(csvColumns(all.attributes)));
    let read = 0;
    let page: readonly ExportedCustomer[];
    for (let last = '0'; (page = await customersBehind(tx, last, options, customersAtOnce)).length > 0; last = page.at(-1)?.id ?? last) {
      let text = '';
      for (const customer of page) {
        if (customer.key === null) {
          if (source === null) total.withoutId++;
          continue;
        }
        const { rows, omitted } = saidInFile(customer, customer.key, now);
        if (rows.length > 0) total.customers++;
        total.rows += rows.length;
        total.omitted += omitted.length;
        omitted.forEach((field) => { options.onOmitted({ customerId: customer.id, field }); });
        for (const row of rows) text += lineOf(row);
      }
      await write(text);
      read += page.length;
      onProgress({ rows: total.rows, share: Math.min(1, read / Math.max(1, all.customers)) });
    }
  });
  await audit(database, actor, 'customers export', file, { ...total, kind, source }, now);
  return total;
}

type FileRecord = Readonly<Record<string, unknown>>;

/** The rows of a customer, each such that the import takes it, and the fields that had to be left out for that. */
function saidInFile({ kind, party, profile, attributes, relations }: ExportedCustomer, key: string, now: Date): { readonly rows: readonly FileRecord[]; readonly omitted: readonly string[] } {
  const externalId = party.externalId?.trim() ?? '';
  const source = key.slice(0, -externalId.length - 1);
  const omitted: string[] = hasMoreAddresses(party, profile) ? ['addresses'] : [];
  const said = relations.flatMap(({ type, validFrom, keys }) => {
    const found = keys.find((other) => other.startsWith(`${source}:`));
    if (found === undefined) omitted.push(type);
    return found === undefined ? [] : [{ type, validFrom, externalId: found.slice(source.length + 1) }];
  });
  const rowsWith = (known: StoredProfile) => customerRows({ externalId, source, kind, party, profile: known, attributes, relations: said }).map((row) => importable(row, now));
  const taken = rowsWith(profile);
  omitted.push(...taken.flatMap((each) => each.omitted));
  // Where contact points cannot be said with their labels, they are said without.
  const rows = taken.some((each) => each.omitted.includes('contacts')) ? rowsWith({ ...profile, contacts: null }) : taken;
  return { rows: rows.flatMap(({ row }) => (row === null ? [] : [row])), omitted };
}

/** A row without the fields that the import would refuse. */
function importable(row: FileRecord, now: Date): { readonly row: FileRecord | null; readonly omitted: readonly string[] } {
  const parsed = parseRow({ number: 1, line: 1, value: row }, customerRowSchema, customerRecordOf);
  const problems = 'problems' in parsed ? parsed.problems : problemsOf(parsed, now);
  if (problems.length === 0) return { row, omitted: [] };
  const wrong = new Set(problems.map(({ field }) => field.split('.', 1)[0] ?? ''));
  if ([...wrong].some((field) => !(field in row)) || wrong.has('externalId') || wrong.has('source')) return { row: null, omitted: [...wrong] };
  const rest = importable(Object.fromEntries(Object.entries(row).filter(([field]) => !wrong.has(field))), now);
  return { row: rest.row, omitted: [...wrong, ...rest.omitted] };
}

const attributePrefix = 'attribute.';

const csvColumns = (attributes: readonly string[]): readonly string[] =>
  Object.keys(customerRowSchema.shape).flatMap((field) => (field === 'attributes' ? attributes.map((name) => `${attributePrefix}${name}`) : [field]));

/** A record as a row of CSV. Lists have `|` between their entries, where none holds one. */
function csvFormat(attributes: readonly string[]): (row: FileRecord) => string {
  const columns = csvColumns(attributes);
  return (row) => {
    const values = new Map(Object.entries(typeof row['attributes'] === 'object' && row['attributes'] !== null ? row['attributes'] : {}).map(([name, value]) => [`${attributePrefix}${name}`, value as unknown]));
    return csvLine(columns.map((column) => cellOf(column.startsWith(attributePrefix) ? values.get(column) : row[column])));
  };
}

function cellOf(value: unknown): string {
  if (value == null) return '';
  if (typeof value === 'string') return value;
  const isPlain = Array.isArray(value) && value.every((entry) => typeof entry === 'string' && !entry.includes('|')) && !String(value[0]).startsWith('[');
  return isPlain ? value.join('|') : JSON.stringify(value);
}
