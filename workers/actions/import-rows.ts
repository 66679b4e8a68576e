import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { z } from 'zod';
import { readCsv } from '../sources/read-csv.js';
import { readNdjson } from '../sources/read-lines.js';
import type { SourceRecord } from '../sources/record.js';

/** What is wrong with a row of a file that people write. */
export interface RowProblem {
  readonly line: number;
  /** Empty: the row as a whole. */
  readonly field: string;
  readonly value: string;
  readonly reason: string;
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

/** Opens a CSV file (comma or semicolon, whichever the first line has more of) or an NDJSON file, in UTF-8; its records come as they are read. */
export async function openRecords(file: string): Promise<RecordFile> {
  const { size } = await stat(file);
  const bytes = createReadStream(file);
  const records = extname(file).toLowerCase() === '.csv'
    ? readCsv(bytes, { csv: { delimiter: await delimiterOf(file), quote: '"', missing: [] }, encoding: 'utf-8' })
    : readNdjson(bytes, { encoding: 'utf-8' });
  return { records, share: () => (size === 0 ? 1 : bytes.bytesRead / size) };
}

async function delimiterOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(65_536), 0, 65_536, 0);
    const [header = ''] = buffer.toString('utf8', 0, bytesRead).split('\n', 1);
    return header.split(';').length > header.split(',').length ? ';' : ',';
  } finally {
    await handle.close();
  }
}

/** A record as a row, or everything that is wrong with it. @param prepare brings the record into the shape that the schema wants */
export function parseRow<Row>(
  record: SourceRecord,
  schema: z.ZodType<Row>,
  prepare: (value: Readonly<Record<string, unknown>>) => unknown = (value) => value,
): FileRow<Row> | { readonly problems: readonly RowProblem[] } {
  if ('problem' in record) return { problems: [{ line: record.line, field: '', value: '', reason: record.problem }] };
  if (!isObject(record.value)) return { problems: [{ line: record.line, field: '', value: '', reason: 'is no object' }] };
  const prepared = prepare(record.value);
  const parsed = schema.safeParse(prepared);
  if (parsed.success) return { line: record.line, row: parsed.data };
  return { problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, record.line, prepared)) };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

function problemsOf(issue: z.core.$ZodIssue, line: number, row: unknown): readonly RowProblem[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((field) => ({ line, field, value: shown(valueAt(row, [field])), reason: 'is no field of this file' }));
  const value = valueAt(row, issue.path);
  const reason = value === undefined ? 'is missing' : issue.message;
  return [{ line, field: issue.path.join('.'), value: shown(value), reason }];
}

const valueAt = (row: unknown, path: readonly PropertyKey[]): unknown => path.reduce((value: unknown, name) => (isObject(value) ? value[String(name)] : Array.isArray(value) ? value[Number(name)] : undefined), row);

function shown(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
