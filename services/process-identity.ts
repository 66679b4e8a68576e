import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * When a process was started, in a form that no other process with the same pid shares; null if it is gone.
 *
 * A pid alone says little: after a restart of the machine, or just later, it may belong to somebody else.
 */
export function processStart(pid: number): string | null {
  return process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid);
}

/** Clock ticks since boot (field 22 of /proc/PID/stat, counted behind the command in brackets) and the boot's id. */
function startOnLinux(pid: number): string | null {
  const stat = readIfThere(`/proc/${pid}/stat`);
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const start = fields[18];
  if (start === undefined || state === 'Z') return null;
  return `${readIfThere('/proc/sys/kernel/random/boot_id').trim()}/${start}`;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // the process ended
  }
}

function startByPs(pid: number): string | null {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null; // ps ends with 1 where there is no such process
  }
}
