import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Binaries, prepareBinaries } from './binaries.js';
import { kafka } from './kafka.js';
import { createGuardedLauncher, type Launch, type Launched, type Launcher } from './launch.js';
import { isRoot, reachableFolder, standIn } from './places.js';
import { createPortFinder } from './ports.js';
import { postgres } from './postgres.js';
import { redis } from './redis.js';
import { registry } from './registry.js';
import type { Server, ServiceEnvironment, ServiceName } from './server.js';

export type { ServiceEnvironment, ServiceName } from './server.js';

/** Every server that midline needs, in the order in which they are shown. */
export const allServers: readonly Server[] = [kafka, registry, postgres, redis];

const readyWithinMs = 90_000;
const restartWithinMs = 30_000;
const probeEveryMs = 50;

export interface StartOptions {
  /** Which servers; without it all four. */
  readonly only?: readonly ServiceName[];
  /** Where data and logs are kept; without it in a folder for temporary files, deleted at the end. */
  readonly dataFolder?: string;
  /** Delete what `dataFolder` holds first. */
  readonly fresh?: boolean;
  /** Where the addresses of servers that need not be started are read; without it the process's environment. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly onProgress?: (text: string) => void;
}

export interface RunningServer {
  readonly name: ServiceName;
  readonly port: number;
  readonly pid: number;
  readonly address: string;
  /** Path of its log file. */
  readonly log: string;
}

