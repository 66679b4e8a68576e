import { type ChildProcess, fork } from 'node:child_process';
import type { Traps } from './files.js';

/** What a reading process is to do. */
export interface ReadJob {
  readonly what: 'files' | 'definitions';
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  readonly traps: Traps;
  /** Stands in the trap's file. */
  readonly secret: string;
  /** Migrated; org units and customers are imported into it. */
  readonly databaseUrl: string;
}

/** What a reading process tells of one input. */
export interface Answer {
  readonly number: number;
  readonly kind: string;
  readonly milliseconds: number;
  /** What it took to make the input. */
  readonly making: number;
  /** An error that is none of those that readers announce; a trap that gave something away; null: all is well. */
  readonly fault: string | null;
  readonly polluted: boolean;
}

export interface FileResult {
  readonly inputs: number;
  /** What was found, by input. */
  readonly faults: readonly string[];
  /** Inputs that were not answered in time, or of which the process died. */
  readonly deaths: readonly string[];
  readonly slowest: { readonly seconds: number; readonly input: string };
  readonly kinds: Readonly<Record<string, number>>;
}

export interface FileRun extends ReadJob {
  /** The reader's module, and what node needs to run it. */
  readonly reader: URL;
  readonly execArgv: readonly string[];
  /** Longest time for one input, in milliseconds. */
  readonly patience: number;
  readonly say: (text: string) => void;
}

/** Has a process of its own read the inputs; where one kills it or takes too long, another goes on behind that input. */
export async function runFiles(run: FileRun): Promise<FileResult> {
  const { reader, execArgv, patience, say, ...job } = run;
  const faults: string[] = [];
  const deaths: string[] = [];
  const kinds: Record<string, number> = {};
  let slowest = { seconds: 0, input: '' };
  let inputs = 0;
  const end = job.first + job.count;
  for (let next = job.first; next < end;) {
    const { reached, death } = await readFrom({ ...job, first: next, count: end - next }, (answer) => {
      inputs += 1;
      kinds[answer.kind] = (kinds[answer.kind] ?? 0) + 1;
      if (answer.fault !== null) faults.push(`${answer.number} (${answer.kind}): ${answer.fault}`);
      if (answer.polluted) faults.push(`${answer.number} (${answer.kind}): every object has a field more now`);
      const seconds = Math.round(answer.milliseconds / 100) / 10;
      if (seconds > slowest.seconds) slowest = { seconds, input: `${answer.number} (${answer.kind})` };
      if (inputs % 5_000 === 0) say(`  ${inputs} ${job.what} read`);
    });
    if (death !== null) {
      inputs += 1;
      deaths.push(`${reached}: ${death}`);
    }
    next = reached + 1;
  }
  return { inputs, faults, deaths, slowest, kinds };

  function readFrom(part: ReadJob, onAnswer: (answer: Answer) => void): Promise<{ readonly reached: number; readonly death: string | null }> {
    return new Promise((resolve) => {
      const child: ChildProcess = fork(reader, [JSON.stringify(part)], { execArgv: [...execArgv, '--max-old-space-size=768'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
      let reached = part.first;
      let late = false;
      let said = '';
      const timeUp = (): void => { late = true; child.kill('SIGKILL'); };
      // The first input waits for the process to start.
      let timer = setTimeout(timeUp, patience + 60_000);
      child.stderr?.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-2_000); });
      child.on('message', (told: Answer | { readonly begun: number }) => {
        clearTimeout(timer);
        timer = setTimeout(timeUp, patience);
        if ('begun' in told) reached = told.begun;
        else onAnswer(told);
      });
      child.on('exit', (code, signal) => {
        clearTimeout(timer);
        const death = late ? `no answer within ${patience / 1_000} s` : code === 0 ? null : `the process ended with ${signal ?? code}: ${said.trim().split('\n').slice(-4).join(' / ').slice(0, 500)}`;
        resolve({ reached, death });
      });
    });
  }
}
