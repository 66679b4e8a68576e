import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** One step of a worker's work: an exported function, or a method of what an exported factory makes. */
export interface Step {
  /** Path of the compiled module in the build's folder. */
  readonly module: string;
  readonly export: string;
  readonly method?: string;
  readonly at: 'before' | 'after';
}

/** What happens to a process at a step. */
export interface StepStrike extends Step {
  /** At which passage, from 1. */
  readonly passage: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

const hook = new URL('./step-hook.mjs', import.meta.url);

/** The arguments of node and the variable that make a process of the build in `dist` be struck at a step. */
export function strikeAt(dist: string, strike: StepStrike): { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const module = pathToFileURL(join(dist, strike.module)).href;
  return { args: ['--import', fileURLToPath(hook)], env: { CHAOS_STEP: JSON.stringify({ ...strike, module }) } };
}
