import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { withoutJest } from './processes.js';

const execute = promisify(execFile);
const services = fileURLToPath(new URL('../../services', import.meta.url));

/** A project as small as can be: one package, from its own folder, and a build that copies assets alone. */
let project: string;
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'midline-test-'));
  for (const room of ['services', 'workers', 'schemas', 'migrations', 'bench']) await mkdir(join(project, room));
  for (const file of ['prepare.mjs', 'copy-assets.mjs']) await cp(join(services, file), join(project, 'services', file));
  await mkdir(join(project, 'part'));
  await write('part/package.json', JSON.stringify({ name: 'part', version: '1.0.0' }));
  await write('package.json', JSON.stringify(description('node services/copy-assets.mjs')));
  await write('package-lock.json', JSON.stringify({ ...description(''), lockfileVersion: 3, requires: true, packages: { '': description(''), part: { version: '1.0.0' }, 'node_modules/part': { resolved: 'part', link: true } } }));
  await write('workers/letter.mjml', 'first');
  await write('workers/code.ts', 'export {}');
});
afterEach(() => rm(project, { recursive: true }));

test('a fresh clone is installed and built, and then nothing is said or done any more', async () => {
  expect(await prepare()).toEqual(['Installing the packages of package-lock.json (npm ci) …', 'Building dist …']);
  expect(existsSync(join(project, 'node_modules/part/package.json'))).toBe(true);
  expect(await prepare()).toEqual([]);
});

test('the build copies every asset and leaves the sources to the compiler', async () => {
  await prepare();
  expect(await readFile(join(project, 'dist/workers/letter.mjml'), 'utf8')).toBe('first');
  expect(existsSync(join(project, 'dist/workers/code.ts'))).toBe(false);
});

test('a changed or added source builds again; a changed lock file installs again', async () => {
  await prepare();
  await write('workers/letter.mjml', 'second');
  expect(await prepare()).toEqual(['Building dist …']);
  expect(await readFile(join(project, 'dist/workers/letter.mjml'), 'utf8')).toBe('second');
  await dateForward('package-lock.json', 60);
  expect(await prepare()).toEqual(['Installing the packages of package-lock.json (npm ci) …', 'Building dist …']);
});

test('a build that fails is said to have failed, and is tried again the next time', async () => {
  await write('package.json', JSON.stringify(description('exit 3')));
  await expect(prepare()).rejects.toThrow('`npm run --silent build` failed.');
  await expect(prepare()).rejects.toThrow('Building dist …');
});

test('a Node that is too old is told so in one sentence', async () => {
  const olderNode = 'data:text/javascript,Object.defineProperty(process.versions, "node", { value: "18.20.0" })';
  await expect(prepare('--import', olderNode)).rejects.toThrow('midline needs Node 20.19 or newer, this is 18.20.0');
});

function description(build: string): object {
  return { name: 'small', version: '1.0.0', dependencies: { part: 'file:part' }, scripts: { build } };
}

/** The lines it says. */
async function prepare(...nodeOptions: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr } = await execute(process.execPath, [...nodeOptions, join(project, 'services/prepare.mjs')], { env: withoutJest(process.env) });
  expect(stdout).toBe('');
  return stderr.split('\n').filter((line) => line !== '');
}

async function write(file: string, content: string): Promise<void> {
  await writeFile(join(project, file), content);
}

async function dateForward(file: string, seconds: number): Promise<void> {
  const time = Date.now() / 1000 + seconds;
  await utimes(join(project, file), time, time);
}
