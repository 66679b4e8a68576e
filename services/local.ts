import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { prepareBinaries } from './binaries.js';
import { hasCode } from './fault.js';
import { createDetachedLauncher } from './launch.js';
import { lockFolder } from './lock.js';
import { projectRoot } from './places.js';
import { createPortFinder } from './ports.js';
import { processStart } from './process-identity.js';
import type { Server, ServiceEnvironment, ServiceName } from './server.js';
import { allServers, deleteData, type RunningServer, startServer, throwFirst } from './start.js';

/** A server of the persistent set, as it was last started. */
const recordedServer = z.object({
  name: z.enum(['kafka', 'registry', 'postgres', 'redis']),
  port: z.number(),
  pid: z.number(),
  /** Tells this process from a later one with the same pid. */
  started: z.string(),
  address: z.string(),
  log: z.string(),
});
const recordedSet = z.object({ servers: z.array(recordedServer) });

type RecordedServer = Readonly<z.infer<typeof recordedServer>>;

export interface LocalOptions {
  /** Where data, logs and the state are kept; without it `.midline` in the project's folder. */
  readonly dataFolder?: string;
  /** The connection variables of servers that are not ours; without it the process's environment. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly onProgress?: (text: string) => void;
}

export interface UpOptions extends LocalOptions {
  readonly only?: readonly ServiceName[];
}

/**
 * running: ours, and it answers · not answering: its process lives · stopped · own: a server of the user's, named by its
 * variable, which answers · own, not answering.
 */
export type ServerState = 'running' | 'not answering' | 'stopped' | 'own' | 'own, not answering';

export interface ServerStatus {
  readonly name: ServiceName;
  readonly state: ServerState;
  readonly address: string | null;
  readonly port: number | null;
  readonly pid: number | null;
  readonly log: string | null;
}

export interface LocalServices {
  /** The connection variables of all servers that run or were given. */
  readonly environment: Partial<ServiceEnvironment>;
  /** The servers that run because of us. */
  readonly servers: readonly RunningServer[];
}

const stopWithinMs = 20_000;

/**
 * Starts the servers that are not running and leaves them running when this process ends.
 *
 * A server listens on its usual port, or the one it had before, or a free one where that is taken.
 * One whose variable names a server of the user's own is not started.
 */
export async function servicesUp(options: UpOptions = {}): Promise<LocalServices> {
  const { folder, environment, onProgress } = settings(options);
  return withLock(folder, async () => {
    const wanted = allServers.filter((server) => (options.only?.includes(server.name) ?? true) && ownAddress(server, folder, environment) === undefined);
    const missing = wanted.filter(({ name }) => living(folder, name) === undefined);
    if (missing.length > 0) await startMissing(missing, folder, onProgress);
    const servers = allServers.flatMap(({ name }) => living(folder, name) ?? []);
    const variables = connectionVariables(folder, environment);
    await writeFile(join(folder, 'env'), environmentLines(variables));
    return { environment: variables, servers: servers.map(({ name, port, pid, address, log }) => ({ name, port, pid, address, log })) };
  });
}

/** The lines of an environment file, which a shell can read too. */
function environmentLines(environment: Partial<ServiceEnvironment>): string {
  return Object.entries(environment)
    .map(([variable, value]) => `${variable}=${value}\n`)
    .join('');
}

/** How every server of the persistent set does. */
export async function servicesStatus(options: LocalOptions = {}): Promise<readonly ServerStatus[]> {
  const { folder, environment } = settings(options);
  return Promise.all(allServers.map((server) => statusOf(server, folder, environment)));
}

/** Stops the persistent set; its data stays. Answers which servers were stopped. */
export async function servicesDown(options: LocalOptions = {}): Promise<readonly ServiceName[]> {
  const { folder } = settings(options);
  return withLock(folder, () => stopAll(folder));
}

/** Stops the persistent set and deletes its data. Answers which servers were stopped. */
export async function servicesReset(options: LocalOptions = {}): Promise<readonly ServiceName[]> {
  const { folder } = settings(options);
  return withLock(folder, async () => {
    const stopped = await stopAll(folder);
    await deleteData(folder);
    await rm(stateFile(folder), { force: true });
    return stopped;
  });
}

/** The connection variables of the persistent servers that are running; empty if none is. Asks nobody, starts nothing. */
export function localEnvironment(dataFolder = defaultFolder()): Record<string, string> {
  return Object.fromEntries(
    allServers.flatMap(({ name, variable }) => {
      const server = living(dataFolder, name);
      return server === undefined ? [] : [[variable, server.address]];
    }),
  );
}

function settings(options: LocalOptions): { readonly folder: string; readonly environment: NodeJS.ProcessEnv; readonly onProgress: (text: string) => void } {
  return { folder: options.dataFolder ?? defaultFolder(), environment: options.environment ?? process.env, onProgress: options.onProgress ?? (() => undefined) };
}

function defaultFolder(): string {
  return join(projectRoot(), '.midline');
}

async function withLock<T>(folder: string, act: () => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true });
  const release = await lockFolder(folder);
  try {
    return await act();
  } finally {
    await release();
  }
}

