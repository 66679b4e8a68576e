import { closeSync, openSync, writeSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { RowProblem } from '../actions/import-rows.js';
import { csvLine } from '../actions/csv-line.js';

/** A line each: `line 12: country Germany must be …`; what would move the cursor is written out. */
export const problemLines = (problems: readonly RowProblem[]): readonly string[] =>
  problems.map(({ file, line, field, value, reason }) => `${file === undefined ? '' : `${file}: `}line ${line}: ${[field, value, reason].filter((part) => part !== '').join(' ')}`.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1)));

/** Of every command that reads a file of rows. */
export const problemsOption = ['--problems <file>', 'write every problem to this file too, as CSV where its name says so, else as NDJSON'] as const;

/** So many are shown, and so many reasons counted apart. */
const mostShown = 50;
const mostReasons = 100;

type ToldProblem = RowProblem & { readonly landed: boolean };

export interface ProblemSummary {
  /** The first ones. */
  readonly problems: readonly ToldProblem[];
  readonly problemCount: number;
  /** The file that has all of them. */
  readonly problemsFile: string | null;
  /** How often which field had which problem, the most frequent first. */
  readonly reasons: readonly { readonly field: string; readonly reason: string; readonly count: number }[];
}

export interface ProblemReport {
  readonly add: (problem: RowProblem) => void;
  readonly count: () => number;
  /** Closes the file. */
  readonly end: () => ProblemSummary;
}

/**
 * Takes problems as they come and keeps few of them.
 * @param file gets all of them, at once: CSV where its name says so, else NDJSON, and of each whether its row landed; what it held before is gone
 * @param others files that the command reads or writes otherwise
 * @param options several: more than one file holds rows, and each problem names its own
 * @throws InvalidArgumentError where `file` is one of the others
 */
export function reportProblems(file: string | undefined, others: readonly string[], { several = false }: { readonly several?: boolean } = {}): ProblemReport {
  const same = others.find((other) => file !== undefined && resolve(other) === resolve(file));
  if (same !== undefined) throw new InvalidArgumentError(`--problems would write over ${same}: name another file.`);
  const first: ToldProblem[] = [];
  const reasons = new Map<string, { readonly field: string; readonly reason: string; readonly count: number }>();
  let count = 0;
  const isCsv = file !== undefined && extname(file).toLowerCase() === '.csv';
  const written = file === undefined ? null : openSync(file, 'w');
  const columns = [...(several ? ['file'] as const : []), 'line', 'field', 'value', 'reason', 'landed'] as const;
  if (written !== null && isCsv) writeSync(written, csvLine(columns));
  return {
    add(problem) {
      const told = { ...problem, landed: problem.landed ?? false };
      count += 1;
      if (first.length < mostShown) first.push(told);
      const name = `${problem.field} ${problem.reason}`;
      const { field, reason } = reasons.has(name) || reasons.size < mostReasons ? problem : { field: '', reason: 'other problems' };
      reasons.set(`${field} ${reason}`, { field, reason, count: (reasons.get(`${field} ${reason}`)?.count ?? 0) + 1 });
      if (written !== null) writeSync(written, isCsv ? csvLine(columns.map((column) => String(told[column] ?? ''))) : `${JSON.stringify(told)}\n`);
    },
    count: () => count,
    end() {
      if (written !== null) closeSync(written);
      return { problems: first, problemCount: count, problemsFile: file ?? null, reasons: [...reasons.values()].sort((one, other) => other.count - one.count) };
    },
  };
}

/** The first problems, how many more there are, and of what kinds. */
export function problemText({ problems, problemCount, problemsFile, reasons }: ProblemSummary): readonly string[] {
  const more = problemCount - problems.length;
  if (more === 0) return problemLines(problems);
  const kinds = reasons.slice(0, 10).map(({ field, reason, count }) => `  ${count} × ${[field, reason].filter((part) => part !== '').join(' ')}`);
  return [...problemLines(problems), `… ${more} more; ${problemsFile === null ? '--problems FILE writes all of them to a file' : `see ${problemsFile}`}`, 'By kind:', ...kinds, ...(reasons.length > kinds.length ? ['  …'] : [])];
}
