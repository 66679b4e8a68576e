import { DateTime, IANAZone } from 'luxon';
import { dateOf } from '../../../schemas/dates.js';
import type { Instant, LocalDate } from '../../../schemas/scalars.js';

/** A moment on the clocks of a zone. */
export interface LocalTime {
  /** Days since 1970-01-01. */
  readonly dayNumber: number;
  readonly day: LocalDate;
  readonly millisecondOfDay: number;
}

const dayLength = 86_400_000;
const weekdays = ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'] as const;

/** `Mo` … `Su` of a day number: 1970-01-01 was a Thursday. */
export const weekdayOf = (dayNumber: number): string => weekdays[(((dayNumber + 3) % 7) + 7) % 7] ?? 'Mo';

/**
 * Reads local times, remembering offsets and days: asking the time zone data costs more than rating a transaction.
 * An offset holds for a whole UTC day unless it differs between the day's ends.
 */
export function createClock(): (at: Instant, zone: string) => LocalTime {
  const offsets = new Map<string, Map<number, number | null>>();
  const dates = new Map<number, LocalDate>();

  const offsetAt = (at: Instant, zone: string): number => {
    let days = offsets.get(zone);
    if (days === undefined) offsets.set(zone, (days = new Map()));
    const utcDay = Math.floor(at / dayLength);
    let offset = days.get(utcDay);
    if (offset === undefined) {
      offset = offsetOfDay(utcDay, zone);
      days.set(utcDay, offset);
    }
    return offset ?? zoneOffset(at, zone);
  };

  return (at, zone) => {
    const local = at + (zone === 'UTC' ? 0 : offsetAt(at, zone));
    const dayNumber = Math.floor(local / dayLength);
    let day = dates.get(dayNumber);
    if (day === undefined) dates.set(dayNumber, (day = dateOf(dayNumber)));
    return { dayNumber, day, millisecondOfDay: local - dayNumber * dayLength };
  };
}

/** null: the offset changes within the day. */
function offsetOfDay(utcDay: number, zone: string): number | null {
  const atStart = zoneOffset(utcDay * dayLength, zone);
  return atStart === zoneOffset((utcDay + 1) * dayLength - 1, zone) ? atStart : null;
}

const zoneOffset = (at: Instant, zone: string): number => IANAZone.create(zone).offset(at) * 60_000;

/** The first moment of a day in a zone, also where clocks are put forward at midnight. */
export function startOfDay(day: LocalDate, zone: string): Instant {
  return DateTime.fromISO(day, { zone }).startOf('day').toMillis();
}
