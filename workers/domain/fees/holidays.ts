import Holidays from 'date-holidays';
import type { LocalDate } from '../../../schemas/scalars.js';

/** Whether a day is a public holiday in a country (alpha-2) or one of its regions; null: nothing is known about the country. */
export type HolidayCalendar = (day: LocalDate, country: string, region: string | null) => boolean | null;

const dayLength = 86_400_000;

/**
 * @param given holidays by country (`DE`) or country and region (`DE-BY`); a country that it names is not looked up in the pinned library
 */
export function createHolidayCalendar(given: Readonly<Record<string, readonly LocalDate[]>>): HolidayCalendar {
  const givenDays = new Map(Object.entries(given).map(([place, days]) => [place, new Set(days)]));
  const givenCountries = new Set(Object.keys(given).map((place) => place.slice(0, 2)));
  const years = new Map<string, ReadonlySet<LocalDate> | null>();

  const fromLibrary = (day: LocalDate, country: string, region: string | null): boolean | null => {
    const key = `${country}-${region ?? ''}-${day.slice(0, 4)}`;
    let days = years.get(key);
    if (days === undefined) years.set(key, (days = publicHolidays(country, region, Number(day.slice(0, 4)))));
    return days === null ? null : days.has(day);
  };

  return (day, country, region) => {
    if (!givenCountries.has(country)) return fromLibrary(day, country, region);
    return (givenDays.get(country)?.has(day) ?? false) || (region !== null && (givenDays.get(`${country}-${region}`)?.has(day) ?? false));
  };
}

function publicHolidays(country: string, region: string | null, year: number): ReadonlySet<LocalDate> | null {
  const calendar = region === null ? new Holidays(country) : new Holidays(country, region);
  const holidays = calendar.getHolidays(year);
  if (holidays.length === 0) return null;
  return new Set(holidays.filter(({ type }) => type === 'public').flatMap(({ date, start, end }) => daysFrom(date.slice(0, 10), end.getTime() - start.getTime())));
}

/** The days of a holiday that may last several. */
function daysFrom(first: LocalDate, length: number): readonly LocalDate[] {
  const begin = Date.parse(`${first}T00:00:00Z`);
  return Array.from({ length: Math.max(1, Math.round(length / dayLength)) }, (_, index) => new Date(begin + index * dayLength).toISOString().slice(0, 10));
}
