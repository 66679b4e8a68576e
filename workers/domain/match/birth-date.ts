import type { LocalDate } from '../../../schemas/scalars.js';
import { fillerBirthDates } from './junk.js';

export type BirthDateLevel = 'equal' | 'near' | 'close' | 'different' | 'unknown';

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** German, French and Spanish abbreviations that differ from the English ones. */
const otherMonths: Readonly<Record<string, number>> = {
  'mär': 3, mrz: 3, mae: 3, mai: 5, okt: 10, dez: 12, fev: 2, 'fév': 2, avr: 4, aou: 8, 'aoû': 8, 'déc': 12, ene: 1, abr: 4, ago: 8, dic: 12,
};

/** Nobody who travels is born later: of a two-digit year above it only 19xx is meant. Raise it when the first of them travel. */
const lastShortYear = 35;

/**
 * The calendar days that a birth date may mean, as sources write it: `1980-05-10`, `19800510`, `10.05.1980`, `10.5.80`, `10MAY80`, `10-May-1980`,
 * `05/10/1980`. Two where day and month or the century are open; none for fillers (1900-01-01) and anything else.
 */
export const birthDatesOf = (text: string | null | undefined): readonly LocalDate[] => datesIn(text).filter((date) => !fillerBirthDates.has(date));

/** Whether a text is a birth date, on or before a day; though perhaps one that stands for nobody knows when: some are born on the first of January 1970. */
export const isBirthDate = (text: string, last: LocalDate = '9999-12-31'): boolean => datesIn(text).some((date) => date <= last);

function datesIn(text: string | null | undefined): readonly LocalDate[] {
  if (text == null || text.length < 6 || text.length > 32) return [];
  const dates: LocalDate[] = [];
  for (const [year, month, day] of readings(text.trim())) {
    if (year < 1880 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) continue;
    const date = `${year}-${twoDigits(month)}-${twoDigits(day)}`;
    if (!dates.includes(date)) dates.push(date);
  }
  return dates;
}

const twoDigits = (part: number): string => (part < 10 ? `0${part}` : String(part));

/** Day 0 of the next month is the last of this one. */
const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

type Reading = readonly [year: number, month: number, day: number];

function readings(text: string): readonly Reading[] {
  const yearFirst = /^(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?:[T ].*)?$/.exec(text);
  if (yearFirst && (yearFirst[2] !== '' || /^\d{8}(?:$|[T ])/.test(text))) return [[Number(yearFirst[1]), Number(yearFirst[3]), Number(yearFirst[4])]];
  const named = /^(\d{1,2})[-. ]*(\p{L}{3})\p{L}*[-. ]*(\d{4}|\d{2})$/u.exec(text);
  if (named) return years(named[3] ?? '').map((year) => [year, monthNamed(named[2] ?? ''), Number(named[1])]);
  const numeric = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})$/.exec(text);
  if (!numeric) return [];
  const [first, second] = [Number(numeric[1]), Number(numeric[3])];
  // Points mean day first everywhere; with strokes Americans put the month first.
  const dayFirstOnly = numeric[2] === '.';
  return years(numeric[4] ?? '').flatMap((year): Reading[] => (dayFirstOnly ? [[year, second, first]] : [[year, second, first], [year, first, second]])).slice(0, 4);
}

function years(text: string): readonly number[] {
  const year = Number(text);
  if (text.length === 4) return [year];
  return year > lastShortYear ? [1900 + year] : [2000 + year, 1900 + year];
}

function monthNamed(name: string): number {
  const lower = name.toLowerCase();
  return months.indexOf(lower) + 1 || (otherMonths[lower] ?? 0);
}

/**
 * equal: both mean the same one day. near: they may be the same day, or differ by a slip of the hand (one digit, two neighbouring digits swapped,
 * day and month swapped). close: two digits differ, or a year or ten lie between. different: more, or years apart as those of parent and child are. unknown: at least one says nothing.
 */
export function compareBirthDates(ones: readonly LocalDate[], others: readonly LocalDate[]): BirthDateLevel {
  if (ones.length === 0 || others.length === 0) return 'unknown';
  if (ones.some((one) => others.includes(one))) return ones.length === 1 && others.length === 1 ? 'equal' : 'near';
  const levels = ones.flatMap((one) => others.map((other) => slipLevel(one, other)));
  return levels.find((level) => level === 'near') ?? levels.find((level) => level === 'close') ?? 'different';
}

/** So many years can lie between brothers, and no fewer between parent and child. */
const generation = 13;
const day = 24 * 3_600_000;

/** A little more than a year, or ten years but for some weeks: what more than one slip makes of a date. */
const isClose = (days: number): boolean => days <= 400 || Math.abs(days - 3652) <= 60;

function slipLevel(one: LocalDate, other: LocalDate): 'near' | 'close' | 'different' {
  const [year, otherYear] = [one, other].map((date) => Number(date.slice(0, 4)));
  const years = Math.abs((year ?? 0) - (otherYear ?? 0));
  if (years === 0 && one.slice(5, 7) === other.slice(8) && one.slice(8) === other.slice(5, 7)) return 'near';
  // 1880 for 1980 is a slip, 1956 for 1986 may be father and son.
  if (years >= generation && years < 90) return 'different';
  const [a, b] = [one.replaceAll('-', ''), other.replaceAll('-', '')];
  const different = Array.from(a).flatMap((digit, index) => (digit === b[index] ? [] : [index]));
  const [first = 0, second = 0] = different;
  if (different.length === 1) return 'near';
  if (different.length > 2) return isClose(Math.abs(Date.parse(one) - Date.parse(other)) / day) ? 'close' : 'different';
  return second === first + 1 && a[first] === b[second] && a[second] === b[first] ? 'near' : 'close';
}
