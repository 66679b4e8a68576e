import { once } from 'node:events';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { processStart } from '../../services/process-identity.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a TypeScript file as a process of its own; `firstLine` is the first line it prints. */
export async function startScript(file: string, env: NodeJS.ProcessEnv = process.env): Promise<{ readonly child: ChildProcess; readonly firstLine: string }> {
  const child = spawn(process.execPath, ['--import', './test/typescript.mjs', file], { cwd: root, env: withoutJest(env), stdio: ['ignore', 'pipe', 'inherit'] });
  const [firstLine] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, firstLine };
}

/** Jest's own flags for its processes mean nothing to others. */
export function withoutJest(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...rest } = env;
  return rest;
}

/** Waits until the condition holds; fails after 30 s. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 30_000; !condition(); await delay(50)) if (Date.now() > deadline) throw new Error(`Waited 30 s in vain until ${what}.`);
}

export function isRunning(pid: number): boolean {
  return processStart(pid) !== null;
}
