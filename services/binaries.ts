import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hasCode } from './fault.js';
import { cacheFolder, reachableFolder } from './places.js';

const execute = promisify(execFile);

/** Where the unpacked servers are. */
export interface Binaries {
  /** Java class path of Kafka. */
  readonly kafka: string;
  /** The registry's runnable jar. */
  readonly registry: string;
  /** Folder of `initdb` and `postgres`. */
  readonly postgres: string;
  /** The `redis-server` of this machine. */
  readonly redis: string;
}

const waysOut =
  'install a Java runtime (17 or newer) and Maven, or run `docker compose up` ' +
  'and set KAFKA_BROKERS, SCHEMA_REGISTRY_URL, DATABASE_URL and REDIS_URL';

const platforms: Readonly<Record<string, { readonly postgres: string; readonly redis: string }>> = {
  'linux x64': { postgres: 'linux-amd64', redis: 'redis-server-6.2.6-v5-linux-amd64' },
  'linux arm64': { postgres: 'linux-arm64v8', redis: 'redis-server-6.2.7-linux-arm64' },
  'darwin x64': { postgres: 'darwin-amd64', redis: 'redis-server-6.2.6-v5-darwin-amd64' },
  'darwin arm64': { postgres: 'darwin-arm64v8', redis: 'redis-server-6.2.6-v5-darwin-arm64' },
};

/**
 * Downloads and unpacks the servers of pom.xml, unless the cache has them.
 *
 * The cache is keyed by pom.xml and platform. A folder there is complete or does not exist: it is filled under another
 * name and renamed, so processes that prepare at the same time do the work twice, and none sees half of it.
 * Throws an Error with one sentence that names the ways out, where Java, Maven or the network are missing.
 */
export async function prepareBinaries(onProgress: (text: string) => void): Promise<Binaries> {
  const platform = platforms[`${process.platform} ${process.arch}`];
  if (platform === undefined) throw new Error(`There are no local servers for ${process.platform} ${process.arch}: use docker compose up and the connection variables.`);
  await requireJava();
  const pom = fileURLToPath(new URL('./pom.xml', import.meta.url));
  const key = createHash('sha256').update(await readFile(pom)).update(platform.postgres).digest('hex').slice(0, 12);
  const cache = await reachableFolder(cacheFolder(process.env));
  const folder = join(cache, `servers-${key}`);
  if (!existsSync(folder)) {
    onProgress('Downloading Kafka, the schema registry, Postgres and Redis (about 210 MB, only this once) …');
    await fill(cache, folder, pom, platform.postgres);
  }
  return {
    kafka: join(folder, 'kafka', '*'),
    registry: join(folder, 'registry', await only(join(folder, 'registry'), '-runner.jar')),
    postgres: join(folder, 'postgres', 'bin'),
    redis: join(folder, 'redis', platform.redis),
  };
}

async function fill(cache: string, folder: string, pom: string, platform: string): Promise<void> {
  const filling = await mkdtemp(join(cache, 'filling-'));
  try {
    await download(pom, filling, platform);
    await unpackPostgres(filling);
    await execute('chmod', ['-R', 'a+rX,go-w', filling]);
    await rename(filling, folder).catch((error: unknown) => {
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    });
  } finally {
    await rm(filling, { recursive: true, force: true });
  }
}

async function requireJava(): Promise<void> {
  const { stderr } = await execute('java', ['-version']).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) throw new Error(`Java was not found: ${waysOut}.`);
    throw error;
  });
  const version = Number(/version "(\d+)/.exec(stderr)?.[1]);
  if (version < 17) throw new Error(`Java ${version} is too old for Kafka: ${waysOut}.`);
}

async function download(pom: string, target: string, platform: string): Promise<void> {
  const goals = ['dependency:copy-dependencies@kafka', 'dependency:unpack@others'];
  await execute('mvn', ['-q', '-B', '-f', pom, `-Dtarget=${target}`, `-Dplatform=${platform}`, ...goals]).catch(
    (error: { readonly message: string; readonly stdout?: string }) => {
      if (hasCode(error, 'ENOENT')) throw new Error(`Maven (mvn) was not found: ${waysOut}.`);
      const reason = /\[ERROR\] (.*)/.exec(error.stdout ?? '')?.[1] ?? error.message;
      throw new Error(`The servers could not be downloaded: give Maven a way to Maven Central, or run \`docker compose up\` and set the connection variables. Maven said: ${reason}`);
    },
  );
}

async function unpackPostgres(target: string): Promise<void> {
  const folder = join(target, 'postgres');
  const archive = join(folder, await only(folder, '.txz'));
  const unxz = (await hasXz()) ? ['xz', '-dc'] : ['java', '-cp', join(target, 'xz'), fileURLToPath(new URL('./Unxz.java', import.meta.url))];
  const tar = join(folder, 'postgres.tar');
  await filter(unxz, archive, tar).catch(() => {
    throw new Error('Postgres could not be unpacked: install xz (on Debian: xz-utils) and try again.');
  });
  await execute('tar', ['-xf', tar, '-C', folder]);
  await rm(tar);
  await rm(archive);
}

/** Runs a command from file to file. */
async function filter(command: readonly string[], from: string, to: string): Promise<void> {
  const [executable = '', ...args] = command;
  const files = [openSync(from, 'r'), openSync(to, 'w')];
  const child = spawn(executable, args, { stdio: [...files, 'ignore'] });
  files.forEach((file) => closeSync(file));
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${executable} ended with ${code}.`);
}

async function hasXz(): Promise<boolean> {
  return execute('xz', ['--version']).then(
    () => true,
    () => false,
  );
}

async function only(folder: string, ending: string): Promise<string> {
  const name = (await readdir(folder)).find((file) => file.endsWith(ending));
  if (name === undefined) throw new Error(`${folder} lacks a file *${ending}: delete the folder above it, then try again.`);
  return name;
}
