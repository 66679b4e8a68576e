import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import type { SourceMapFile } from '../../schemas/source-map.js';
import { byteText, decoderOf, notInEncoding } from './encoding.js';
import { recordLimit, UnreadableFileError, type BadRecord, type Bytes, type SourceRecord } from './record.js';

type CsvMap = Extract<SourceMapFile, { format: 'csv' }>;

/** Reads CSV (RFC 4180): the first row names the columns, every value is text. A row with more or fewer columns is a bad record. */
export async function* readCsv(bytes: Bytes, { csv, encoding }: Pick<CsvMap, 'csv' | 'encoding'>): AsyncGenerator<SourceRecord> {
  const decode = decoderOf(encoding);
  const missing = new Set(csv.missing);
  // The parser runs ahead of whoever reads it: rows are numbered where it meets them, so that broken ones keep their place.
  // Number and line travel as the first two cells; the row that names the columns is number 0.
  let met = -1;
  const broken: BadRecord[] = [];
  const parser = parse({
    delimiter: csv.delimiter,
    quote: csv.quote,
    encoding: 'latin1',
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: recordLimit,
    on_record: (cells, { lines }) => [String(++met), String(lines - lineBreaksIn(cells)), ...cells],
    on_skip: (error) => {
      const [reason = ''] = (error?.message ?? 'it cannot be read').split(', value is');
      broken.push({ number: ++met, line: Number(error?.['lines'] ?? 0), problem: `is no CSV: ${reason}` });
      return undefined;
    },
  });
  const source = Readable.from(latin1Chunks(bytes));
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);

  let columns: readonly string[] | undefined;
  for await (const [numberText, lineText, ...cells] of parser as AsyncIterable<readonly string[]>) {
    const number = Number(numberText);
    while (broken[0] !== undefined && broken[0].number < number) yield* broken.splice(0, 1);
    const values = cells.map(decode);
    if (columns !== undefined) yield { number, line: Number(lineText), ...recordOf(columns, values) };
    else if (number > 0) throw new UnreadableFileError('the first row, which should name the columns, is no CSV');
    else columns = columnsOf(values, encoding);
  }
  yield* broken;

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
  const known = new Set<string>();
  return values.map((name, column) => {
    if (name === undefined) throw new UnreadableFileError(`the name of column ${column + 1} ${notInEncoding(encoding)}`);
    if (known.has(name)) throw new UnreadableFileError(`two columns are called ${JSON.stringify(name)}`);
    // A value under this name would vanish from the record.
    if (name === '__proto__') throw new UnreadableFileError(`the name of column ${column + 1} is __proto__, which no record can hold`);
    known.add(name);
    return name;
  });
}

const lineBreaksIn = (cells: readonly string[]): number => cells.reduce((sum, cell) => sum + (cell.includes('\n') ? cell.split('\n').length - 1 : 0), 0);

async function* latin1Chunks(bytes: Bytes): AsyncGenerator<Buffer> {
  for await (const text of byteText(bytes)) yield Buffer.from(text, 'latin1');
}
