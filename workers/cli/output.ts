/** Prints a result to standard output: as one JSON document with `--json`, else as text for people. */
export function printResult<Value>(value: Value, options: { readonly json?: boolean | undefined }, text: (value: Value) => string): void {
  process.stdout.write(`${options.json === true ? JSON.stringify(value, null, 2) : text(value)}\n`);
}

/** Says on standard error that files hold no row. That is no error, since nothing may have changed; but often the wrong file was named. */
export function noteEmpty(files: readonly string[], rows: number): void {
  if (rows === 0) process.stderr.write(`${files.join(', ')}: 0 rows, nothing was done.\n`);
}

/** Aligns rows into columns under their headings; numbers to the right. Empty: one sentence instead. */
export function formatTable(headings: readonly string[], rows: readonly (readonly (string | number | null)[])[], whenEmpty = 'Nothing to show.'): string {
  if (rows.length === 0) return whenEmpty;
  const cells = [headings, ...rows.map((row) => row.map((cell) => String(cell ?? '')))];
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const isNumber = headings.map((_, column) => rows.every((row) => typeof row[column] === 'number'));
  return cells
    .map((row) => row.map((cell, column) => (isNumber[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd())
    .join('\n');
}

/** The examples at the end of a command's help; each line is one that works as written. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
