import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** A Node process of the benchmark. */
export interface NodeProcess {
  readonly pid: number;
  /** Rejects when the process ends before it is stopped; its last words are in the message. */
  readonly failed: Promise<never>;
  readonly onMessage: (listener: (message: unknown) => void) => void;
  /** SIGTERM, and resolves when it is gone. */
  readonly stop: () => Promise<void>;
}

const running = new Set<ChildProcess>();

/** Ends every process that was started here, at once: for when the benchmark itself is ended. */
export function killProcesses(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Starts Node on a file; `args` before the file's own are Node's. It sees this process's environment and `env`. */
export async function startNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<NodeProcess> {
  const child = spawn(process.execPath, [...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  running.add(child);
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => { words = `${words}${chunk.toString()}`.slice(-4_000); });
  let stopping = false;
  const gone = once(child, 'exit').finally(() => running.delete(child));
  const failed = gone.then(([code, signal]) => {
    if (stopping) return new Promise<never>(() => undefined);
    throw new Error(`${args.at(-1)} ended (${String(signal ?? `exit code ${code}`)}) before it was stopped. It said: ${words.trim() || 'nothing'}`);
  });
  failed.catch(() => undefined); // whoever waits for something else hears of it in a race
  await once(child, 'spawn');
  return {
    pid: child.pid ?? 0,
    failed,
    onMessage: (listener) => { child.on('message', listener); },
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      await gone;
    },
  };
}

interface Stat {
  readonly parent: number;
  /** In the system's clock ticks: its own, and that of children which have ended. */
  readonly ticks: number;
}

/** Linux counts CPU time in hundredths of a second, whatever the kernel was built with (USER_HZ). */
const microsecondsPerTick = 10_000;

/** CPU time and memory can be read (Linux). */
const canMeasureProcesses = existsSync('/proc/self/stat');

/** CPU time of a process and everything that it has started, in microseconds since its start; null where the system has no /proc. */
export function cpuOf(pid: number): number | null {
  if (!canMeasureProcesses) return null;
  const stats = allStats();
  const belongs = (one: number): boolean => {
    for (let at = one; at > 1; at = stats.get(at)?.parent ?? 0) if (at === pid) return true;
    return false;
  };
  let ticks = 0;
  for (const [one, stat] of stats) if (belongs(one)) ticks += stat.ticks;
  return ticks * microsecondsPerTick;
}

/** Resident memory of a process in MiB; null where it cannot be read. */
export function memoryOf(pid: number): number | null {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) / 1024;
}

function allStats(): ReadonlyMap<number, Stat> {
  return new Map(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    const stat = readOrEmpty(`/proc/${name}/stat`);
    // The second field is the program's name in brackets and may hold anything; fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return stat === '' ? [] : [[Number(name), { parent: Number(fields[1]), ticks }] as const];
  }));
}

/** A process may end between being listed and being read. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