async function startMissing(missing: readonly Server[], folder: string, onProgress: (text: string) => void): Promise<void> {
  const binaries = await prepareBinaries(onProgress);
  onProgress(`Starting ${missing.map(({ name }) => name).join(', ')} …`);
  const freePort = createPortFinder();
  const startOne = async (server: Server): Promise<void> => {
    const before = recorded(folder).find(({ name }) => name === server.name);
    const port = await freePort(before?.port ?? server.defaultPort);
    const launcher = createDetachedLauncher(({ name, log }, pid) => record(folder, { name, port, pid, started: processStart(pid) ?? '', address: server.address(port), log }));
    await startServer(server, { binaries, folder, launcher, port, freePort, throwAway: false });
  };
  throwFirst(await Promise.allSettled(missing.map(startOne)));
}

async function stopAll(folder: string): Promise<readonly ServiceName[]> {
  const running = allServers.filter(({ name }) => living(folder, name) !== undefined);
  await Promise.all(running.map((server) => stopOne(server, folder)));
  await rm(join(folder, 'env'), { force: true });
  return running.map(({ name }) => name);
}

/** Only a process that is provably the one we started gets a signal. */
async function stopOne(server: Server, folder: string): Promise<void> {
  const deadline = Date.now() + stopWithinMs;
  for (let signal: NodeJS.Signals | null = server.stopSignal; ; signal = null) {
    const ours = living(folder, server.name);
    if (ours === undefined) return;
    if (Date.now() > deadline) signal = 'SIGKILL';
    if (signal !== null) process.kill(ours.pid, signal);
    await delay(50);
  }
}

async function statusOf(server: Server, folder: string, environment: NodeJS.ProcessEnv): Promise<ServerStatus> {
  const own = ownAddress(server, folder, environment);
  if (own !== undefined) return { name: server.name, state: (await answers(server, own)) ? 'own' : 'own, not answering', address: own, port: null, pid: null, log: null };
  const ours = living(folder, server.name);
  if (ours === undefined) return { name: server.name, state: 'stopped', address: null, port: null, pid: null, log: null };
  const { name, address, port, pid, log } = ours;
  return { name, state: (await answers(server, address)) ? 'running' : 'not answering', address, port, pid, log };
}

function answers(server: Server, address: string): Promise<boolean> {
  return server.probe(address).then(
    () => true,
    () => false,
  );
}

/** The address of a server that is the user's own: what the variable says, unless it says what we put there. */
function ownAddress(server: Server, folder: string, environment: NodeJS.ProcessEnv): string | undefined {
  const given = environment[server.variable];
  const ours = recorded(folder).find(({ name }) => name === server.name);
  return given === undefined || given === '' || given === ours?.address ? undefined : given;
}

function connectionVariables(folder: string, environment: NodeJS.ProcessEnv): Partial<ServiceEnvironment> {
  return Object.fromEntries(
    allServers.flatMap((server) => {
      const address = ownAddress(server, folder, environment) ?? living(folder, server.name)?.address;
      return address === undefined ? [] : [[server.variable, address]];
    }),
  );
}

function living(folder: string, name: ServiceName): RecordedServer | undefined {
  const server = recorded(folder).find((candidate) => candidate.name === name);
  return server !== undefined && processStart(server.pid) === server.started ? server : undefined;
}

function stateFile(folder: string): string {
  return join(folder, 'services.json');
}

function recorded(folder: string): readonly RecordedServer[] {
  try {
    return recordedSet.parse(JSON.parse(readFileSync(stateFile(folder), 'utf8'))).servers;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Synchronous from reading to writing: servers that start at the same time do not lose each other's record. */
function record(folder: string, server: RecordedServer): void {
  const others = recorded(folder).filter(({ name }) => name !== server.name);
  writeFileSync(stateFile(folder), `${JSON.stringify({ servers: [...others, server] }, null, 2)}\n`);
}
