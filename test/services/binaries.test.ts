import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { prepareBinaries } from '../../services/binaries.js';
import { isRoot, standIn } from '../../services/places.js';
import { startScript, withoutJest } from './processes.js';

const execute = promisify(execFile);

let folder: string;
let environment: NodeJS.ProcessEnv;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midline-test-'));
  environment = withoutJest({ ...process.env, MIDLINE_CACHE: join(folder, 'cache') });
});
afterEach(async () => {
  await rm(standIn(join(folder, 'cache')), { recursive: true, force: true });
  await rm(folder, { recursive: true });
});

test('without Java one sentence names both ways out', async () => {
  expect(await refusal({ PATH: await pathWith() })).toMatch(/^Java was not found: install a Java runtime .* or run `docker compose up.*` and set KAFKA_BROKERS, SCHEMA_REGISTRY_URL, DATABASE_URL and REDIS_URL\.$/);
});

test('without Maven one sentence names both ways out', async () => {
  expect(await refusal({ PATH: await pathWith('java') })).toMatch(/^Maven \(mvn\) was not found: install .* or run `docker compose up/);
});

test('without a way to download one sentence names both ways out, and the next try finds nothing half-done', async () => {
  const MAVEN_OPTS = `-Dmaven.repo.local=${join(folder, 'empty')} -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=1 -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=1`;
  expect(await refusal({ MAVEN_OPTS })).toMatch(/^The servers could not be downloaded: give Maven a way .* or run `docker compose up/);
  expect(await readdir(cache())).toEqual([]);
});

// Seen to fail with the renaming taken out (unpacked in place): one of the two trips over the other's files.
test('two processes that fill an empty cache at once both end with complete servers, one of them without xz, and leave nothing else', async () => {
  const PATH = await pathWith('java', 'mvn', 'tar', 'chmod', 'sh', 'bash', 'uname', 'dirname', 'basename', 'ls', 'expr', 'tr', 'cat', 'sed', 'cut', 'readlink');
  expect(await Promise.all([prepare(environment), prepare({ ...environment, PATH })])).toEqual(['ready', 'ready']);
  const folders = await readdir(cache());
  expect(folders).toEqual([expect.stringMatching(/^servers-[0-9a-f]{12}$/)]);
  expect(await readdir(join(cache(), folders[0] ?? '', 'postgres', 'bin'))).toEqual(expect.arrayContaining(['initdb', 'postgres']));
}, 300_000);

test('the servers of the cache are used without asking Maven', async () => {
  const { postgres } = await prepareBinaries(() => undefined);
  const messages: string[] = [];
  expect((await prepareBinaries((text) => messages.push(text))).postgres).toBe(postgres);
  expect(messages).toEqual([]);
}, 300_000);

async function refusal(changes: NodeJS.ProcessEnv): Promise<string> {
  return prepare({ ...environment, ...changes });
}

/** Prepares the servers in a process of its own; answers what it says in the end. */
async function prepare(env: NodeJS.ProcessEnv): Promise<string> {
  return (await startScript('test/services/preparer.ts', env)).firstLine;
}

/** Root's cache is where the Postgres user can reach it: not below a folder that only root may enter. */
function cache(): string {
  return isRoot() ? standIn(join(folder, 'cache')) : join(folder, 'cache');
}

/** A PATH with node and these commands alone. */
async function pathWith(...commands: readonly string[]): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await symlink(process.execPath, join(bin, 'node'));
  for (const command of commands) {
    const { stdout } = await execute('sh', ['-c', `command -v ${command}`]);
    await symlink(stdout.trim(), join(bin, command));
  }
  return bin;
}
