import { createHash } from 'node:crypto';
import Big from 'big.js';
import { DateTime } from 'luxon';

/** What an expression may ask about the record it maps. */
export interface RecordFacts {
  /** The record's place in its file, from 1. */
  readonly number: number;
  /** When the record came: ISO 8601 (of a file: the time of its last change). */
  readonly received: string;
  /** What the map's `fetch` brought for it. */
  readonly fetched?: unknown;
}

/** A function of an expression was called with what it cannot work on. The message is for whoever wrote the map. */
class MappingFunctionError extends Error {
  override readonly name = 'MappingFunctionError';
}

/** The functions of expressions that depend on nothing but their arguments. A missing argument gives a missing result, as JSONata's own do. */
export function pureFunctions(timeZone: string): Readonly<Record<string, (...values: never[]) => unknown>> {
  return { decimal, times, sum, round, plusDays, local: (time: unknown, zone: unknown = timeZone) => local(time, zone) };
}

/** An exact amount as text: `$decimal("1.10")` is `"1.1"`. Thousands separators and signs behind are the map's to remove. */
function decimal(value: unknown): string | undefined {
  return value == null ? undefined : big(value).toFixed();
}

/** The exact product of all arguments. */
function times(...values: readonly unknown[]): string | undefined {
  if (values.some((value) => value == null)) return undefined;
  return values.reduce<Big>((product, value) => product.times(big(value)), new Big(1)).toFixed();
}

/** The exact sum of a list; missing ones do not count, nothing at all is 0. */
function sum(values: unknown): string {
  const list: readonly unknown[] = Array.isArray(values) ? values : [values];
  return list.reduce<Big>((total, value) => (value == null ? total : total.plus(big(value))), new Big(0)).toFixed();
}

/** Half away from zero, to `digits` after the point (0 if not given): `$round("2.345", 2)` is `"2.35"`, of `"-2.345"` `"-2.35"`. */
function round(value: unknown, digits: unknown = 0): string | undefined {
  if (value == null) return undefined;
  if (typeof digits !== 'number') throw new MappingFunctionError('$round: the number of digits is no number');
  return big(value).round(digits, Big.roundHalfUp).toFixed();
}

/** A day so many days later: `$plusDays("2026-02-27", 2)` is `"2026-03-01"`. */
function plusDays(date: unknown, days: unknown): string | undefined {
  if (date == null || days == null) return undefined;
  const start = typeof date === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(date) : Number.NaN;
  const count = Number(days);
  if (Number.isNaN(start) || !Number.isInteger(count) || Math.abs(count) > 1e6) throw new MappingFunctionError(`$plusDays: ${shown(date)} is no day such as 2026-05-10, or ${shown(days)} no whole number`);
  return new Date(start + count * 86_400_000).toISOString().slice(0, 10);
}

/**
 * The instant of a time as the source writes it (ISO 8601, `T` or a blank in between), in `zone` where it names no offset itself.
 * A local time that the clocks skip is moved on by the gap; of one that comes twice the first counts (luxon alone would choose by today's season).
 */
function local(time: unknown, zone: unknown): string | undefined {
  if (time == null) return undefined;
  const parsed = typeof time === 'string' && typeof zone === 'string' ? DateTime.fromISO(time.trim().replace(' ', 'T'), { zone }) : undefined;
  const first = parsed?.isValid === true ? parsed.getPossibleOffsets().reduce((a, b) => (b < a ? b : a)) : undefined;
  const text = first?.toUTC().toISO();
  if (text == null) throw new MappingFunctionError(`$local: ${shown(time)} is no time such as 2026-05-10T09:30:00 in zone ${shown(zone)}`);
  return text;
}

/** The first 32 hexadecimal digits of the SHA-256 of a text, or of a value's JSON. */
export function hash(value: unknown): string {
  return createHash('sha256').update(typeof value === 'string' ? value : JSON.stringify(value) ?? '').digest('hex').slice(0, 32);
}

function big(value: unknown): Big {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  // Written out, 1e999999999 would be a gigabyte.
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?$/i.test(text)) throw new MappingFunctionError(`${shown(value)} is no number`);
  return new Big(text.replace(/^\+/, '').replace(/\.(?=e|$)/i, ''));
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};
