import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ServiceEnvironment } from '../../services/start.js';
import { projectRoot } from '../../services/places.js';

/** Something that was claimed, and what was found. */
export interface Claim {
  readonly claim: string;
  readonly ok: boolean;
  readonly found: string;
}

export type ProofResult = readonly Claim[];

export interface Proof {
  readonly name: string;
  readonly meaning: string;
  run(environment: ServiceEnvironment, say: (text: string) => void): Promise<ProofResult>;
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
