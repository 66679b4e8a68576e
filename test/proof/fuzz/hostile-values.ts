import type { Random } from './random.js';

/** Stands in every hostile name: where it turns up in a log, personal data has leaked. */
export const personalMark = 'Zwxqvjk';

/** What breaks programs that paste texts into something: statements, formats, templates, pages, paths, objects, terminals. */
const texts: readonly string[] = [
  '', ' ', '\t\r\n', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'null', 'undefined', 'NaN', '-0', 'true',
  `'; drop table orders; --`, `" or 1=1 --`, '$1', '%s%s%n', '{{7*7}}', '{% include "/etc/passwd" %}', '${7*7}', '#{7*7}', '=1+1', '@SUM(A1)', '+cmd|calc',
  `<script>alert(1)</script>`, '<img src=x onerror=alert(1)>', '<!--', ']]>', '&lt;&#0;&amp;', '../../../../etc/passwd', 'C:\\con', 'file:///etc/passwd',
  '\u202E\u0645\u0631\u062D\u0628\u0627', '\u200B\u200D\uFEFF', 'a\u0300'.repeat(40), '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}', 'ﷺ'.repeat(20), 'İıſßﬁ', '\uFFFD\uFFFE\uFFFF', '\u0001\u001B[31m\u0007\u009F', '\u2028\u2029',
  '\u{10FFFF}', '𝕬𝖓𝖓𝖆', 'MUELLER/ANNA MRS', 'von der', '/', ',', '////', 'O’Neil', '1e999999999', '٣٤٥', '0x10', '9'.repeat(400), 'x'.repeat(513), 'é'.repeat(3_000), 'ab '.repeat(2_000),
  'a@b', `${'a'.repeat(300)}@example.com`, 'Anna <anna@example.com>, bob@example.com', '+49 30 1234567', '0', '99999999999999999999', '31.02.1980', '1980-13-45', '0000-00-00', '29FEB00',
];

export const hostileText = (random: Random): string => {
  if (random.once(12)) return random.bytes(1 + random.int(60)).toString('utf16le').toWellFormed().replaceAll('\u0000', '?');
  if (random.once(6)) return `${random.pick(texts)}${random.pick(texts)}`;
  return random.pick(texts);
};

/** Whole numbers at and beyond the edges of what anything holds. */
export const hostileInt = (random: Random): number =>
  random.pick([0, 1, -1, 2, 127, 128, 255, 256, 32_767, 65_536, 2 ** 31 - 1, -(2 ** 31), random.int(2 ** 31), -random.int(2 ** 31)]);

export const hostileLong = (random: Random): number =>
  random.once(2) ? hostileInt(random) : random.pick([2 ** 53 - 1, -(2 ** 53 - 1), Date.UTC(1900, 0, 1), Date.UTC(2201, 0, 1), 8.64e15, -8.64e15, 2 ** 40, Date.UTC(2026, 4, 1), -62_135_596_800_000]);

/** Two's complement of any length: of nothing, of 64 digits, all ones. */
export const hostileDecimal = (random: Random): Buffer =>
  random.once(3)
    ? random.pick([Buffer.alloc(0), Buffer.from([0]), Buffer.from([0x80]), Buffer.alloc(8, 0xff), Buffer.concat([Buffer.from([0x7f]), Buffer.alloc(7, 0xff)]), Buffer.alloc(65, 1), Buffer.alloc(5_000, 7)])
    : random.bytes(1 + random.int(9));
