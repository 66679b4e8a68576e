import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import type { SourceMapFile } from '../../schemas/source-map.js';
import { wholeRows } from './csv-rows.js';
import { byteText, decoderOf, notInEncoding } from './encoding.js';
import { UnreadableFileError, type BadCell, type Bytes, type SourceRecord } from './record.js';

type CsvMap = Extract<SourceMapFile, { format: 'csv' }>;

/**
 * Reads CSV (RFC 4180): the first row names the columns, every value is text. A row with more or fewer columns is a bad record.
 * @param onColumns called with the names of the columns; what it throws ends the reading
 */
export async function* readCsv(bytes: Bytes, { csv, encoding }: Pick<CsvMap, 'csv' | 'encoding'>, onColumns: (names: readonly string[]) => void = () => undefined): AsyncGenerator<SourceRecord> {
  const decode = decoderOf(encoding);
  const missing = new Set(csv.missing);
  const broken = new Map<number, string>();
  let lineEnd = '\n';
  const rows = wholeRows(byteText(bytes), csv, ({ line, problem }) => { broken.set(line, problem); }, (end) => { lineEnd = end; });
  const first = await rows.next();
  if (first.done === true) return;

  const parser = parse({ delimiter: csv.delimiter, quote: csv.quote, encoding: 'latin1', relax_column_count: true, record_delimiter: lineEnd === '\r' ? '\r' : ['\r\n', '\n'] });
  const source = Readable.from(latin1Chunks(first.value, rows));
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);

  let columns: readonly string[] | undefined;
  let number = 0;
  let line = 1;
  for await (const cells of parser as AsyncIterable<readonly string[]>) {
    const begins = line;
    line += 1 + cells.reduce((sum, cell) => sum + (cell.includes(lineEnd) ? cell.split(lineEnd).length - 1 : 0), 0);
    const problem = broken.get(begins);
    if (problem !== undefined) {
      broken.delete(begins);
      yield { number: ++number, line: begins, problem };
    } else if (cells.length > 1 || cells[0] !== '') {
      const values = cells.map(decode);
      if (columns === undefined) onColumns(columns = columnsOf(values, encoding));
      else yield { number: ++number, line: begins, ...recordOf(columns, values, cells) };
    }
  }
  for (const [begins, problem] of broken) yield { number: ++number, line: begins, problem };

  function recordOf(
    names: readonly string[], values: readonly (string | undefined)[], cells: readonly string[],
  ): { readonly value: unknown } | { readonly problem: string; readonly cell?: BadCell } {
    if (values.length !== names.length) return { problem: `has ${values.length} columns; the first row names ${names.length}` };
    const value: Record<string, string> = {};
    for (let column = 0; column < names.length; column++) {
      const text = values[column];
      const name = names[column] ?? '';
      if (text === undefined) return { problem: `${name} ${notInEncoding(encoding)}`, cell: { field: name, value: cells[column] ?? '' } };
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

async function* latin1Chunks(first: string, others: AsyncIterable<string>): AsyncGenerator<Buffer> {
  yield Buffer.from(first, 'latin1');
  for await (const text of others) yield Buffer.from(text, 'latin1');
}
