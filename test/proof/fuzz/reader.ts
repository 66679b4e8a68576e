// Reads hostile files and definitions one after the other, in a process that may die of them: whoever started it is told of each before and after.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BookingEvent } from '../../../schemas/booking-event.js';
import { toJson } from '../../../schemas/json.js';
import { readFeeTable } from '../../../workers/actions/fee-tables.js';
import { importCustomers } from '../../../workers/actions/import-customers.js';
import { importOrgUnits } from '../../../workers/actions/import-org-units.js';
import { createShownSink, publish } from '../../../workers/actions/publish.js';
import { parseCase } from '../../../workers/domain/fees/case.js';
import { UnreadableFileError } from '../../../workers/sources/record.js';
import { createMapper } from '../../../workers/sources/mapper.js';
import { parseSourceMap, type SourceMap } from '../../../workers/sources/source-map.js';
import { createDatabase } from '../../../workers/store/database.js';
import { hostileDefinition, probeRecord, type HostileDefinition } from './definitions.js';
import { hostileFile, mapOf, type Format, type Traps } from './files.js';
import type { Answer, ReadJob } from './run-files.js';

const job = JSON.parse(process.argv[2] ?? '') as ReadJob;
const folder = await mkdtemp(join(tmpdir(), 'midline-fuzz-'));
const database = createDatabase(job.databaseUrl, { max: 2 });
const received = new Date(0).toISOString();
const maps = new Map<Format, SourceMap>();

let unhandled: string | null = null;
process.on('unhandledRejection', (error) => { unhandled = `unhandled rejection: ${said(error)}`; });
/** Whoever started this is gone. */
const abandoned = (): void => { process.exit(1); };
process.on('disconnect', abandoned);

for (let number = job.first; number < job.first + job.count; number += 1) {
  process.send?.({ begun: number });
  const began = performance.now();
  const { kind, work } = job.what === 'files' ? fileWork(number, job.traps) : definitionWork(number);
  const prepared = performance.now();
  const result = await work().then((leaks) => (leaks ? 'what a trap holds came out' : null), (error: unknown) => (error instanceof UnreadableFileError ? null : said(error)));
  const answer: Answer = { number, kind, milliseconds: performance.now() - prepared, making: prepared - began, fault: unhandled ?? result, polluted: 'polluted' in {} };
  unhandled = null;
  process.send?.(answer);
}
await database.close();
await rm(folder, { recursive: true, force: true });
process.off('disconnect', abandoned);
process.disconnect();

function said(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)} ${error.stack?.split('\n').find((line) => line.includes('/workers/'))?.trim() ?? ''}` : `no error but ${String(error)}`;
}

interface Work {
  readonly kind: string;
  /** Rejects with what nobody expects; true where a secret came out. */
  readonly work: () => Promise<boolean>;
}

function fileWork(number: number, traps: Traps): Work {
  const { kind, format, bytes, chunk } = hostileFile(job.seed, number, traps);
  const map = mapFor(format);
  return { kind, work: () => publishDry(map, bytes, chunk) };
}

function mapFor(format: Format): SourceMap {
  const known = maps.get(format);
  if (known !== undefined) return known;
  const parsed = parseSourceMap(mapOf(format), `${format}.yaml`);
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  maps.set(format, parsed.map);
  return parsed.map;
}

/** What `midline publish --dry-run` does, with a file that comes in pieces. */
async function publishDry(map: SourceMap, bytes: Buffer, chunk: number): Promise<boolean> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  }
  let leaks = false;
  const look = (text: string): void => { leaks ||= text.includes(job.secret); };
  await publish({
    files: [{ name: 'fuzz', open: pieces, received }], map, mapper: createMapper(map),
    sink: createShownSink((event: BookingEvent) => { look(JSON.stringify(toJson('BookingEvent', event))); }), onProblem: (problem) => { look(JSON.stringify(problem)); },
  });
  return leaks;
}

function definitionWork(number: number): Work {
  const definition = hostileDefinition(job.seed, number);
  return { kind: definition.kind, work: async () => { await readDefinition(definition); return false; } };
}

async function readDefinition({ what, file, text }: HostileDefinition): Promise<void> {
  switch (what) {
    case 'map': {
      const parsed = parseSourceMap(text, file);
      if ('map' in parsed) await publishDry(parsed.map, Buffer.from(`${JSON.stringify(probeRecord)}\n`), 1_000);
      return;
    }
    case 'fees':
      readFeeTable(text, file);
      return;
    case 'case':
      parseCase(text);
      return;
    case 'org-units':
      await importOrgUnits(database, { file: await stored(file, text), actor: 'fuzz', now: new Date() });
      return;
    case 'customers':
      await importCustomers(database, { file: await stored(file, text), source: 'fuzz', country: 'DE', actor: 'fuzz', now: new Date(), onProblem: () => undefined, onProgress: () => undefined });
  }
}

async function stored(file: string, text: string): Promise<string> {
  const path = join(folder, file);
  await writeFile(path, text);
  return path;
}
