import type { Instant, LocalDate } from './scalars.js';

const dayLength = 86_400_000;
const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/;
const instantPattern = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))$/;

/** Days since 1970-01-01 of a real calendar day from 0001-01-01 to 9999-12-31; undefined for any other text (30 February). */
export function daysOf(date: LocalDate): number | undefined {
  if (!datePattern.test(date) || date < '0001') return undefined;
  const milliseconds = Date.parse(`${date}T00:00:00.000Z`);
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(date) ? milliseconds / dayLength : undefined;
}

/** The calendar day of days since 1970-01-01; beyond the years 1 to 9999 a text that is no date, so that a validation can refuse it. */
export function dateOf(days: number): LocalDate {
  return days < -719_162 || days > 2_932_896 ? `day ${days}` : new Date(days * dayLength).toISOString().slice(0, 10);
}

/** The moment of an ISO 8601 text with offset, cut to the millisecond; undefined for any other text. */
export function instantOf(text: string): Instant | undefined {
  const parts = instantPattern.exec(text);
  if (parts === null) return undefined;
  const [, date = '', hour, minute, second = '0', fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = parts;
  const days = daysOf(date);
  if (days === undefined) return undefined;
  const time = (Number(hour) * 60 + Number(minute)) * 60_000 + Number(second) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
  const offset = (Number(offsetHour) * 60 + Number(offsetMinute)) * 60_000;
  return days * dayLength + time - (sign === '-' ? -offset : offset);
}

/** The ISO 8601 text of a moment in UTC; undefined beyond what a Date holds. */
export function instantText(instant: Instant): string | undefined {
  return Math.abs(instant) <= 8.64e15 ? new Date(instant).toISOString() : undefined;
}
