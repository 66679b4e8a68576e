import type { SourceMapFile } from '../../schemas/source-map.js';
import { byteText, decoderOf, notInEncoding } from './encoding.js';
import { deepest, parsedJson } from './read-lines.js';
import { recordLimit, tooLong, UnreadableFileError, type Bytes, type SourceRecord } from './record.js';

type JsonMap = Extract<SourceMapFile, { format: 'json' }>;

/**
 * Reads the records of one JSON document while it streams by: what stands at the record path, one by one where that is a list.
 * Only one record at a time is in memory.
 */
export async function* readJson(bytes: Bytes, { json, encoding }: Pick<JsonMap, 'json' | 'encoding'>): AsyncGenerator<SourceRecord> {
  const decode = decoderOf(encoding);
  const cutter = createCutter(json.records === '' ? [] : json.records.split('.'));
  let number = 0;
  const read = ({ text, line }: Cut): SourceRecord => {
    const decoded = decode(text);
    return { number: ++number, line, ...(decoded === undefined ? { problem: notInEncoding(encoding) } : parsedJson(decoded)) };
  };
  for await (const chunk of byteText(bytes)) {
    for (const cut of cutter.push(chunk)) yield read(cut);
  }
  for (const cut of cutter.end()) yield read(cut);
  if (number === 0) throw new UnreadableFileError(json.records === '' ? 'holds no record' : `holds nothing at ${json.records}`);
}

interface Cut {
  readonly text: string;
  readonly line: number;
}

interface Container {
  readonly isList: boolean;
  /** How many names of the record path lead here; -1: the path does not. */
  readonly matched: number;
  /** Of an object: the key whose value comes next; undefined while a key is expected. */
  key: string | undefined;
}

/**
 * Finds where the values at `path` begin and end, looking at brackets and strings only; whether a value is valid JSON is found when it is parsed.
 * A list at the path's end is opened, and so is each list on the way.
 */
function createCutter(path: readonly string[]): { readonly push: (chunk: string) => readonly Cut[]; readonly end: () => readonly Cut[] } {
  const containers: Container[] = [];
  let line = 1;
  /** Of a string that is being passed: whether a backslash came last. */
  let string: { escaped: boolean } | undefined;
  /** The text of a key that has begun, as far as it stood in earlier chunks. */
  let key: string | undefined;
  /** A record that has begun: its text in earlier chunks, and how many brackets in it are open. A bare value has none. */
  let record: { text: string; line: number; depth: number; bare: boolean } | undefined;

  const place = (): number => {
    const inside = containers.at(-1);
    if (inside === undefined) return 0;
    if (inside.matched < 0 || inside.isList) return inside.matched;
    return inside.key !== undefined && inside.key === path[inside.matched] ? inside.matched + 1 : -1;
  };

  function push(chunk: string): readonly Cut[] {
    const cuts: Cut[] = [];
    let start = 0;
    let keyStart = 0;
    const finish = (end: number): void => {
      if (record !== undefined) cuts.push({ text: record.text + chunk.slice(start, end), line: record.line });
      record = undefined;
    };
    for (let at = 0; at < chunk.length; at++) {
      const letter = chunk[at];
      if (letter === '\n') line++;
      if (string !== undefined) {
        if (string.escaped) string.escaped = false;
        else if (letter === '\\') string.escaped = true;
        else if (letter === '"') {
          string = undefined;
          if (key !== undefined) endKey(key + chunk.slice(keyStart, at));
          else if (record !== undefined && record.depth === 0) finish(at + 1);
        }
        continue;
      }
      if (record !== undefined) {
        if (letter === '"') string = { escaped: false };
        else if (letter === '{' || letter === '[') record.depth++;
        else if (letter === '}' || letter === ']') {
          if (record.depth > 0 && --record.depth === 0) finish(at + 1);
          else if (record?.bare === true) {
            finish(at);
            containers.pop();
          }
        } else if (record.bare && record.depth === 0 && (letter === ',' || isBlank(letter))) {
          finish(at);
          if (letter === ',') expectKey();
        }
        continue;
      }
      if (isBlank(letter) || letter === ':') continue;
      if (letter === ',') expectKey();
      else if (letter === '}' || letter === ']') containers.pop();
      else if (letter === '"' && isKeyPlace()) {
        string = { escaped: false };
        key = '';
        keyStart = at + 1;
      } else if (place() === path.length && letter !== '[') {
        start = at;
        record = { text: '', line, depth: letter === '{' ? 1 : 0, bare: letter !== '{' && letter !== '"' };
        if (letter === '"') string = { escaped: false };
      } else if (letter === '"') string = { escaped: false };
      else if (letter === '{' || letter === '[') {
        containers.push({ isList: letter === '[', matched: place(), key: undefined });
        if (containers.length > deepest) throw new UnreadableFileError(`line ${line}: the document is nested deeper than ${deepest}`);
      }
    }
    if (key !== undefined) key += chunk.slice(keyStart);
    if (key !== undefined && key.length > recordLimit) throw new UnreadableFileError(`line ${line}: a key ${tooLong}`);
    if (record !== undefined) {
      record.text += chunk.slice(start);
      if (record.text.length > recordLimit) throw new UnreadableFileError(`line ${record.line}: a record ${tooLong}`);
    }
    return cuts;
  }

  const isKeyPlace = (): boolean => {
    const inside = containers.at(-1);
    return inside !== undefined && !inside.isList && inside.key === undefined;
  };
  const expectKey = (): void => {
    const inside = containers.at(-1);
    if (inside !== undefined) inside.key = undefined;
  };
  const endKey = (text: string): void => {
    const inside = containers.at(-1);
    const found = parsedJson(`"${text}"`);
    if (inside !== undefined) inside.key = 'value' in found && typeof found.value === 'string' ? found.value : '';
    key = undefined;
  };

  function end(): readonly Cut[] {
    if (record?.bare === true && record.depth === 0 && containers.length === 0) return [{ text: record.text, line: record.line }];
    if (record !== undefined || string !== undefined || containers.length > 0) throw new UnreadableFileError(`line ${line}: the document ends before it is closed`);
    return [];
  }

  return { push, end };
}

const isBlank = (letter: string | undefined): boolean => letter === ' ' || letter === '\n' || letter === '\r' || letter === '\t';
