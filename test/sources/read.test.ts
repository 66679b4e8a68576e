import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { sourceMapSchema } from '../../schemas/source-map.js';
import { readRecords } from '../../workers/sources/read-records.js';
import type { Bytes, SourceRecord } from '../../workers/sources/record.js';
import { unpack } from '../../workers/sources/unpack.js';

const mapOf = (format: object) => sourceMapSchema.parse({ source: 's', name: 'S', events: '$', ...format });
const csv = mapOf({ format: 'csv' });
const ndjson = mapOf({ format: 'ndjson' });
const json = (records = '') => mapOf({ format: 'json', json: { records } });
const xml = (record: string) => mapOf({ format: 'xml', xml: { record } });

async function* chunks(bytes: Uint8Array, length = bytes.length): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += Math.max(1, length)) yield bytes.subarray(start, start + Math.max(1, length));
}

const bytesOf = (content: string | Uint8Array): Uint8Array => (typeof content === 'string' ? Buffer.from(content) : content);

async function read(content: string | Uint8Array, map: ReturnType<typeof mapOf>, length?: number): Promise<readonly SourceRecord[]> {
  const records: SourceRecord[] = [];
  for await (const record of readRecords(chunks(bytesOf(content), length), map)) records.push(record);
  return records;
}

const valuesOf = (records: readonly SourceRecord[]): readonly unknown[] => records.map((record) => ('value' in record ? record.value : record.problem));

