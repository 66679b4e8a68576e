import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// The built command, as people run it; `npm test` builds first.
const main = fileURLToPath(new URL('../../dist/workers/cli/main.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a command to its end, with nothing in its environment but `environment`. */
export function runMidline(args: readonly string[], { environment = {}, folder, input = '' }: { readonly environment?: Readonly<Record<string, string>>; readonly folder?: string; readonly input?: string } = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, env: { PATH: process.env['PATH'], ...environment } });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { err += chunk.toString(); });
  child.stdin.end(input);
  return new Promise((resolve) => child.on('close', (code) => { resolve({ code, out, err }); }));
}
