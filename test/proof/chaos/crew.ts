import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { strikeAt, type StepStrike } from './step.js';

export type WorkerKind = 'ingest' | 'relay' | 'outreach';

export interface RunningWorker {
  /** Names its log file. */
  readonly name: string;
  readonly kind: WorkerKind;
  readonly group: string;
  readonly pid: number;
  readonly ended: Promise<string>;
  /** True once it is gone. */
  isGone(): boolean;
  signal(signal: NodeJS.Signals): void;
}

/** The worker processes of one world. */
export interface Crew {
  /** Starts `midline worker KIND`; @param options.strike makes it fall at a step @param options.group of ingest, when it is another one */
  start(kind: WorkerKind, options?: { readonly strike?: StepStrike; readonly group?: string }): RunningWorker;
  running(kind?: WorkerKind): readonly RunningWorker[];
  /** Kills (-9) and waits until it is gone. */
  kill(worker: RunningWorker): Promise<void>;
  /** Waits for it to end by itself, as it must. How it ended; null: it lives on. */
  endOf(worker: RunningWorker, milliseconds: number): Promise<string | null>;
  /** Asks to stop (SIGTERM), and waits. */
  stop(worker: RunningWorker): Promise<void>;
  /** What nobody asked for: workers that ended by themselves, or not in order when they were asked to. */
  readonly complaints: readonly string[];
  /** Kills all that are left. */
  end(): Promise<void>;
}

export interface CrewOptions {
  /** The build whose workers run. */
  readonly dist: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly group: string;
  /** Where each worker's log is written. */
  readonly folder: string;
}

/** The time within which a worker that is asked to stop has to be gone, in milliseconds, and what a busy machine may add. */
const patience = 10_000 + 5_000;

export function createCrew({ dist, environment, group: ownGroup, folder }: CrewOptions): Crew {
  const workers = new Map<RunningWorker, ChildProcess>();
  const expected = new Set<RunningWorker>();
  const complaints: string[] = [];
  let number = 0;
  const killAll = (): void => { for (const child of workers.values()) child.kill('SIGKILL'); };
  process.on('exit', killAll);

  const crew: Crew = {
    complaints,
    start(kind, { strike, group = ownGroup } = {}) {
      number += 1;
      const name = `${kind}-${number}`;
      const hook = strike === undefined ? { args: [], env: {} } : strikeAt(dist, strike);
      const log = openSync(join(folder, `${name}.log`), 'w');
      const words = ['worker', kind, ...(kind === 'ingest' ? ['--group', group] : [])];
      const child = spawn(process.execPath, [...hook.args, join(dist, 'workers', 'cli', 'main.js'), ...words], { env: { ...inherited(), ...environment, ...hook.env }, stdio: ['ignore', 'ignore', log] });
      closeSync(log);
      const ended = new Promise<string>((resolve) => {
        child.once('error', (error) => { resolve(error.message); });
        child.once('exit', (code, signal) => { resolve(signal ?? `exit code ${code}`); });
      });
      const worker: RunningWorker = {
        name, kind, group, ended, pid: child.pid ?? 0,
        isGone: () => !workers.has(worker),
        signal: (signal) => { child.kill(signal); },
      };
      workers.set(worker, child);
      // A worker that is to fall at a step does so by itself.
      if (strike?.signal === 'SIGKILL') expected.add(worker);
      void ended.then((how) => {
        workers.delete(worker);
        if (!expected.has(worker) || (strike?.signal === 'SIGKILL' && how !== 'SIGKILL')) complaints.push(`${name} ended by itself: ${how}`);
      });
      return worker;
    },
    running: (kind) => [...workers.keys()].filter((worker) => kind === undefined || worker.kind === kind),
    async kill(worker) {
      expected.add(worker);
      worker.signal('SIGKILL');
      await worker.ended;
    },
    async endOf(worker, milliseconds) {
      expected.add(worker);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<null>((resolve) => { timer = setTimeout(() => { resolve(null); }, milliseconds); });
      const how = await Promise.race([worker.ended, late]);
      clearTimeout(timer);
      return how;
    },
    async stop(worker) {
      expected.add(worker);
      worker.signal('SIGTERM');
      const timer = setTimeout(() => { worker.signal('SIGKILL'); }, patience);
      const how = await worker.ended;
      clearTimeout(timer);
      // Before it has begun to listen to signals it ends as any process does.
      const ended = how === 'exit code 0' || (how === 'SIGTERM' && !readFileSync(join(folder, `${worker.name}.log`), 'utf8').includes('"started"'));
      if (!ended) complaints.push(`${worker.name} was asked to stop and ended with ${how}`);
    },
    async end() {
      for (const worker of workers.keys()) expected.add(worker);
      const left = [...workers.keys()];
      killAll();
      await Promise.all(left.map(({ ended }) => ended));
      process.off('exit', killAll);
    },
  };
  return crew;
}

/** Nothing of this process's environment that could change how a worker runs. */
function inherited(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && /^(PATH|HOME|TMPDIR|TZ|LANG)$/.test(entry[0])));
}
