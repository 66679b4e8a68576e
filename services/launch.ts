import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Command, ServiceName } from './server.js';
import type { ServerUser } from './places.js';

/** A server to be started. */
export interface Launch extends Command {
  readonly name: ServiceName;
  readonly cwd: string;
  readonly log: string;
  readonly signal: NodeJS.Signals;
  readonly user: ServerUser;
}

export interface Launched {
  readonly pid: number;
  /** Settles when the process is gone, with how it ended ("exit code 1", "SIGKILL"). */
  readonly ended: Promise<string>;
}

/** Starts servers, and decides how long they live. */
export interface Launcher {
  readonly launch: (launch: Launch) => Promise<Launched>;
  /** The servers keep this process from ending, as they do from the start … */
  readonly hold: () => void;
  /** … and from now on they do not. */
  readonly release: () => void;
  /** Ends those that live no longer than this process. */
  readonly stop: () => Promise<void>;
}

interface GuardMessage {
  readonly name: ServiceName;
  readonly pid?: number;
  readonly ended?: string;
}

/** Servers that outlive this process; `record` hears of each as soon as it has a pid, so that none is forgotten. */
export function createDetachedLauncher(record: (launch: Launch, pid: number) => void): Launcher {
  return {
    launch: async (launch) => {
      const { executable, args, env, cwd, log, user } = launch;
      const output = openSync(log, 'a');
      const child = spawn(executable, args, { env: serverEnvironment(env), cwd, detached: true, stdio: ['ignore', output, output], ...user });
      closeSync(output);
      const ended = once(child, 'exit').then(([code, signal]) => String(signal ?? `exit code ${code}`));
      ended.catch(() => undefined); // reported by 'spawn' below
      await once(child, 'spawn');
      if (child.pid === undefined) throw new Error(`${executable} could not be started.`);
      record(launch, child.pid);
      child.unref();
      return { pid: child.pid, ended };
    },
    hold: () => undefined,
    release: () => undefined,
    stop: async () => undefined,
  };
}

/**
 * Servers that end with this process, however it ends (guard.mjs says how), after which `folders` are deleted.
 * They hold neither the event loop nor the terminal's signals.
 */
export function createGuardedLauncher(folders: readonly string[]): Launcher {
  const guard = spawn(process.execPath, [fileURLToPath(new URL('./guard.mjs', import.meta.url)), ...folders], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const handles = [guard, ...[guard.stdin, guard.stdout].filter((pipe) => pipe instanceof Socket)];
  const guardGone = once(guard, 'exit');
  const listeners = new Map<ServiceName, (message: GuardMessage) => void>();
  guard.stdin.on('error', () => undefined); // a guard that is gone shows in `guardGone`
  createInterface({ input: guard.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as GuardMessage;
    listeners.get(message.name)?.(message);
  });
  return {
    launch: (launch) =>
      new Promise((resolve, reject) => {
        let end: (how: string) => void = () => undefined;
        const gone = new Promise<string>((settle) => (end = settle));
        listeners.set(launch.name, ({ pid, ended }) => {
          if (pid !== undefined) resolve({ pid, ended: gone });
          if (ended !== undefined) end(ended);
          reject(new Error(`${launch.executable} could not be started: ${ended}`)); // without effect once it was started
        });
        guard.stdin.write(`${JSON.stringify({ ...launch, env: serverEnvironment(launch.env) })}\n`);
      }),
    hold: () => handles.forEach((handle) => handle.ref()),
    release: () => handles.forEach((handle) => handle.unref()),
    stop: async () => {
      guard.ref();
      guard.stdin.end();
      await guardGone;
    },
  };
}

/** What a server sees of this process's environment: nothing that could change how it runs. */
function serverEnvironment(own: Readonly<Record<string, string>>): Record<string, string> {
  const { PATH, HOME, TMPDIR, JAVA_HOME } = process.env;
  const inherited = Object.entries({ PATH, HOME, TMPDIR, JAVA_HOME }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(inherited), ...own };
}
