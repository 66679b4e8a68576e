import { byteText, decoderOf, notInEncoding } from './encoding.js';
import { parseExactJson } from './exact-json.js';
import { recordLimit, tooLong, type Bytes, type SourceRecord } from './record.js';
import type { SourceMapFile } from '../../schemas/source-map.js';

/** Reads NDJSON: one JSON value a line; empty lines are passed over. */
export async function* readNdjson(bytes: Bytes, { encoding }: Pick<SourceMapFile, 'encoding'>): AsyncGenerator<SourceRecord> {
  const decode = decoderOf(encoding);
  let number = 0;
  let line = 0;
  for await (const raw of linesOf(bytes)) {
    line++;
    if (raw !== null && raw.trim() === '') continue;
    const text = raw === null ? undefined : decode(raw);
    const found = raw === null ? { problem: tooLong } : text === undefined ? { problem: notInEncoding(encoding) } : parsedJson(text);
    yield { number: ++number, line, ...found };
  }
}

/** A JSON text as the value of a record, or what is wrong with it. */
export function parsedJson(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    const value = parseExactJson(text);
    return isDeeperThan(deepest, value) ? { problem: `is nested deeper than ${deepest}` } : { value };
  } catch (error) {
    // The parser's sentence quotes the text, which may hold personal data: only the place is told.
    const place = /position \d+/.exec(error instanceof Error ? error.message : '');
    return { problem: `is no JSON${place === null ? '' : ` (${place[0]})`}` };
  }
}

/** What is nested without end would exhaust the stack of whoever walks over it, or the memory of whoever counts. */
export const deepest = 200;

function isDeeperThan(levels: number, value: unknown): boolean {
  return typeof value === 'object' && value !== null && (levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner)));
}

/** The lines without their ends; null for one that is too long to be kept. */
async function* linesOf(bytes: Bytes): AsyncGenerator<string | null> {
  let rest: string | null = '';
  for await (const chunk of byteText(bytes)) {
    const [first = '', ...more] = chunk.split('\n');
    rest = rest === null || rest.length + first.length > recordLimit ? null : rest + first;
    for (const next of more) {
      yield rest;
      rest = next;
    }
  }
  if (rest !== '') yield rest;
}
