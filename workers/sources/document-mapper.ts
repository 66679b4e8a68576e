import { isNativeError } from 'node:util/types';
import { Worker } from 'node:worker_threads';
import type { ReadDocument } from './document.js';
import type { MappedRecord, Portion } from './mapper.js';
import { createSlots } from './slots.js';
import type { SourceMap } from './source-map.js';

/** What a document makes, or why it is given up: it took too long, or too much memory. */
export type MappedDocument = { readonly records: readonly MappedRecord[] } | { readonly problem: string };

/** Reads and maps documents of which any may be hostile, away from the thread of the process. */
export interface DocumentMapper {
  /** @throws MapperClosed */
  readonly read: (value: Uint8Array) => Promise<ReadDocument>;
  /** @throws MapperClosed */
  readonly map: (portion: Portion) => Promise<MappedDocument>;
  /** Ends the threads at once; whoever waits for an answer gets MapperClosed. */
  readonly close: () => Promise<void>;
}

export interface DocumentMapperOptions {
  /** Most documents at once; threads are started when they are first needed. */
  readonly threads: number;
  /** How long one document may take, in milliseconds: a thread that has not answered by then is ended. */
  readonly limit?: number | undefined;
  /** The built mapping-thread.js. */
  readonly module?: URL | undefined;
}

/** The mapper was closed while a document was in hand: it is to be mapped again, by the next one. */
class MapperClosed extends Error {
  override readonly name = 'MapperClosed';
  /** Read by `faultKind`. */
  readonly retryable = true;
}

/** Beyond the ten seconds that the expression has for one record: there are ways to be slow that it does not notice. */
const patience = 15_000;
const memoryMegabytes = 512;

export function createDocumentMapper(map: SourceMap, { threads, limit = patience, module = new URL('./mapping-thread.js', import.meta.url) }: DocumentMapperOptions): DocumentMapper {
  const alive = new Set<Thread>();
  const idle: Thread[] = [];
  const slots = createSlots(threads);
  let closed = false;

  const ask = <Answer>(question: Portion | Uint8Array): Promise<Answer | { readonly problem: string }> => slots(async () => {
    if (closed) throw new MapperClosed('the mapper was closed');
    const thread = idle.pop() ?? start();
    const answer = await thread.ask<Answer>(question);
    if (thread.ended()) alive.delete(thread);
    else idle.push(thread);
    return answer;
  });

  function start(): Thread {
    const thread = startThread(map, limit, module);
    alive.add(thread);
    return thread;
  }

  return {
    read: (value) => ask<ReadDocument>(value),
    map: async (portion) => {
      const answer = await ask<readonly MappedRecord[]>(portion);
      return 'problem' in answer ? answer : { records: answer };
    },
    close: async () => {
      closed = true;
      await Promise.all([...alive].map((thread) => thread.end(new MapperClosed('the mapper was closed'))));
    },
  };
}

interface Thread {
  readonly ask: <Answer>(question: Portion | Uint8Array) => Promise<Answer | { readonly problem: string }>;
  readonly ended: () => boolean;
  readonly end: (error: Error) => Promise<void>;
}

/** One question at a time. The first answer comes when the thread has loaded its modules: only then time is counted. */
function startThread(map: SourceMap, limit: number, module: URL): Thread {
  const worker = new Worker(module, { workerData: map, resourceLimits: { maxYoungGenerationSizeMb: 48, maxOldGenerationSizeMb: memoryMegabytes } });
  let waiting: { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void } | null = null;
  let failure: Error | null = null;
  const fail = (error: Error): void => {
    failure ??= error;
    waiting?.reject(failure);
  };
  worker.on('message', (answer) => { waiting?.resolve(answer); });
  worker.on('error', fail);
  worker.on('exit', () => { fail(new Error('The mapping thread has ended')); });

  const answerTo = (question: Portion | Uint8Array): Promise<unknown> => new Promise((resolve, reject) => {
    if (failure !== null) return reject(failure);
    waiting = { resolve, reject };
    worker.postMessage(question);
  });
  const end = async (error: Error): Promise<void> => {
    fail(error);
    await worker.terminate();
  };
  const loaded = answerTo({ records: [], received: '' });
  loaded.catch(() => undefined);

  return {
    ask: async <Answer>(question: Portion | Uint8Array) => {
      await loaded;
      const timer = setTimeout(() => { void end(new TakesTooLong(`takes longer than ${limit / 1_000} s`)); }, limit);
      try {
        // The thread answers portions and documents in kind.
        return await answerTo(question) as Answer;
      } catch (error) {
        if (error instanceof TakesTooLong) return { problem: error.message };
        if (isNativeError(error) && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') return { problem: `needs more than ${memoryMegabytes} MB of memory` };
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
    ended: () => failure !== null,
    end,
  };
}

class TakesTooLong extends Error {
  override readonly name = 'TakesTooLong';
}
