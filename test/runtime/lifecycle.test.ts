import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a worker in a process of its own; `send` gets the process once it says that it works. Answers exit code and what was logged. */
async function run(worker: string, send: (pid: number) => void = () => undefined): Promise<{ readonly code: number | null; readonly log: string }> {
  const script = `
    import { runUntilStopped } from './workers/runtime/lifecycle.ts';
    import { createLog } from './workers/runtime/log.ts';
    const keepAlive = setInterval(() => {}, 1000);
    await runUntilStopped(async (signal) => { ${worker} }, createLog('info'));`;
  const child = spawn(process.execPath, ['--import', './test/typescript.mjs', '--input-type=module', '--eval', script], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => { log += chunk.toString(); });
  child.stdout.once('data', () => { if (child.pid !== undefined) send(child.pid); });
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, log };
}

const working = `console.log('works');`;
const term = (pid: number): void => { process.kill(pid, 'SIGTERM'); };

test('SIGTERM stops the worker in order: exit 0', async () => {
  expect(await run(`${working} return { stop: async () => { console.error('closed'); } };`, term)).toEqual({ code: 0, log: 'closed\n' });
});

test('a worker that is done ends the process: exit 0', async () => {
  expect((await run(`return { done: Promise.resolve(), stop: async () => {} };`)).code).toBe(0);
});

test('SIGTERM while it still starts: exit 0', async () => {
  expect((await run(`${working} await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));`, term)).code).toBe(0);
});

test('a fault stops the worker, is logged as fatal, and the exit code is 1', async () => {
  const { code, log } = await run(`return { done: Promise.reject(new TypeError('broken')), stop: async () => { console.error('closed'); } };`);
  expect(code).toBe(1);
  expect(log).toContain('closed');
  expect(log).toMatch(/"level":"fatal".*broken/);
});

test('a fault at start: exit 1', async () => {
  expect((await run(`throw new Error('no such thing');`)).code).toBe(1);
});

test('the second signal ends it at once: exit 1', async () => {
  const twice = (pid: number): void => {
    term(pid);
    process.kill(pid, 'SIGINT');
  };
  expect((await run(`${working} return { stop: () => new Promise(() => {}) };`, twice)).code).toBe(1);
});

test('a stop that hangs is given up after ten seconds: exit 1', async () => {
  const started = performance.now();
  expect((await run(`${working} return { stop: () => new Promise(() => {}) };`, term)).code).toBe(1);
  expect(performance.now() - started).toBeGreaterThan(9_900);
}, 30_000);
