import { parentPort, workerData } from 'node:worker_threads';
import { readDocument } from './document.js';
import { createPortionMapping, type Portion } from './mapper.js';
import type { SourceMap } from './source-map.js';

// The main module of the threads that read and map: each question is a portion of records, or a document to read.
const map = workerData as SourceMap | null;
const mapPortion = createPortionMapping(map);
let last: Promise<void> = Promise.resolve();

async function answer(question: Portion | Uint8Array): Promise<unknown> {
  return question instanceof Uint8Array && map !== null ? readDocument(question, map) : mapPortion(question as Portion);
}

parentPort?.on('message', (question: Portion | Uint8Array) => {
  last = last.then(async () => parentPort?.postMessage(await answer(question)));
});
