import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { z } from 'zod';
import { readCsv } from '../sources/read-csv.js';
import { readNdjson } from '../sources/read-lines.js';
import { otherFormat } from '../sources/read-records.js';
import { UnreadableFileError, type SourceRecord } from '../sources/record.js';
import { plainCell } from './csv-line.js';

/** What is wrong with a row of a file that people write. */
export interface RowProblem {
  /** Where several are read: the one that holds the row. */
  readonly file?: string;
  readonly line: number;
  /** Empty: the row as a whole. */
  readonly field: string;
  readonly value: string;
  readonly reason: string;
  /** Whether the row landed all the same, without what the problem is about; left out: it did not. */
  readonly landed?: boolean;
}

export interface FileRow<Row> {
  readonly line: number;
  readonly row: Row;
}

export interface RecordFile {
  readonly records: AsyncGenerator<SourceRecord>;
  /** How much of the file has been read, from 0 to 1. */
  readonly share: () => number;
}

/**
 * Opens a CSV file (comma, semicolon or tab, whichever the first line has most of) or an NDJSON file, in UTF-8; its records come as they are read.
 * @param onColumns called with the columns of a CSV file; what it throws ends the reading
 * @throws UnreadableFileError with the file's name: what it is instead
 */
export async function openRecords(file: string, onColumns?: (names: readonly string[]) => void): Promise<RecordFile> {
  const head = await headOf(file);
  const { size } = await stat(file);
  const format = formatOf(file, head);
  const bytes = createReadStream(file);
  const records = format === 'csv' ? readCsv(bytes, { csv: { delimiter: delimiterOf(head), quote: '"', missing: [] }, encoding: 'utf-8' }, onColumns) : readNdjson(bytes, { encoding: 'utf-8' });
  return { records: named(file, format === 'csv' ? plainCells(records) : records), share: () => (size === 0 ? 1 : bytes.bytesRead / size) };
}

async function headOf(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(65_536), 0, 65_536, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** How files begin that are no text in UTF-8, and what to do with them. */
const otherFiles: readonly (readonly [beginning: string, hint: string])[] = [
  ['1f8b', 'is gzipped: unpack it first'],
  ['504b0304', 'is a zip or an Excel workbook: unpack it first, or save it as CSV in UTF-8'],
  ['d0cf11e0', 'is an Excel workbook: save it as CSV in UTF-8'],
  ['28b52ffd', 'is packed (zstd): unpack it first'],
  ['fd377a58', 'is packed (xz): unpack it first'],
  ['425a68', 'is packed (bzip2): unpack it first'],
  ['fffe', 'is in UTF-16: save it in UTF-8'],
  ['feff', 'is in UTF-16: save it in UTF-8'],
];

function formatOf(file: string, head: Buffer): 'csv' | 'ndjson' {
  if (head.length === 0) throw new UnreadableFileError(`${file} is empty`);
  const beginning = head.toString('hex', 0, 4);
  const hint = otherFiles.find(([other]) => beginning.startsWith(other))?.[1] ?? (/^(?:00..|..00)/.test(beginning) ? 'is in UTF-16, or no text at all: save it in UTF-8' : undefined);
  if (hint !== undefined) throw new UnreadableFileError(`${file} ${hint}`);
  const text = head.toString('latin1', 0, 4096).replace(/^\u00ef\u00bb\u00bf/, '').trim();
  const format = extname(file).toLowerCase() === '.csv' ? 'csv' : 'ndjson';
  const found = text === '' ? 'nothing but blanks' : otherFormat(text, format);
  if (found !== undefined) throw new UnreadableFileError(`${file} is no ${format.toUpperCase()}, as its name says: it looks like ${found}`);
  return format;
}

function delimiterOf(head: Buffer): string {
  const [header = ''] = head.toString('utf8').split('\n', 1);
  const count = (delimiter: string): number => header.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

/** Records without what keeps spreadsheets from taking a cell for a formula. */
async function* plainCells(records: AsyncIterable<SourceRecord>): AsyncGenerator<SourceRecord> {
  for await (const record of records) {
    const cells = 'value' in record && isObject(record.value) ? record.value : {};
    const isGuarded = Object.values(cells).some((cell) => typeof cell === 'string' && cell.startsWith("'"));
    yield isGuarded ? { ...record, value: Object.fromEntries(Object.entries(cells).map(([name, cell]) => [name, typeof cell === 'string' ? plainCell(cell) : cell])) } : record;
  }
}

async function* named(file: string, records: AsyncIterable<SourceRecord>): AsyncGenerator<SourceRecord> {
  try {
    yield* records;
  } catch (error) {
    throw error instanceof UnreadableFileError ? new UnreadableFileError(`${file}: ${error.message}`) : error;
  }
}

/** A record as a row, or everything that is wrong with it, each field once. @param prepare brings the record into the shape that the schema wants */
export function parseRow<Row>(
  record: SourceRecord,
  schema: z.ZodType<Row>,
  prepare: (value: Readonly<Record<string, unknown>>) => unknown = (value) => value,
): FileRow<Row> | { readonly problems: readonly RowProblem[] } {
  const { line } = record;
  if ('problem' in record) return { problems: [record.cell === undefined ? { line, field: '', value: '', reason: record.problem } : { line, field: record.cell.field, value: shown(record.cell.value), reason: notUtf8 }] };
  if (!isObject(record.value)) return { problems: [{ line, field: '', value: shown(record.value), reason: 'is no object such as {"externalId": "4711", "familyName": "Example"}' }] };
  const prepared = prepare(record.value);
  const parsed = schema.safeParse(prepared);
  if (parsed.success) return { line, row: parsed.data };
  const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, line, prepared));
  return { problems: problems.filter(({ field }, index) => problems.findIndex((other) => other.field === field) === index) };
}

const notUtf8 = 'holds characters that are not UTF-8: save the file in UTF-8';

/** An object, as JSON has them. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

function problemsOf(issue: z.core.$ZodIssue, line: number, row: unknown): readonly RowProblem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => ({ line, field: shown([...issue.path, name].join('.')), value: shown(valueAt(row, [...issue.path, name])), reason: 'is no field of this file' }));
  const value = valueAt(row, issue.path);
  const reason = issue.code === 'invalid_key' ? issue.issues[0]?.message ?? issue.message : value === undefined ? 'is missing' : issue.message;
  return [{ line, field: shown(issue.path.join('.')), value: shown(value), reason }];
}

const valueAt = (row: unknown, path: readonly PropertyKey[]): unknown => path.reduce((value: unknown, name) => (isObject(value) ? value[String(name)] : Array.isArray(value) ? value[Number(name)] : undefined), row);

function shown(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
