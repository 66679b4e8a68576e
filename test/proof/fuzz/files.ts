import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import type { SourceMapFile } from '../../../schemas/source-map.js';
import { hostileText, personalMark } from './hostile-values.js';
import { chooseKind, createRandom, type Kind, type Random } from './random.js';

/** What must not come out of any file: a local file with a secret in it, and a server that nobody may ask. */
export interface Traps {
  readonly secretFile: string;
  readonly url: string;
}

export type Format = SourceMapFile['format'];

export interface HostileFile {
  readonly kind: string;
  readonly format: Format;
  readonly bytes: Buffer;
  /** How the bytes come: so many at once. */
  readonly chunk: number;
}

/** A data file by its number. */
export function hostileFile(seed: number, number: number, traps: Traps): HostileFile {
  const random = createRandom(seed, number);
  const format = random.pick<Format>(['csv', 'ndjson', 'json', 'xml']);
  const { name, make } = chooseKind(kinds[format], random);
  const packed = pack(random, toBytes(random, make(random, traps)));
  return { kind: `${format}: ${name}`, format, bytes: packed, chunk: random.pick([1 + random.int(40), 1_000, 65_536, 65_536, 16 * 1024 * 1024].filter((size) => packed.length / size < 20_000)) };
}

/** The map that all files are read with: it takes whatever it finds. */
export const mapOf = (format: Format): string => `
source: fuzz
name: Fuzz
format: ${format}
${format === 'json' ? 'json: { records: bookings }' : format === 'xml' ? 'xml: { record: booking }' : ''}
events: |
  {
    "eventId": $string(ref) & "-" & $substring($hash(), 0, 8), "type": status in ["booked", "cancelled"] ? status : "booked", "bookingRef": $string(ref), "occurredAt": "2026-05-01T10:00:00Z",
    "booking": {
      "booker": { "familyName": name, "emails": [mail] },
      "items": [{ "id": "1", "product": "hotel", "price": amount ? { "currency": "EUR", "total": $round(amount, 2) } }],
      "attributes": $merge($each($, function($value, $key) { $type($value) = "string" ? { $key: $value } }))
    }
  }
`;

type Make = (random: Random, traps: Traps) => string | Buffer;

const record = (random: Random): Readonly<Record<string, string>> => ({ ref: `B${random.int(1_000)}`, status: 'booked', name: `${personalMark} ${hostileText(random)}`, mail: `${personalMark}@example.com`, amount: random.pick(['82.50', '1', '-3', hostileText(random)]) });
const json = (random: Random): string => JSON.stringify(record(random));
const columns = ['ref', 'status', 'name', 'mail', 'amount'];
const cell = (random: Random, text: string): string => (random.once(8) ? text : `"${text.replaceAll('"', random.once(9) ? '"' : '""')}"`);
const row = (random: Random): string => columns.map((name) => cell(random, record(random)[name] ?? '')).join(',');
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const element = (random: Random): string => `<booking ${Object.entries(record(random)).map(([name, value]) => `${name}="${escaped(value)}"`).join(' ')}><a>${escaped(hostileText(random))}</a></booking>`;
const some = (random: Random, most: number, make: (random: Random) => string): string[] => Array.from({ length: 1 + random.int(most) }, () => make(random));

/** Sizes that are much, but not too much to be tried often: one in 400 is large. */
const times = (random: Random, few: number, many: number): number => (random.once(400) ? many : few);

