// Installs and builds what is missing or out of date, so that `npm test`, `npm run demo`, … work straight after a clone.
// Runs before any package is installed: Node's own modules only.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const rooms = ['schemas', 'migrations', 'workers', 'services', 'bench', 'test/proof'];
/** What bench and proof write: nothing to build. */
const results = 'results';
const buildFiles = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
// npm writes this file last; `npm install` writes it and package-lock.json within the same moment.
const installed = join(root, 'node_modules', '.package-lock.json');
const sameMomentMs = 2_000;
const built = join(root, 'dist', '.midline-built');

requireNode(20, 19);
if (changed(installed) + sameMomentMs < changed(join(root, 'package-lock.json'))) {
  say('Installing the packages of package-lock.json (npm ci) …');
  run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], 'ignore');
}
if (changed(built) < Math.max(...buildFiles.map((file) => changed(join(root, file))), ...rooms.map(newest))) {
  const before = new Date();
  say('Building dist …');
  run('npm', ['run', '--silent', 'build'], process.stderr);
  stamp(built, before);
}

function requireNode(major, minor) {
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return;
  fail(`midline needs Node ${major}.${minor} or newer, this is ${process.versions.node}: install a newer one from https://nodejs.org or with your version manager.`);
}

/** When the file was last written, in ms since epoch; 0 if it does not exist. */
function changed(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The newest change of a folder, its files and its subfolders (whose times tell of files moved in with their old time). */
function newest(room) {
  const folder = join(root, room);
  if (changed(folder) === 0) return 0;
  const entries = readdirSync(folder, { recursive: true }).filter((entry) => !entry.startsWith(results));
  return Math.max(changed(folder), ...entries.map((entry) => changed(join(folder, entry))));
}

/** Dated before the build began, so that a file saved during the build counts as newer. */
function stamp(path, time) {
  writeFileSync(path, '');
  utimesSync(path, time, time);
}

/** Standard output belongs to the command that is run afterwards. */
function run(command, args, stdout) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', stdout, 'inherit'] });
  if (status !== 0) fail(`\`${command} ${args.join(' ')}\` failed${error ? `: ${error.message}` : ''}.`);
}

function say(text) {
  console.error(text);
}

function fail(text) {
  console.error(text);
  process.exit(1);
}
