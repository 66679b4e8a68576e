import { parentPort, workerData } from 'node:worker_threads';
import { createPortionMapping, type Portion } from './mapper.js';
import type { SourceMap } from './source-map.js';

// The main module of the threads that createThreadMapper starts.
const mapPortion = createPortionMapping(workerData as SourceMap | null);
let last: Promise<void> = Promise.resolve();

parentPort?.on('message', (portion: Portion) => {
  last = last.then(async () => parentPort?.postMessage(await mapPortion(portion)));
});