describe('CSV', () => {
  test('gives every row as texts under the names of the first row, with the line on which it begins', async () => {
    expect(await read('a,b\n1,"x\ny"\n2,z\n', csv)).toEqual([
      { number: 1, line: 2, value: { a: '1', b: 'x\ny' } },
      { number: 2, line: 4, value: { a: '2', b: 'z' } },
    ]);
  });

  test('leaves out what the head says means missing, and keeps empty texts', async () => {
    expect(valuesOf(await read('a,b,c\nNULL,,x\n', mapOf({ format: 'csv', csv: { missing: ['NULL'] } })))).toEqual([{ b: '', c: 'x' }]);
  });

  test('reports a row with too few or too many columns and goes on', async () => {
    expect(await read('a,b\n1\n1,2,3\n4,5\n', csv)).toEqual([
      { number: 1, line: 2, problem: 'has 1 columns; the first row names 2' },
      { number: 2, line: 3, problem: 'has 3 columns; the first row names 2' },
      { number: 3, line: 4, value: { a: '4', b: '5' } },
    ]);
  });

  test('reports a stray quotation mark and goes on', async () => {
    const records = await read('a,b\n1,x"y\n2,z\n', csv);
    expect(records.map((record) => record.number)).toEqual([1, 2]);
    expect(records[0]).toMatchObject({ line: 2, problem: expect.stringContaining('is no CSV') });
    expect(records[1]).toMatchObject({ line: 3, value: { a: '2', b: 'z' } });
  });

  // Seen to lose every good row up to the next quotation mark, or to the end, without `wholeRows`.
  test('reports a quotation mark that nobody closes by its own line; the rows behind it are read', async () => {
    const text = 'a,b\n1,2\n3,"4\n5,6\n7,"8\n"9",10\n11,"12\n13"\n"14,15\n16,17\n18,19",20\n';
    for (const length of [1, 2, 3, 7, 1000]) {
      expect((await read(text, csv, length)).map((record) => [record.line, 'value' in record ? record.value : record.problem])).toEqual([
        [2, { a: '1', b: '2' }],
        [3, 'is no CSV: a quotation mark is not closed'],
        [4, { a: '5', b: '6' }],
        [5, 'is no CSV: a quotation mark is not closed'],
        [6, { a: '9', b: '10' }],
        [7, { a: '11', b: '12\n13' }],
        [9, { a: '14,15\n16,17\n18,19', b: '20' }],
      ]);
    }
  });

  test('takes a row over several lines with too few columns for one bad row', async () => {
    expect(await read('a,b,c\r\n1,"x\r\ny"\r\n\r\n2,3,4\n5,"6""\r\n",7\r\n', csv)).toEqual([
      { number: 1, line: 2, problem: 'has 2 columns; the first row names 3' },
      { number: 2, line: 5, value: { a: '2', b: '3', c: '4' } },
      { number: 3, line: 6, value: { a: '5', b: '6"\r\n', c: '7' } },
    ]);
  });

  // Compared with csv-parse alone, which stops at the first thing that is wrong.
  test('reads whatever is CSV as csv-parse does, however it is cut', async () => {
    const cell = fc.oneof(fc.stringMatching(/^[ab ]{0,3}$/), fc.stringMatching(/^"(?:[ab,\n]|""|\r\n){0,5}"$/));
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1 }), fc.constantFrom('\n', '\r\n'), fc.integer({ min: 1, max: 20 }), async (rows, end, length) => {
      const text = ['x,y', ...rows.map((cells) => cells.join(','))].join(end);
      const expected = parse(text, { record_delimiter: ['\r\n', '\n'] }).slice(1).map(([x, y]) => ({ x, y }));
      expect(valuesOf(await read(text, csv, length))).toEqual(expected);
    }));
  });

  test('never breaks off, whatever the text', async () => {
    await fc.assert(fc.asyncProperty(fc.stringMatching(/^[a",\n\r]{0,40}$/), fc.constantFrom('\n', '\r', '\r\n'), fc.integer({ min: 1, max: 20 }), async (text, end, length) => {
      const records = await read(`x,y${end}${text}`, csv, length);
      expect(records.map(({ number }) => number)).toEqual(records.map((_, index) => index + 1));
      expect(await read(`x,y${end}${text}`, csv)).toEqual(records);
    }), { numRuns: 4000 });
  });

  // Seen to fail when what ends lines is asked of the first rows once more: of them alone nobody can tell.
  test('takes what ends lines from where the first one ends, however it is cut', async () => {
    const text = 'id,amount\r"1\r2",3\r4,5\r';
    for (let length = 1; length <= text.length; length++) expect(valuesOf(await read(text, csv, length))).toEqual([{ id: '1\r2', amount: '3' }, { id: '4', amount: '5' }]);
  });

  test('reports bytes that are no UTF-8 by their column, and never replaces them', async () => {
    const content = Buffer.concat([Buffer.from('a,b\n1,'), Buffer.from([0xff]), Buffer.from('\n2,ü\uFFFD\n')]);
    expect(valuesOf(await read(content, csv))).toEqual(['b is not valid utf-8', { a: '2', b: 'ü\uFFFD' }]);
  });

  test('reads windows-1252 where the head says so, and passes over a byte order mark', async () => {
    expect(valuesOf(await read(Buffer.from('a\nM\u00fcller\n', 'latin1'), mapOf({ format: 'csv', encoding: 'windows-1252' })))).toEqual([{ a: 'Müller' }]);
    expect(valuesOf(await read('\uFEFFa\n1\n', csv))).toEqual([{ a: '1' }]);
  });

  // Seen to lose the value without a word.
  test('refuses a column that no record can hold', async () => {
    await expect(read('a,__proto__\n1,2\n', csv)).rejects.toThrow('column 2 is __proto__');
  });

  test('refuses two columns of one name: the values of one would be lost', async () => {
    await expect(read('a,a\n1,2\n', csv)).rejects.toThrow('two columns are called "a"');
  });
});

