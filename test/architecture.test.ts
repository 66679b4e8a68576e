import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parseFile, parseSource, sourceFiles, type Import, type ParsedFile } from './import-graph.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folders = ['schemas', 'migrations', 'workers', 'services', 'bench'];
const processes = ['workers/ingest', 'workers/relay', 'workers/outreach', 'workers/console'];

/**
 * What each room may import of ours besides itself: the table "Rooms" of the architecture, where who may import the domain may also name
 * the contracts (`schemas`) that the domain's functions take and give. A file alone is the only one of its room.
 */
const arrows: Readonly<Record<string, readonly string[]>> = {
  schemas: [],
  migrations: [],
  'workers/domain': ['schemas'],
  'workers/store': ['schemas', 'workers/domain'],
  'workers/topics': ['schemas'],
  'workers/queue': ['schemas'],
  'workers/sources': ['schemas', 'workers/domain'],
  'workers/runtime': [],
  'workers/actions': ['schemas', 'workers/domain', 'workers/store', 'workers/topics', 'workers/queue', 'workers/sources'],
  ...Object.fromEntries(processes.map((process) => [process, ['workers/actions', 'workers/store', 'workers/topics', 'workers/queue', 'workers/runtime', 'workers/domain']])),
  'workers/cli': ['schemas', 'migrations', 'services', 'bench', 'workers/domain', 'workers/store', 'workers/topics', 'workers/queue', 'workers/sources', 'workers/runtime', 'workers/actions', ...processes.map((process) => `${process}/main.ts`)],
  services: ['workers/runtime'],
  bench: ['schemas', 'migrations', 'services', 'workers'],
};

/** Libraries that compute and do nothing else. */
const pureLibraries = new Set(['any-ascii', 'big.js', 'csv-parse/sync', 'date-holidays', 'libphonenumber-js/core', 'libphonenumber-js/min/metadata', 'luxon', 'tldts', 'yaml', 'zod']);

const roomOf = (path: string): string => path.split('/').slice(0, path.startsWith('workers/') ? 2 : 1).join('/');
const isOurs = (path: string): boolean => folders.includes(path.split('/')[0] ?? '') || path.startsWith('test/');

/** Why an import is forbidden; null if it is not. Types count like values: who knows a shape depends on it. */
function forbidden({ from, to, names }: Import): string | null {
  const room = roomOf(from);
  if (to === '?') return `${from} → an import whose path is put together at run time`;
  if (isOurs(to)) {
    const allowed = arrows[room] ?? [];
    const isAllowed = roomOf(to) === room || allowed.some((target) => to === target || to.startsWith(`${target}/`));
    return isAllowed ? null : `${from} → ${to}`;
  }
  if (room !== 'workers/domain' || pureLibraries.has(to)) return null;
  return isBuiltin(to) && to === 'node:crypto' && from === 'workers/domain/ids.ts' && names.every((name) => name === 'createHash' || name === 'hash') ? null : `${from} → ${to}`;
}

function violationsOf(files: readonly ParsedFile[]): readonly string[] {
  return files.flatMap(({ path, imports, impurities }) => [
    ...imports.flatMap((each) => forbidden(each) ?? []),
    ...(roomOf(path) === 'workers/domain' ? impurities.map((impurity) => `${path} uses ${impurity}`) : []),
  ]);
}

const files = sourceFiles(root, folders).map((path) => parseFile(root, path));

test('every folder is a room of the table', () => {
  expect([...new Set(files.map(({ path }) => roomOf(path)))].filter((room) => !(room in arrows))).toEqual([]);
});

test('no import goes where the table forbids it, and the domain reads no clock, chance or environment', () => {
  expect(violationsOf(files)).toEqual([]);
});

describe('a forbidden arrow is found', () => {
  test.each([
    ['a static import', 'workers/domain/fold.ts', `import { query } from '../store/orders.js';`],
    ['an import of a type', 'workers/store/orders.ts', `import type { Settled } from '../actions/settle/settle.js';`],
    ['a type that is imported in place', 'workers/store/orders.ts', `export type S = import('../actions/settle/settle.js').Settled;`],
    ['a re-export', 'workers/topics/codec.ts', `export * from '../store/orders.js';`],
    ['a dynamic import', 'workers/relay/main.ts', `export const later = async () => import('../outreach/main.js');`],
    ['an import whose path is put together', 'workers/relay/main.ts', 'export const later = async (name: string) => import(`../${name}/main.js`);'],
    ['require', 'workers/domain/money.ts', `const fs = require('fs');`],
    ['one process in another', 'workers/ingest/main.ts', `import { alarm } from '../relay/alarm.js';`],
    ['the inside of a process in the CLI', 'workers/cli/worker.ts', `import { createConsume } from '../ingest/consume.js';`],
    ['a module of Node in the domain', 'workers/domain/money.ts', `import { readFileSync } from 'node:fs';`],
    ['a module of Node without its prefix', 'workers/domain/money.ts', `import { readFileSync } from 'fs';`],
    ['another hash than that of ids', 'workers/domain/money.ts', `import { createHash } from 'node:crypto';`],
    ['another part of crypto in ids', 'workers/domain/ids.ts', `import { createHash, randomUUID } from 'node:crypto';`],
    ['a library that does I/O', 'workers/domain/money.ts', `import pg from 'pg';`],
    ['the clock', 'workers/domain/fold.ts', 'export const now = Date.now();'],
    ['the clock as an object', 'workers/domain/fold.ts', 'export const now = new Date();'],
    ['the clock of luxon', 'workers/domain/fold.ts', `import { DateTime } from 'luxon'; export const now = DateTime.now();`],
    ['chance', 'workers/domain/fold.ts', 'export const chance = Math.random();'],
    ['the environment', 'workers/domain/fold.ts', `export const zone = process.env['TZ'];`],
    ['the runtime in an action', 'workers/actions/status.ts', `import { createLog } from '../runtime/log.js';`],
    ['ours in a migration', 'migrations/index.ts', `import { folder } from '../services/places.js';`],
  ])('%s', (_, path, source) => {
    expect(violationsOf([parseSource(path, source)])).toHaveLength(1);
  });

  test('but nothing else', () => {
    const source = `import { DateTime } from 'luxon'; export const at = (ms: number) => [new Date(ms), DateTime.fromMillis(ms), { now: 1, process: 2 }.process];`;
    expect(violationsOf([parseSource('workers/domain/fold.ts', source), parseSource('workers/cli/worker.ts', `export const run = () => import('../ingest/main.js');`)])).toEqual([]);
  });
});
