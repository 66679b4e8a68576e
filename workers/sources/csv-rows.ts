import { recordLimit, tooLong, UnreadableFileError } from './record.js';

export interface CsvSyntax {
  /** One character each. */
  readonly delimiter: string;
  readonly quote: string;
}

/** A line that is no row; it stands empty in the text. */
interface BrokenLine {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

const notClosed = 'is no CSV: a quotation mark is not closed';
const notDoubled = 'is no CSV: a quotation mark stands within a cell; there it must be written twice, and the cell between quotation marks';

interface Row {
  readonly end: number;
  readonly columns: number;
  readonly lines: number;
}

/** The character that ends lines: a line feed, or a carriage return where the first of them has no line feed behind it. */
const lineEndOf = (text: string): string => (/\r(?!\n|$)|\n/.exec(text)?.[0] === '\r' ? '\r' : '\n');

/**
 * Passes CSV on as pieces that end with whole rows, with every line emptied that is no row: a quotation mark that nobody closes spoils its own line, not all that
 * follow up to the next one. `onLineEnd` is told what ends lines before the first piece comes. A row over several lines is taken as such unless it has too many or too few columns and one of its lines is a row in itself.
 */
export async function* wholeRows(chunks: AsyncIterable<string>, syntax: CsvSyntax, onBroken: (broken: BrokenLine) => void, onLineEnd: (lineEnd: string) => void = () => undefined): AsyncGenerator<string> {
  let rest = '';
  let line = 1;
  /** Of the first row; undefined: it has not come yet. */
  let columns: number | undefined;
  let lineEnd: string | undefined;
  /** In the middle of a line that is too long to be kept. */
  let dropping = false;
  /** A row that does not end yet is looked at again when there is twice as much: however long it is, the work grows as the file does. */
  let enough = 0;

  for await (const chunk of chunks) {
    rest += chunk;
    if (lineEnd === undefined) {
      if (/^[^\r\n]*\r$/.test(rest)) continue; // whether a line feed follows tells the next chunk
      onLineEnd(lineEnd = lineEndOf(rest));
    }
    const whole = rest.length >= enough ? piece(rest, lineEnd, false) : '';
    if (whole !== '') yield whole;
  }
  const whole = piece(rest, lineEnd ?? '\n', true);
  if (whole !== '') yield whole;

  function piece(text: string, end: string, isEnd: boolean): string {
    let whole = '';
    let position = dropping ? text.indexOf(end) : 0;
    dropping = position === -1;
    if (dropping) position = text.length;
    let passed = position;
    while (position < text.length) {
      const quoted = columns === undefined ? position : lineOfQuote(text, position, end, syntax.quote, isEnd);
      line += countOf(end, text, position, quoted);
      position = quoted;
      if (position === text.length) break;
      const row = judged(text, position, end, isEnd);
      if (row === 'more') break;
      if ('problem' in row) {
        if (columns === undefined) throw new UnreadableFileError(`the first row, which should name the columns, ${row.problem}`);
        onBroken({ line, problem: row.problem });
        whole += text.slice(passed, position);
        position = passed = row.end;
        dropping = row.end === text.length && !isEnd;
      } else {
        if (columns === undefined && text.slice(position, row.end).trim() !== '') columns = row.columns;
        line += row.lines;
        position = row.end;
      }
    }
    whole += text.slice(passed, position);
    rest = text.slice(position);
    enough = 2 * rest.length;
    return whole;
  }

  /** The row that begins here; or where its first line ends, and what is wrong with it; or it ends behind what is there yet. */
  function judged(text: string, position: number, end: string, isEnd: boolean): Row | { readonly problem: string; readonly end: number } | 'more' {
    const row = rowAt(text, position, syntax, end, isEnd);
    const isTooLong = text.length - position > recordLimit;
    if (row === 'more' && !isTooLong) return 'more';
    const lineBreak = text.indexOf(end, position);
    if (lineBreak === -1) {
      if (isTooLong) return { problem: tooLong, end: text.length };
      if (!isEnd && typeof row === 'string') return 'more';
    }
    const problem = row === 'more' ? notClosed : typeof row === 'string' ? row : hidesRow(text, position, row, end) ? notClosed : undefined;
    if (problem === undefined && typeof row === 'object') return row;
    return { problem: problem ?? notClosed, end: lineBreak === -1 ? text.length : text[lineBreak - 1] === '\r' ? lineBreak - 1 : lineBreak };
  }

  /** A quotation mark that is not closed makes one wrong row of several: whether one of the lines behind its first is a whole row by itself. */
  function hidesRow(text: string, position: number, { end, lines, columns: found }: Row, lineEnd: string): boolean {
    if (columns === undefined || lines < 2 || found === columns) return false;
    for (let start = text.indexOf(lineEnd, position) + 1; start > 0 && start < end; start = text.indexOf(lineEnd, start) + 1) {
      const inner = rowAt(text, start, syntax, lineEnd, true);
      if (typeof inner === 'object' && inner.columns === columns && inner.lines === 1) return true;
    }
    return false;
  }
}

/** The beginning of the next line that holds a quotation mark; where there is none, the end of the last whole line. */
function lineOfQuote(text: string, position: number, end: string, quote: string, isEnd: boolean): number {
  const found = text.indexOf(quote, position);
  if (found === -1 && isEnd) return text.length;
  return Math.max(position, found === 0 ? 0 : text.lastIndexOf(end, found === -1 ? text.length : found - 1) + 1);
}

function countOf(end: string, text: string, from: number, to: number): number {
  let count = 0;
  for (let next = text.indexOf(end, from); next !== -1 && next < to; next = text.indexOf(end, next + 1)) count++;
  return count;
}

/** The row that begins at a position, `more` where it ends behind the text, or what is wrong with it. */
function rowAt(text: string, start: number, { delimiter, quote }: CsvSyntax, lineEnd: string, isEnd: boolean): Row | 'more' | typeof notClosed | typeof notDoubled {
  let position = start;
  let lines = 1;
  for (let columns = 1; ; columns++) {
    if (text[position] === quote) {
      let close = text.indexOf(quote, position + 1);
      while (close !== -1 && text[close + 1] === quote) close = text.indexOf(quote, close + 2);
      if (close === -1) return isEnd ? notClosed : 'more';
      lines += countOf(lineEnd, text, position, close);
      position = close + 1;
      if (position + 1 >= text.length && !isEnd) return 'more';
      if (lineEnd === '\n' && text[position] === '\r' && text[position + 1] === '\n') position++;
    } else {
      while (position < text.length && text[position] !== delimiter && text[position] !== lineEnd) {
        if (text[position] === quote) return notDoubled;
        position++;
      }
    }
    if (position >= text.length) return isEnd ? { end: text.length, columns, lines } : 'more';
    if (text[position] === lineEnd) return { end: position + 1, columns, lines };
    if (text[position] !== delimiter) return lines > 1 ? notClosed : notDoubled;
    position++;
  }
}
