import { Worker } from 'node:worker_threads';
import { createMapping, type Mapped, type Mapping } from './mapping.js';
import type { BadRecord, GoodRecord, SourceRecord } from './record.js';
import type { SourceMap } from './source-map.js';

/** A record and what became of it. */
export type MappedRecord = BadRecord | (Pick<GoodRecord, 'number' | 'line'> & { readonly events: readonly unknown[] });

export interface Mapper {
  /** Maps records, keeping their order. */
  readonly map: (records: readonly SourceRecord[], received: string) => Promise<readonly MappedRecord[]>;
  /** How many calls of `map` are worth having under way. */
  readonly atOnce: number;
  readonly close: () => Promise<void>;
}

/** What the thread is asked and answers; one question after the other. */
export interface MappingQuestion {
  readonly records: readonly SourceRecord[];
  readonly received: string;
}

/** Maps in this thread. */
export function createMapper(map: SourceMap): Mapper {
  const mapping = createMapping(map);
  return { map: (records, received) => mapRecords(mapping, records, received), atOnce: 1, close: () => Promise.resolve() };
}

/**
 * Maps in a thread of its own: JSONata needs about as much time as reading, checking, encoding and sending together, so two cores halve the time.
 * @param thread the built module mapping-thread.js
 */
export function createThreadMapper(map: SourceMap, thread: URL = new URL('./mapping-thread.js', import.meta.url)): Mapper {
  const worker = new Worker(thread, { workerData: map });
  const waiting: { readonly resolve: (records: readonly MappedRecord[]) => void; readonly reject: (error: Error) => void }[] = [];
  let failure: Error | undefined;
  worker.on('message', (records: readonly MappedRecord[]) => waiting.shift()?.resolve(records));
  worker.on('error', (error) => {
    failure = error;
    for (const { reject } of waiting.splice(0)) reject(error);
  });
  return {
    map: (records, received) => new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      waiting.push({ resolve, reject });
      worker.postMessage({ records, received } satisfies MappingQuestion);
    }),
    atOnce: 3,
    close: async () => {
      await worker.terminate();
    },
  };
}

/** Maps one record after the other; a bad one stays what it is. */
export async function mapRecords(mapping: Mapping, records: readonly SourceRecord[], received: string): Promise<readonly MappedRecord[]> {
  const results: MappedRecord[] = [];
  for (const record of records) {
    results.push('problem' in record ? record : { number: record.number, line: record.line, ...plain(await mapping.map(record.value, { number: record.number, received })) });
  }
  return results;
}

/** Without what JSONata hangs on its lists and cannot cross to another thread (functions in a result). */
function plain(mapped: Mapped): Mapped {
  return 'problem' in mapped ? mapped : { events: JSON.parse(JSON.stringify(mapped.events)) as unknown[] };
}
