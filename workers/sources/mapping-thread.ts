import { parentPort, workerData } from 'node:worker_threads';
import { mapRecords, type MappingQuestion } from './mapper.js';
import { createMapping } from './mapping.js';
import type { SourceMap } from './source-map.js';

// The main module of the thread that createThreadMapper starts.
const mapping = createMapping(workerData as SourceMap);
let last = Promise.resolve();

parentPort?.on('message', ({ records, received }: MappingQuestion) => {
  last = last.then(async () => parentPort?.postMessage(await mapRecords(mapping, records, received)));
});
