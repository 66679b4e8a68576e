import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import type { SourceMapFile } from '../../schemas/source-map.js';
import { byteText, decoderOf, notInEncoding } from './encoding.js';
import { recordLimit, UnreadableFileError, type Bytes, type SourceRecord } from './record.js';

type CsvMap = Extract<SourceMapFile, { format: 'csv' }>;

interface Row {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** Reads CSV (RFC 4180): the first row names the columns, every value is text. A row with more or fewer columns is a bad record. */
export async function* readCsv(bytes: Bytes, { csv, encoding }: Pick<CsvMap, 'csv' | 'encoding'>): AsyncGenerator<SourceRecord> {
  const decode = decoderOf(encoding);
  const missing = new Set(csv.missing);
  const broken: { readonly problem: string; readonly line: number }[] = [];
  const parser = parse({
    delimiter: csv.delimiter,
    quote: csv.quote,
    encoding: 'latin1',
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: recordLimit,
    on_skip: (error) => {
      const [reason = ''] = (error?.message ?? 'it cannot be read').split(', value is');
      broken.push({ problem: `is no CSV: ${reason}`, line: Number(error?.['lines'] ?? 0) });
      return undefined;
    },
  });
  const source = Readable.from(latin1Chunks(bytes));
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);

  let columns: readonly string[] | undefined;
  let number = 0;
  const takeBroken = (): readonly SourceRecord[] => broken.splice(0).map(({ problem, line }) => ({ number: ++number, line, problem }));
  for await (const { record, info } of parser as AsyncIterable<Row>) {
    yield* takeBroken();
    const values = record.map(decode);
    if (columns === undefined) {
      columns = columnsOf(values, encoding);
      continue;
    }
    const lineBreaks = record.reduce((sum, text) => sum + text.split('\n').length - 1, 0);
    yield { number: ++number, line: info.lines - lineBreaks, ...recordOf(columns, values) };
  }
  yield* takeBroken();

  function recordOf(names: readonly string[], values: readonly (string | undefined)[]): { readonly value: unknown } | { readonly problem: string } {
    if (values.length !== names.length) return { problem: `has ${values.length} columns; the first row names ${names.length}` };
    const value: Record<string, string> = {};
    for (let column = 0; column < names.length; column++) {
      const text = values[column];
      const name = names[column] ?? '';
      if (text === undefined) return { problem: `${name} ${notInEncoding(encoding)}` };
      if (!missing.has(text)) value[name] = text;
    }
    return { value };
  }
}

function columnsOf(values: readonly (string | undefined)[], encoding: string): readonly string[] {
  return values.map((name, column) => {
    if (name === undefined) throw new UnreadableFileError(`the name of column ${column + 1} ${notInEncoding(encoding)}`);
    if (values.indexOf(name) !== column) throw new UnreadableFileError(`two columns are called ${JSON.stringify(name)}`);
    return name;
  });
}

async function* latin1Chunks(bytes: Bytes): AsyncGenerator<Buffer> {
  for await (const text of byteText(bytes)) yield Buffer.from(text, 'latin1');
}