const kinds: Readonly<Record<Format, readonly Kind<Make>[]>> = {
  csv: [
    { name: 'hostile cells', weight: 8, make: (random) => [columns.join(','), ...some(random, 6, row)].join(random.pick(['\n', '\r\n', '\r'])) },
    { name: 'quotation mark that nobody closes', weight: 2, make: (random) => [columns.join(','), row(random), `"${hostileText(random)}`, ...some(random, 6, row)].join('\n') },
    { name: 'hostile columns', weight: 3, make: (random) => `${some(random, 6, (one) => JSON.stringify(hostileText(one))).join(',')}\n${row(random)}\n` },
    { name: 'many columns', weight: 1, make: (random) => { const count = times(random, 200, 100_000); return `${Array.from({ length: count }, (_, index) => `c${index}`).join(',')}\n${'x,'.repeat(count)}\n`; } },
    { name: 'one endless cell', weight: 1, make: (random) => `${columns.join(',')}\nB1,booked,${'x'.repeat(times(random, 5_000, 18_000_000))},a@b,1\nB2,booked,a,b,1\n` },
    { name: 'only separators', weight: 1, make: (random) => random.pick([',', '\n', '"', ';', '\r', '\u0000']).repeat(times(random, 3_000, 2_000_000)) },
    { name: 'random bytes', weight: 2, make: (random) => random.bytes(random.int(400)) },
  ],
  ndjson: [
    { name: 'hostile values', weight: 8, make: (random) => some(random, 6, json).join('\n') },
    { name: 'damaged', weight: 6, make: (random) => some(random, 4, (one) => damaged(one, json(one))).join('\n') },
    { name: 'keys of objects', weight: 3, make: (random) => `{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"ref":"B1","ref":${JSON.stringify(hostileText(random))}}\n{"ref":{"__proto__":[1]},"toString":null}\n` },
    { name: 'huge numbers', weight: 2, make: (random) => `{"ref":${'9'.repeat(times(random, 40, 300_000))},"amount":1e${random.pick(['400', '999999999', '-999999999', '5'])}}\n{"ref":-0,"amount":0.${'1'.repeat(400)}}\n` },
    { name: 'nested', weight: 2, make: (random) => { const depth = times(random, 3_000, 500_000); return `${'['.repeat(depth)}${random.once(2) ? ']'.repeat(depth) : ''}\n{"a":${'{"a":'.repeat(190)}1${'}'.repeat(190)}}\n{"ref":"B1"}\n`; } },
    { name: 'backslashes that nobody closes', weight: 1, make: (random) => `{"ref":"${random.pick(['\\"', '\\\\', '\\u0041', '\\n'])}`.padEnd(times(random, 4_000, 1_000_000), '\\"') },
    { name: 'wide', weight: 1, make: (random) => `{${Array.from({ length: times(random, 300, 50_000) }, (_, index) => `"k${index}":${random.int(9)}`).join(',')}}\n` },
    { name: 'random bytes', weight: 2, make: (random) => random.bytes(random.int(400)) },
  ],
  json: [
    { name: 'hostile values', weight: 8, make: (random) => `{"bookings":[${some(random, 5, json).join(',')}]}` },
    { name: 'damaged', weight: 8, make: (random) => damaged(random, `{"x":[{"a":"\\"]}"}],"bookings":[${some(random, 4, json).join(',')}],"y":{}}`) },
    { name: 'nested', weight: 2, make: (random) => { const depth = times(random, 3_000, 3_000_000); return `${random.pick(['[', '{"bookings":[', '{"a":', '{"bookings":{"bookings":'])}${random.pick(['[', '{"a":']).repeat(depth)}`; } },
    { name: 'endless key', weight: 1, make: (random) => `{"${'k'.repeat(times(random, 5_000, 18_000_000))}` },
    { name: 'wrong places', weight: 3, make: (random) => random.pick(['{"bookings":"x"}', '{"bookings":[1,null,true,"x",[{}],{}]}', '{"bookings":}', '{"bookings" {"a":1}}', '[{"bookings":{}},{"bookings":[]}]', '{"bookings":{"__proto__":{"a":1}}}', '{"bookings":[{}', ']}]}', '""', '{"bookings":[{},,{}]}']) },
    { name: 'random bytes', weight: 2, make: (random) => random.bytes(random.int(400)) },
  ],
  xml: [
    { name: 'hostile values', weight: 8, make: (random) => `<?xml version="1.0"?><r>${some(random, 5, element).join('\n')}</r>` },
    { name: 'damaged', weight: 8, make: (random) => damaged(random, `<r><x:booking xmlns:x="urn:x" ref="1"><![CDATA[</booking>]]></x:booking>${some(random, 3, element).join('')}</r>`) },
    { name: 'entity bomb', weight: 3, make: (random) => `<!DOCTYPE r [<!ENTITY a "lol">${Array.from({ length: 9 }, (_, index) => `<!ENTITY a${index} "${(index === 0 ? '&a;' : `&a${index - 1};`).repeat(10)}">`).join('')}]><r>${element(random)}<booking ref="&a8;">&a8;</booking></r>` },
    { name: 'external entity', weight: 4, make: (random, { secretFile, url }) => {
      const address = random.pick([`file://${secretFile}`, url, `${url}/x.dtd`]);
      return random.pick([
        `<!DOCTYPE r [<!ENTITY x SYSTEM "${address}">]><r><booking ref="&x;" name="&x;">&x;</booking></r>`, `<!DOCTYPE r SYSTEM "${address}"><r><booking ref="1"/></r>`,
        `<!DOCTYPE r [<!ENTITY % x SYSTEM "${address}">%x;]><r><booking ref="1"/></r>`, `<r><!DOCTYPE b [<!ENTITY x SYSTEM "${address}">]><booking ref="&x;"/></r>`,
        `<r><booking ref="1"><!DOCTYPE b [<!ENTITY x SYSTEM "${address}">]><a>&x;</a></booking></r>`, `<?xml-stylesheet href="${address}"?><r><booking ref="1" xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="${address}"/></booking></r>`,
        `<r xmlns:xsi="x" xsi:schemaLocation="${address} ${address}"><booking ref="1">&x;&#x26;x;</booking></r>`,
      ]);
    } },
    { name: 'nested', weight: 2, make: (random) => { const depth = times(random, 1_000, 400_000); return `<r><booking ref="1">${'<a>'.repeat(depth)}${random.once(2) ? '</a>'.repeat(depth) : ''}</booking>${'<booking>'.repeat(random.int(300))}</r>`; } },
    { name: 'huge attribute', weight: 1, make: (random) => `<r><booking ref="1" name=${random.pick(['"', "'"])}${'x'.repeat(times(random, 5_000, 3_000_000))}"/></r>` },
    { name: 'many tags in one line', weight: 1, make: (random) => `<r><booking ref="1">${'<a/>'.repeat(times(random, 2_000, 700_000))}</booking>${'<c/>'.repeat(times(random, 2_000, 700_000))}</r>` },
    { name: 'names of objects', weight: 2, make: (random) => `<r><booking ref="1"><__proto__>x</__proto__><constructor a="1"/><${random.pick(['hasOwnProperty', 'prototype', 'toString', 'then', '_text'])}/></booking></r>` },
    { name: 'references to characters', weight: 2, make: (random) => `<r><booking ref="1" name="${random.pick(['&#0;', '&#xD800;', '&#99999999999;', '&#x110000;', '&amp;amp;', '&lt;'.repeat(5_000), '&x;', '&'])}"/></r>` },
    { name: 'random bytes', weight: 2, make: (random) => random.bytes(random.int(400)) },
  ],
};

