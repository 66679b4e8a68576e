import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunningServices, ServiceEnvironment } from '../../services/start.js';
import { projectRoot } from '../../services/places.js';

/** Something that was claimed, and what was found. */
export interface Claim {
  readonly claim: string;
  readonly ok: boolean;
  readonly found: string;
}

/** Claims, and where there is more to keep, what is written beside them. */
export type ProofResult = readonly Claim[] | { readonly claims: readonly Claim[]; readonly details: object };

export interface ProofOption {
  /** What the help shows for it. */
  readonly value: string;
  readonly meaning: string;
}

/** For proofs that do more with their servers than to use them. */
export interface ProofTools {
  readonly services: RunningServices;
  /** Those of the proof's options that were given. */
  readonly options: Readonly<Record<string, string | undefined>>;
}

export interface Proof {
  readonly name: string;
  readonly meaning: string;
  /** By name: `--seeds N` is `seeds`. */
  readonly options?: Readonly<Record<string, ProofOption>>;
  run(environment: ServiceEnvironment, say: (text: string) => void, tools: ProofTools): Promise<ProofResult>;
}

/** A claim that holds when both say the same. */
export function same(claim: string, found: unknown, expected: unknown): Claim {
  const [foundText, expectedText] = [JSON.stringify(found), JSON.stringify(expected)];
  return { claim, ok: foundText === expectedText, found: foundText === expectedText ? foundText : `${foundText} instead of ${expectedText}` };
}

const run = promisify(execFile);

/** Runs `midline …` as a person would and returns what it printed. Rejects, with its words, when it fails. */
export async function midline(environment: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<string> {
  const main = join(projectRoot(), 'dist', 'workers', 'cli', 'main.js');
  const { stdout } = await run(process.execPath, ['--max-semi-space-size=64', main, ...words], { env: { ...process.env, ...environment }, maxBuffer: 256 * 1024 * 1024 });
  return stdout;
}
