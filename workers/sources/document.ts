import type { SourceMapFile } from '../../schemas/source-map.js';
import { readRecords } from './read-records.js';
import { UnreadableFileError, type SourceRecord } from './record.js';

/** What one raw value holds: its records (bad ones among them), or why it cannot be read at all. */
export type ReadDocument = { readonly records: readonly SourceRecord[] } | { readonly problem: string };

/** Reads one value whole, in the format of the map. It is taken as it is: neither gzip nor zip is opened. */
export async function readDocument(value: Uint8Array, map: SourceMapFile): Promise<ReadDocument> {
  const records: SourceRecord[] = [];
  try {
    for await (const record of readRecords(onePiece(value), map)) records.push(record);
  } catch (error) {
    if (!(error instanceof UnreadableFileError)) throw error;
    return { problem: error.message };
  }
  return records.length === 0 ? { problem: 'holds no record' } : { records };
}

async function* onePiece(value: Uint8Array): AsyncGenerator<Uint8Array> {
  yield value;
}