function damaged(random: Random, text: string): string {
  let result = text;
  for (let count = 1 + random.int(3); count > 0; count -= 1) {
    const at = random.int(result.length + 1);
    result = result.slice(0, at) + random.pick(['', '"', '\\', '{', '}', '[', ']', '<', '>', '</', '&', ',', ':', '\n', '\u0000', '<!--', '<![CDATA[', '<?', '<!', "'", hostileText(random)]) + result.slice(at + random.int(4));
  }
  return result;
}

/** Text in an encoding that may not be the one that is promised. */
function toBytes(random: Random, content: string | Buffer): Buffer {
  if (typeof content !== 'string') return content;
  if (content.length > 100_000 || !random.once(6)) return Buffer.from(content);
  return random.pick([
    () => Buffer.from(`\uFEFF${content}`), () => Buffer.from(content, 'latin1'), () => Buffer.from(`\uFEFF${content}`, 'utf16le'),
    () => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf]), Buffer.from(content)]), () => Buffer.concat([Buffer.from(content), Buffer.from([0xc3])]), () => Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(content)]),
  ])();
}

/** Packed, packed badly, or packed so that much comes out of little. */
function pack(random: Random, bytes: Buffer): Buffer {
  if (!random.once(5)) return bytes;
  const zipped = (): Buffer => Buffer.from(zipSync({ 'a/b.csv': bytes, '../../etc/x': bytes.subarray(0, 100), '__MACOSX/._b': Buffer.from('x') }, { level: random.once(2) ? 0 : 6 }));
  return random.pick<() => Buffer>([
    () => gzipSync(bytes), zipped, () => cutOff(random, gzipSync(bytes)), () => cutOff(random, zipped()), () => Buffer.concat([gzipSync(bytes), random.bytes(20)]),
    () => changed(random, zipped()), () => changed(random, gzipSync(bytes)), () => gzipSync(gzipSync(bytes)),
    () => gzipSync(Buffer.alloc(random.once(40) ? 25_000_000 : 200_000, random.pick([10, 120, 34, 91, 60, 32]))), () => Buffer.from(zipSync({ bomb: Buffer.alloc(random.once(40) ? 25_000_000 : 200_000, random.pick([10, 120, 34, 91, 60, 32])) })),
  ])();
}

const cutOff = (random: Random, bytes: Buffer): Buffer => bytes.subarray(0, random.int(bytes.length));

function changed(random: Random, bytes: Buffer): Buffer {
  for (let count = 1 + random.int(3); count > 0; count -= 1) bytes[random.int(bytes.length)] = random.int(256);
  return bytes;
}