describe('NDJSON', () => {
  test('gives every line, reports lines that are no JSON, passes over empty ones', async () => {
    expect(await read('{"a":1}\n\n{"a":\n[2]', ndjson)).toEqual([
      { number: 1, line: 1, value: { a: 1 } },
      { number: 2, line: 3, problem: expect.stringContaining('is no JSON') },
      { number: 3, line: 4, value: [2] },
    ]);
  });

  test('does not lose digits: fractions and numbers beyond 2^53 keep their text', async () => {
    expect(valuesOf(await read('{"a":82.50,"b":12345678901234567890,"c":-3,"d":1e2,"e":"x 1.10 \\" 2.20"}', ndjson))).toEqual([
      { a: '82.50', b: '12345678901234567890', c: -3, d: '1e2', e: 'x 1.10 " 2.20' },
    ]);
  });

  // Seen to end the whole file without the check: copying it to another thread exhausts the stack.
  test('reports a value that is nested without end and goes on', async () => {
    expect(valuesOf(await read(`${'['.repeat(100_000)}${']'.repeat(100_000)}\n{"a":1}`, ndjson))).toEqual(['is nested deeper than 200', { a: 1 }]);
  });

  test('does not repeat what stands in a broken line: it may be personal', async () => {
    const [record] = await read('{"name": "Secret Person', ndjson);
    expect(JSON.stringify(record)).not.toContain('Secret');
  });
});

describe('a file that somebody made to harm costs no more than its length', () => {
  // Seen to hang with strings that are matched as a whole: each quotation mark began another walk to the end.
  test('NDJSON: a string of escaped quotation marks that nobody closes', async () => {
    expect(valuesOf(await read(`{"a":"${'\\"'.repeat(400_000)}\n{"a":1}`, ndjson))).toEqual([expect.stringContaining('is no JSON'), { a: 1 }]);
  });

  // Seen to fail (the stack of the regular expression is exhausted, and a good record was no JSON) with strings that are matched as a whole.
  test('NDJSON: a text of four million escapes is read', async () => {
    const [record] = await read(`{"a":"${'\\n1.10'.repeat(1_500_000)}"}`, ndjson);
    expect(record !== undefined && 'value' in record && JSON.stringify(record.value).length).toBe(8 + 6 * 1_500_000);
  });

  // Seen to hang when the next line break was looked for at every tag.
  test('XML: millions of tags in one line', async () => {
    expect(await read(`<l><B/>\n${'<c/>'.repeat(1_500_000)}<B/></l>`, xml('B'))).toMatchObject([{ line: 1 }, { line: 2 }]);
  });

  // Seen to hang when every name was looked for among all others.
  test('CSV: 150,000 columns', async () => {
    const names = Array.from({ length: 150_000 }, (_, column) => `c${column}`).join(',');
    expect(valuesOf(await read(`${names}\n1,2\n`, csv))).toEqual(['has 2 columns; the first row names 150000']);
  });

  // Seen to take twice as long, of seven million lines, when broken ones were taken from the beginning of a list.
  test('CSV: a quotation mark in each line that nobody closes, and one before many lines', async () => {
    expect((await read(`a,b\n${'"a\n'.repeat(50_000)}`, csv, 65_536)).length).toBe(50_000);
    expect(await read(`a,b\n1,"\n${'x,y\n'.repeat(100_000)}`, csv, 65_536)).toHaveLength(100_001);
  });

  // Seen to keep 70 bytes for each bracket.
  test('JSON: brackets and keys that nobody closes are refused while they come', async () => {
    await expect(read('['.repeat(300), json())).rejects.toThrow('nested deeper than 200');
    await expect(read(`{"${'k'.repeat(17 * 1024 * 1024)}`, json('a'), 65_536)).rejects.toThrow('a key is longer than');
  });
});

