import type { SourceMapFile } from '../../schemas/source-map.js';
import { readCsv } from './read-csv.js';
import { readJson } from './read-json.js';
import { readNdjson } from './read-lines.js';
import { readXml } from './read-xml.js';
import { UnreadableFileError, type Bytes, type SourceRecord } from './record.js';

/** The records of a file in the format that the map's head describes, one at a time; bad ones among them. @throws UnreadableFileError */
export function readRecords(bytes: Bytes, map: SourceMapFile): AsyncGenerator<SourceRecord> {
  const checked = ofFormat(bytes, map.format);
  switch (map.format) {
    case 'csv': return readCsv(checked, map);
    case 'ndjson': return readNdjson(checked, map);
    case 'json': return readJson(checked, map);
    case 'xml': return readXml(checked, map);
  }
}

/** So many bytes tell whether a file is of a format. */
const headLength = 4096;

/** Passes the bytes on if their beginning fits the format: in a file of another, each line would be a bad record with the same problem. */
async function* ofFormat(bytes: Bytes, format: SourceMapFile['format']): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | null = new Uint8Array();
  for await (const chunk of bytes) {
    if (head === null) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < headLength) continue;
    checkBeginning(head, format);
    yield head;
    head = null;
  }
  if (head === null) return;
  checkBeginning(head, format);
  yield head;
}

function checkBeginning(head: Uint8Array, format: SourceMapFile['format']): void {
  const text = Buffer.from(head.subarray(0, headLength)).toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '').trim();
  const found = text === '' ? undefined : otherFormat(text, format);
  if (found !== undefined) throw new UnreadableFileError(`is no ${format.toUpperCase()}: it looks like ${found}. Name a map of that format, or change the format in the map's head`);
}

/** What a text is instead of `format`; undefined: it may well be of it. */
export function otherFormat(text: string, format: SourceMapFile['format']): string | undefined {
  const lines = text.split(/\r?\n/);
  if (format !== 'xml' && text.startsWith('<')) return 'XML';
  if (format !== 'json' && lines.length > 1 && /^[[{]$/.test(lines[0]?.trim() ?? '')) return 'one JSON document over several lines';
  if ((format === 'csv' || format === 'xml') && /^[[{]/.test(text)) return 'JSON';
  if (format === 'xml') return text.startsWith('<') ? undefined : 'CSV or other text';
  // A first line that is spoilt must not spoil the rest.
  return format === 'csv' || lines.some((line) => /^\s*[[{"]/.test(line)) ? undefined : 'CSV or other text';
}
