import { Worker } from 'node:worker_threads';
import type { BookingEvent } from '../../schemas/booking-event.js';
import { checkEvents, type FieldProblem } from './canonical-events.js';
import { createMapping } from './mapping.js';
import type { SourceRecord } from './record.js';
import type { SourceMap } from './source-map.js';

/** A record and what became of it: events, or problems and no event at all. No event and no problem: the map has no use for it. */
export interface MappedRecord {
  readonly number: number;
  readonly line: number;
  readonly events: readonly BookingEvent[];
  readonly problems: readonly FieldProblem[];
}

/** Some records of one file. */
export interface Portion {
  readonly records: readonly SourceRecord[];
  /** When the file came, ISO 8601. */
  readonly received: string;
}

export interface Mapper {
  /** Maps and checks records; the answer has one entry for each, in their order. */
  readonly map: (portion: Portion) => Promise<readonly MappedRecord[]>;
  /** How many portions are worth having under way. */
  readonly atOnce: number;
  readonly close: () => Promise<void>;
}

/** Maps in this thread. @param map null: the records are canonical events themselves */
export function createMapper(map: SourceMap | null): Mapper {
  return { map: createPortionMapping(map), atOnce: 1, close: () => Promise.resolve() };
}

/**
 * Maps in threads of its own, each with its own compiled expression: mapping costs several times as much as all else that publishing does.
 * @param module the built mapping-thread.js
 */
export function createThreadMapper(map: SourceMap | null, threads: number, module: URL = new URL('./mapping-thread.js', import.meta.url)): Mapper {
  const workers = Array.from({ length: threads }, () => createThread(map, module));
  let turn = 0;
  return {
    map: (portion) => {
      const worker = workers[turn++ % workers.length];
      return worker === undefined ? Promise.reject(new Error('A mapper needs at least one thread')) : worker.ask(portion);
    },
    atOnce: 2 * threads,
    close: async () => {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

interface Waiting {
  readonly resolve: (records: readonly MappedRecord[]) => void;
  readonly reject: (error: Error) => void;
}

/** A thread answers in the order in which it was asked. */
function createThread(map: SourceMap | null, module: URL) {
  // JSONata makes much that is soon forgotten: with room for it, collecting it costs a tenth less in all.
  const worker = new Worker(module, { workerData: map, resourceLimits: { maxYoungGenerationSizeMb: 48 } });
  const waiting: Waiting[] = [];
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  worker.on('message', (records: readonly MappedRecord[]) => waiting.shift()?.resolve(records));
  worker.on('error', fail);
  worker.on('exit', () => { fail(new Error('The mapping thread has ended')); });
  return {
    ask: (portion: Portion) => new Promise<readonly MappedRecord[]>((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      waiting.push({ resolve, reject });
      worker.postMessage(portion);
    }),
    close: () => worker.terminate(),
  };
}

/** The work itself: one record after the other, each mapped and its events checked. */
export function createPortionMapping(map: SourceMap | null): (portion: Portion) => Promise<readonly MappedRecord[]> {
  const mapping = map === null ? null : createMapping(map);
  const rules = { source: map?.source ?? null, kinds: map === null ? null : new Set(map.kinds) };

  async function mapOne(record: SourceRecord, received: string): Promise<MappedRecord> {
    const { number, line } = record;
    if ('problem' in record) return { number, line, events: [], problems: [{ field: null, problem: record.problem }] };
    const mapped = mapping === null ? { events: [record.value] } : await mapping.map(record.value, { number, received, fetched: record.fetched });
    if ('problem' in mapped) return { number, line, events: [], problems: [{ field: null, problem: mapped.problem }] };
    return { number, line, ...checkEvents(mapped.events, rules) };
  }

  return async ({ records, received }) => {
    const results: MappedRecord[] = [];
    for (const record of records) results.push(await mapOne(record, received));
    return results;
  };
}