describe('JSON', () => {
  test('gives the document, or each of the list that it is', async () => {
    expect(valuesOf(await read('{"a":1}', json()))).toEqual([{ a: 1 }]);
    expect(await read('[\n{"a":1},\n{"a":[2]}]', json())).toEqual([{ number: 1, line: 2, value: { a: 1 } }, { number: 2, line: 3, value: { a: [2] } }]);
  });

  test('gives what stands at the record path, through lists on the way', async () => {
    const content = '{"meta":{"orders":[{"x":0}]},"data":[{"orders":[{"x":1},{"x":2}]},{"other":{"orders":3},"orders":{"x":"}]"}}]}';
    expect(valuesOf(await read(content, json('data.orders')))).toEqual([{ x: 1 }, { x: 2 }, { x: '}]' }]);
  });

  test('reports a record that is no JSON and goes on', async () => {
    expect(valuesOf(await read('[{"a":1},{"a" 2},{"a":3}]', json()))).toEqual([{ a: 1 }, expect.stringContaining('is no JSON'), { a: 3 }]);
  });

  test('says that a document ends too early, or holds nothing at the path', async () => {
    await expect(read('[{"a":1},{"a":', json())).rejects.toThrow('ends before it is closed');
    await expect(read('{"a":1}', json('b.c'))).rejects.toThrow('holds nothing at b.c');
  });

  test('gives the same wherever the chunks are cut', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.jsonValue({ maxDepth: 3 })), fc.integer({ min: 1, max: 7 }), fc.boolean(), async (values, length, pretty) => {
      const records = values.filter((value) => !Array.isArray(value));
      fc.pre(records.length > 0);
      const content = JSON.stringify({ skip: { list: ['a"}', 1] }, list: records }, null, pretty ? 1 : 0);
      const whole = valuesOf(await read(content, json('list')));
      expect(valuesOf(await read(content, json('list'), length))).toEqual(whole);
      expect(whole).toHaveLength(records.length);
    }), { numRuns: 200 });
  });
});

describe('XML', () => {
  const content = `<?xml version="1.0"?><!-- <Booking id="0"/> --><ns:List xmlns:ns="x"><Booking id="1" note='a > b'>
  <Guest Age="9">Ann &amp; Bo</Guest><Guest/><Total>0299.50</Total><![CDATA[<Booking>]]></Booking>
  <ns:Booking id="2"><Booking id="inner"/></ns:Booking><Bookings/></ns:List>`;

  test('gives each record element: attributes and children by name, everything as text', async () => {
    expect(await read(content, xml('Booking'))).toEqual([
      { number: 1, line: 1, value: { id: '1', note: 'a > b', Guest: [{ Age: '9', _text: 'Ann & Bo' }, ''], Total: '0299.50', _text: '<Booking>' } },
      { number: 2, line: 3, value: { id: '2', Booking: { id: 'inner' } } },
    ]);
  });

  test('gives the same wherever the chunks are cut', async () => {
    const whole = await read(content, xml('Booking'));
    for (let length = 1; length < 40; length++) expect(await read(content, xml('Booking'), length)).toEqual(whole);
  });

  // Seen to fail without the check: the parser expands what the DTD declares.
  test('refuses a document type definition, and with it entities that read files or grow without end', async () => {
    await expect(read('<!DOCTYPE a [<!ENTITY x "y">]><a><Booking>&x;</Booking></a>', xml('Booking'))).rejects.toThrow('document type definition is refused');
    await expect(read('<!DOCTYPE a SYSTEM "file:///etc/passwd"><Booking/>', xml('Booking'), 1)).rejects.toThrow('document type definition is refused');
  });

  test('reports a record that is no XML and goes on', async () => {
    expect(valuesOf(await read('<l><B><a></b></B><B>x</B></l>', xml('B')))).toEqual([expect.stringContaining('is no XML'), 'x']);
  });

  test('reads references to characters, however many', async () => {
    expect(valuesOf(await read(`<l><B n="&#228;&quot;">${'&#xE4;&amp;'.repeat(60_000)}</B></l>`, xml('B')))).toEqual([{ n: 'ä"', _text: 'ä&'.repeat(60_000) }]);
  });

  test('reports names that would reach into the prototype, and nesting without end, and goes on', async () => {
    const deep = '<a>'.repeat(200) + '</a>'.repeat(200);
    expect(valuesOf(await read(`<l><B><constructor>x</constructor></B><B>${deep}</B><B><__proto__>y</__proto__></B><B>z</B></l>`, xml('B')))).toEqual([
      expect.stringContaining('not allowed'), expect.stringContaining('nested too deep'), expect.anything(), 'z',
    ]);
  });

  test('says that a document ends inside a record, or holds none', async () => {
    await expect(read('<l><B>', xml('B'))).rejects.toThrow('ends inside B');
    await expect(read('<l/>', xml('B'))).rejects.toThrow('holds no element B');
  });
});

