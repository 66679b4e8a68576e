// Runs servers for exactly as long as its standard input is open. Whoever starts this process holds the other end:
// when that process ends, however it ends (kill -9 too), the pipe closes, the servers are stopped and the folders
// named as arguments are deleted. Plain JavaScript: it runs uncompiled from tests and from dist alike.
//
// In (one JSON a line):  { name, executable, args, env, cwd, log, signal, user: { uid, gid } }
// Out (one JSON a line): { name, pid } once started, { name, ended } when that process is gone
import { spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const killAfterMs = 15_000;
const running = new Map();

process.stdout.on('error', () => undefined); // the reader may be gone: that is what this process is for
process.on('SIGTERM', () => process.stdin.destroy());

try {
  for await (const line of createInterface({ input: process.stdin })) start(JSON.parse(line));
} finally {
  await Promise.all([...running].map(([child, signal]) => stop(child, signal)));
  for (const folder of process.argv.slice(2)) rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

function start({ name, executable, args, env, cwd, log, signal, user }) {
  const output = openSync(log, 'a');
  const child = spawn(executable, args, { env, cwd, stdio: ['ignore', output, output], ...user });
  closeSync(output);
  if (child.pid !== undefined) {
    running.set(child, signal);
    tell({ name, pid: child.pid });
  }
  child.once('error', (error) => tell({ name, ended: error.message }));
  child.once('exit', (code, killedBy) => {
    running.delete(child);
    tell({ name, ended: killedBy ?? `exit code ${code}` });
  });
}

async function stop(child, signal) {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  await gone;
  clearTimeout(timer);
}

function tell(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
