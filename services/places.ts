import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, stat } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasCode } from './fault.js';

/** The user a server runs as; empty: as whoever started it. */
export interface ServerUser {
  readonly uid?: number;
  readonly gid?: number;
}

const nobody = 65_534;
const searchableByAll = 0o001;
const writableByOthers = 0o022;

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Postgres refuses to run as root, so root runs it as nobody. */
export function postgresUser(): ServerUser {
  return isRoot() ? { uid: nobody, gid: nobody } : {};
}

/** The folder of package.json, from the sources and from dist alike. */
export function projectRoot(): string {
  let folder = fileURLToPath(new URL('.', import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('The folder of package.json was not found above the running code.');
    folder = parent;
  }
  return folder;
}

/** Where downloads are kept: MIDLINE_CACHE, else midline's folder in the user's cache folder. */
export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const { MIDLINE_CACHE, XDG_CACHE_HOME } = environment;
  return resolve(MIDLINE_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'midline'));
}

/**
 * Creates a folder that the Postgres user can reach, and answers its path.
 *
 * That is `folder` itself, except where root keeps it below a folder closed to others (/root has mode 700):
 * then it is /var/tmp/midline-<hash of folder>, which only root may write.
 */
export async function reachableFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  if (!isRoot() || (await isReachable(folder))) return folder;
  const stand = standIn(folder);
  await mkdir(stand, { mode: 0o711 }).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
  const found = await lstat(stand);
  if (!found.isDirectory() || found.uid !== 0 || (found.mode & writableByOthers) !== 0)
    throw new Error(`${stand} belongs to somebody else: delete it, then try again.`);
  await chmod(stand, 0o711);
  return stand;
}

/** The folder that `reachableFolder` uses where `folder` is out of the Postgres user's reach. */
export function standIn(folder: string): string {
  const hash = createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 12);
  return `/var/tmp/midline-${hash}`;
}

async function isReachable(folder: string): Promise<boolean> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    if (((await stat(path)).mode & searchableByAll) === 0) return false;
    if (path === dirname(path)) return true;
  }
}
