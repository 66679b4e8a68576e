import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { FeeTableRefused, problemCount, readFeeTable } from '../actions/fee-tables.js';
import { problemText } from '../domain/fees/parse.js';

/** Reads a fee-table file. @throws FeeTableRefused with all problems */
export async function readTable(file: string) {
  const text = await readFile(file, 'utf8');
  const read = readFeeTable(text, basename(file));
  if ('table' in read) return { table: read.table, text };
  throw new FeeTableRefused(`${file} has ${problemCount(read.problems)}:\n${read.problems.map((problem) => `  ${problemText(problem)}`).join('\n')}`);
}
