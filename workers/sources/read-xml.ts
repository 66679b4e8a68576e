import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { SourceMapFile } from '../../schemas/source-map.js';
import { byteText, decoderOf, notInEncoding } from './encoding.js';
import { recordLimit, tooLong, UnreadableFileError, type Bytes, type SourceRecord } from './record.js';

type XmlMap = Extract<SourceMapFile, { format: 'xml' }>;

/**
 * Reads the record elements of an XML document while it streams by. In a record, attributes and child elements stand under their names without
 * prefix, everything is text, elements of one name are a list; the text of an element that has attributes or children is its `_text`.
 * A document type definition is refused: entities in it could read files or grow without end.
 */
export async function* readXml(bytes: Bytes, { xml, encoding }: Pick<XmlMap, 'xml' | 'encoding'>): AsyncGenerator<SourceRecord> {
  const decode = decoderOf(encoding);
  const cutter = createCutter(xml.record);
  let number = 0;
  for await (const chunk of byteText(bytes)) {
    for (const { text, line } of cutter.push(chunk)) {
      const decoded = decode(text);
      yield { number: ++number, line, ...(decoded === undefined ? { problem: notInEncoding(encoding) } : parsedXml(decoded)) };
    }
  }
  cutter.end();
  if (number === 0) throw new UnreadableFileError(`holds no element ${xml.record}`);
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  textNodeName: '_text',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  processEntities: true,
  // With it the parser reads numeric references too: &#228;
  htmlEntities: true,
});

/** A whole document as a value: what is inside its root element. */
export function parseXmlDocument(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    createCutter('').push(text); // finds no record, but a document type definition
  } catch (error) {
    if (error instanceof UnreadableFileError) return { problem: `is no XML that can be read: ${error.message}` };
    throw error;
  }
  return parsedXml(text);
}

/** One element as the value of a record: what is inside the element itself. */
function parsedXml(text: string): { readonly value: unknown } | { readonly problem: string } {
  const valid = XMLValidator.validate(text);
  if (valid !== true) return { problem: `is no XML: ${valid.err.msg}` };
  try {
    const document: unknown = parser.parse(text);
    const [, value] = Object.entries(document as object).find(([name]) => !name.startsWith('?')) ?? [];
    return { value: value as unknown };
  } catch {
    // The parser refuses names such as constructor or __proto__, and nesting deeper than 100.
    return { problem: 'is no XML that can be read: a name that is not allowed, or nested too deep' };
  }
}

interface Cut {
  readonly text: string;
  readonly line: number;
}

/** What is not a tag: each may hold text that looks like one. */
const passages = [
  { begin: '<!--', end: '-->' },
  { begin: '<![CDATA[', end: ']]>' },
  { begin: '<?', end: '?>' },
] as const;

const tag = /<(\/?)(?:[^\s<>/:"']+:)?([^\s<>/:"']+)(?:\s(?:"[^"]*"|'[^']*'|[^<>"'])*)?\/?>/y;
const longestTag = 1024 * 1024;

/** Finds where elements called `name` begin and end; one inside another of its name belongs to it. */
function createCutter(name: string): { readonly push: (chunk: string) => readonly Cut[]; readonly end: () => void } {
  let text = '';
  let at = 0;
  let line = 1;
  /** Where the next line break at or behind `at` is; Infinity: not in this text. Looked for once: a text without any is long. */
  let lineBreak = Infinity;
  let record: { start: number; line: number; depth: number } | undefined;

  const lineBreakFrom = (position: number): number => {
    const found = text.indexOf('\n', position);
    return found === -1 ? Infinity : found;
  };
  const advance = (to: number): void => {
    for (; lineBreak < to; lineBreak = lineBreakFrom(lineBreak + 1)) line++;
    at = to;
  };

  function push(chunk: string): readonly Cut[] {
    const keep = record?.start ?? at;
    text = text.slice(keep) + chunk;
    at -= keep;
    lineBreak = lineBreakFrom(at);
    if (record !== undefined) record.start = 0;
    const cuts: Cut[] = [];
    for (;;) {
      const open = text.indexOf('<', at);
      advance(open === -1 ? text.length : open);
      if (open === -1 || !passOne(cuts)) break;
    }
    if (text.length - (record?.start ?? at) > recordLimit) throw new UnreadableFileError(`line ${record?.line ?? line}: a record ${tooLong}`);
    return cuts;
  }

  /** Passes the tag or passage at `at`; false if its end has not come yet. */
  function passOne(cuts: Cut[]): boolean {
    const passage = passages.find(({ begin }) => text.startsWith(begin, at));
    if (passage !== undefined) {
      const end = text.indexOf(passage.end, at + passage.begin.length);
      if (end !== -1) advance(end + passage.end.length);
      return end !== -1;
    }
    if (text.startsWith('<!', at)) {
      if (passages.some(({ begin }) => begin.startsWith(text.slice(at)))) return false;
      throw new UnreadableFileError(`line ${line}: a document type definition is refused`);
    }
    tag.lastIndex = at;
    const found = tag.exec(text);
    if (found === null) return incomplete();
    const [whole, slash, local] = found;
    const begin = at;
    const beginLine = line;
    advance(at + whole.length);
    if (local !== name) return true;
    if (slash === '/') {
      if (record !== undefined && --record.depth === 0) finish(cuts);
    } else if (!whole.endsWith('/>')) {
      record ??= { start: begin, line: beginLine, depth: 0 };
      record.depth++;
    } else if (record === undefined) {
      record = { start: begin, line: beginLine, depth: 0 };
      finish(cuts);
    }
    return true;
  }

  /** A tag that is no tag would never end: `<` followed by another before `>`, outside quotation marks. */
  function incomplete(): false {
    if (text.length - at > longestTag || /^<(?:"[^"]*"|'[^']*'|[^<>"'])*[<>]/.test(text.slice(at))) throw new UnreadableFileError(`line ${line}: is no XML: a tag is malformed`);
    return false;
  }

  function finish(cuts: Cut[]): void {
    if (record !== undefined) cuts.push({ text: text.slice(record.start, at), line: record.line });
    record = undefined;
  }

  function end(): void {
    if (record !== undefined) throw new UnreadableFileError(`line ${record.line}: the document ends inside ${name}`);
  }

  return { push, end };
}