describe('packed files', () => {
  async function contents(content: Uint8Array, length?: number): Promise<Readonly<Record<string, string>>> {
    const found: Record<string, string> = {};
    for await (const { name, bytes } of unpack('f', chunks(content, length))) found[name] = await textOf(bytes);
    return found;
  }
  async function textOf(bytes: Bytes): Promise<string> {
    const parts: Uint8Array[] = [];
    for await (const part of bytes) parts.push(part);
    return Buffer.concat(parts).toString();
  }
  const long = 'line\n'.repeat(50_000);

  test('plain, gzipped and zipped files are told by their first bytes', async () => {
    expect(await contents(Buffer.from('plain'))).toEqual({ f: 'plain' });
    expect(await contents(Buffer.alloc(0))).toEqual({ f: '' });
    expect(await contents(gzipSync(long), 1000)).toEqual({ f: long });
    expect(await contents(zipSync({ 'a.csv': Buffer.from(long), 'b/c.csv': Buffer.from('x') }), 3)).toEqual({ 'f/a.csv': long, 'f/b/c.csv': 'x' });
  });

  test('folders, hidden files and the extra entries of macOS in a zip are passed over', async () => {
    expect(await contents(zipSync({ '__MACOSX/._a.csv': Buffer.from('no'), '.hidden': Buffer.from('no'), 'a.csv': Buffer.from('yes') }))).toEqual({ 'f/a.csv': 'yes' });
  });

  test('a file of a zip that is not read to its end does not spoil the next', async () => {
    const names: string[] = [];
    for await (const { name } of unpack('f', chunks(zipSync({ a: Buffer.from(long), b: Buffer.from('x') }), 100))) names.push(name);
    expect(names).toEqual(['f/a', 'f/b']);
  });

  test('a file that is cut off says so', async () => {
    await expect(contents(gzipSync(long).subarray(0, 200))).rejects.toThrow('is no whole gzip file');
    await expect(contents(zipSync({ a: Buffer.from(long) }).subarray(0, 100))).rejects.toThrow('is no whole zip');
  });
});

// Seen without the look at the beginning: CSV read as NDJSON gave a bad record with the same problem for every line.
describe('a file of another format than the map says is refused as a whole: its lines would all have the same problem', () => {
  const csvText = 'id,name\n1,A\n2,B\n';
  const ndjsonText = '{"id":1}\n{"id":2}\n';
  const jsonText = '{\n  "data": [\n    { "id": 1 }\n  ]\n}\n';
  const xmlText = '<?xml version="1.0"?>\n<l>\n<B/>\n</l>\n';

  test.each([
    ['JSON as CSV', ndjsonText, csv, 'is no CSV: it looks like JSON'],
    ['a JSON document as CSV', jsonText, csv, 'is no CSV: it looks like one JSON document over several lines'],
    ['XML as CSV', xmlText, csv, 'is no CSV: it looks like XML'],
    ['CSV as NDJSON', csvText, ndjson, 'is no NDJSON: it looks like CSV'],
    ['a JSON document as NDJSON', jsonText, ndjson, 'is no NDJSON: it looks like one JSON document over several lines'],
    ['XML as NDJSON', xmlText, ndjson, 'is no NDJSON: it looks like XML'],
    ['CSV as JSON', csvText, json(), 'is no JSON: it looks like CSV'],
    ['XML as JSON', xmlText, json(), 'is no JSON: it looks like XML'],
    ['CSV as XML', csvText, xml('B'), 'is no XML: it looks like CSV'],
    ['JSON as XML', ndjsonText, xml('B'), 'is no XML: it looks like JSON'],
  ])('%s', async (_, content, map, problem) => {
    await expect(read(content, map)).rejects.toThrow(problem);
    await expect(read(content, map, 1)).rejects.toThrow(problem);
  });

  test('but not one whose first line is spoilt', async () => {
    expect(valuesOf(await read(`spoilt\n${ndjsonText}`, ndjson))).toEqual([expect.stringContaining('is no JSON'), { id: 1 }, { id: 2 }]);
  });
});