export interface RunningServices {
  /** The connection variables; '' for a server that was neither asked for nor given. */
  readonly environment: ServiceEnvironment;
  /** Those that were started here, as they are now. */
  readonly servers: readonly RunningServer[];
  /** Starts a server again that was killed (or kills it first), on the same port with the same data; ready when it resolves. */
  readonly restart: (name: ServiceName) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/**
 * Starts the real servers on free loopback ports; each is usable when this resolves.
 *
 * A server whose variable is set is not started: its address is taken over. The servers end with this process,
 * however it ends. Rejects with an Error that quotes the server's log if one does not come up.
 */
export async function startServices(options: StartOptions = {}): Promise<RunningServices> {
  const { environment = process.env, onProgress = () => undefined } = options;
  const wanted = allServers.filter(({ name, variable }) => (options.only?.includes(name) ?? true) && !environment[variable]);
  if (wanted.length === 0) return { environment: addresses(environment, []), servers: [], restart: unknownServer, stop: async () => undefined };
  const binaries = await prepareBinaries(onProgress);
  const folder = options.dataFolder ?? (await temporaryFolder());
  const throwAway = options.dataFolder === undefined;
  if (options.fresh === true) await deleteData(folder);
  const launcher = createGuardedLauncher(throwAway ? [folder, standIn(join(folder, 'postgres'))] : []);
  onProgress(`Starting ${wanted.map(({ name }) => name).join(', ')} …`);
  const freePort = createPortFinder();
  try {
    const run = new Map<ServiceName, Run>();
    const startOne = async (server: Server): Promise<void> => {
      run.set(server.name, await startServer(server, { binaries, folder, launcher, port: await freePort(), freePort, throwAway }));
    };
    throwFirst(await Promise.allSettled(wanted.map(startOne)));
    launcher.release();
    return {
      environment: addresses(environment, [...run.values()].map(({ running }) => running)),
      get servers() {
        return wanted.flatMap(({ name }) => run.get(name)?.running ?? []);
      },
      restart: async (name) => {
        const before = run.get(name) ?? (await unknownServer(name));
        launcher.hold();
        run.set(name, await before.again());
        launcher.release();
      },
      stop: () => launcher.stop(),
    };
  } catch (error) {
    await launcher.stop();
    throw error;
  }
}

export interface StartServer {
  readonly binaries: Binaries;
  /** The folder of all servers: data in one subfolder each, logs in `logs`. */
  readonly folder: string;
  readonly launcher: Launcher;
  readonly port: number;
  readonly freePort: () => Promise<number>;
  /** Its data is not worth an orderly end. */
  readonly throwAway: boolean;
}

/** A started server, and how to start it again. */
export interface Run {
  readonly running: RunningServer;
  readonly again: () => Promise<Run>;
}

/** Starts one server and waits until it can be used. */
export async function startServer(server: Server, { binaries, folder, launcher, port, freePort, throwAway }: StartServer): Promise<Run> {
  const log = join(await createFolder(join(folder, 'logs')), `${server.name}.log`);
  const own = await ownFolder(server, folder);
  const command = await server.prepare({ binaries, folder: own, port, freePort });
  const launch = { ...command, name: server.name, cwd: own, log, signal: throwAway ? server.abortSignal : server.stopSignal, user: server.user };
  return launchUntilReady(server, launch, port, launcher);
}

async function launchUntilReady(server: Server, launch: Launch, port: number, launcher: Launcher): Promise<Run> {
  const launched = await launcher.launch(launch);
  const address = server.address(port);
  await untilReady(server, address, launched, launch.log);
  return {
    running: { name: server.name, port, pid: launched.pid, address, log: launch.log },
    again: async () => {
      kill(launched.pid);
      await launched.ended;
      return retry(() => launchUntilReady(server, launch, port, launcher));
    },
  };
}

/** Right after a kill the start may fail: what the server leaves behind (Postgres: backends, and memory they share) takes a moment to go. */
async function retry(start: () => Promise<Run>): Promise<Run> {
  for (const deadline = Date.now() + restartWithinMs; ; await delay(250)) {
    try {
      return await start();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it is gone already, which is what was wanted
  }
}

async function untilReady(server: Server, address: string, launched: Launched, log: string): Promise<void> {
  const state: { ended?: string } = {};
  void launched.ended.then((how) => (state.ended = how));
  const deadline = Date.now() + readyWithinMs;
  for (;;) {
    const failure = await server.probe(address).then(
      () => null,
      (error: unknown) => error,
    );
    if (failure === null && state.ended === undefined) return;
    if (state.ended !== undefined) throw new Error(`${server.name} ended while it was starting (${state.ended}). ${await lastLines(log)}`);
    if (Date.now() > deadline) throw new Error(`${server.name} was not ready within ${readyWithinMs / 1000} s. ${await lastLines(log)}`, { cause: failure });
    await delay(probeEveryMs);
  }
}

async function lastLines(log: string): Promise<string> {
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
  return `Its log ${log} ends with:\n${lines.slice(-15).join('\n')}`;
}

/** The server's data folder, which its user may write. */
async function ownFolder(server: Server, folder: string): Promise<string> {
  const wanted = join(folder, server.name);
  if (server.user.uid === undefined || server.user.gid === undefined) return createFolder(wanted);
  const own = await createFolder(join(await reachableFolder(wanted), 'nobody'));
  await chown(own, server.user.uid, server.user.gid);
  return own;
}

async function createFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  return folder;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'midline-'));
  if (isRoot()) await chmod(folder, 0o711);
  return folder;
}

/** Throws the first failure of attempts that have all ended, so that none goes on in the background. */
export function throwFirst(outcomes: readonly PromiseSettledResult<unknown>[]): void {
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** Deletes everything that servers of this folder have stored. */
export async function deleteData(folder: string): Promise<void> {
  for (const path of [...allServers.map(({ name }) => join(folder, name)), join(folder, 'logs'), standIn(join(folder, 'postgres'))]) await rm(path, { recursive: true, force: true });
}

function addresses(given: NodeJS.ProcessEnv, started: readonly RunningServer[]): ServiceEnvironment {
  const address = (server: Server): string => started.find(({ name }) => name === server.name)?.address ?? given[server.variable] ?? '';
  return { KAFKA_BROKERS: address(kafka), SCHEMA_REGISTRY_URL: address(registry), DATABASE_URL: address(postgres), REDIS_URL: address(redis) };
}

async function unknownServer(name: ServiceName): Promise<never> {
  throw new Error(`${name} was not started here.`);
}
