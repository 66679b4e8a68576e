import { weekdayOf } from './local-time.js';

/** Whether a day number is a holiday: `PH` of the org unit's country, `PH-AT` of another; null is unknown. */
export type IsHoliday = (holiday: string, dayNumber: number) => boolean | null;

interface Span {
  /** Milliseconds of the day on which it began; an end beyond a day runs into the next. */
  readonly start: number;
  readonly end: number;
}

interface Part {
  readonly weekdays: ReadonlySet<string>;
  readonly holidays: readonly string[];
  /** Empty: off. */
  readonly spans: readonly Span[];
}

export interface OpeningHours {
  readonly parts: readonly Part[];
}

const dayNames = ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'];
const dayLength = 86_400_000;

/**
 * Reads `"Mo-Fr 09:00-18:00,19:00-20:00; Sa 09:00-13:00; PH off"`. A part without days is for every day.
 *
 * @returns null where the text is none
 */
export function parseOpeningHours(text: string): OpeningHours | null {
  const parts = text.split(';').map((part) => parsePart(part.trim()));
  return parts.every((part) => part !== null) ? { parts } : null;
}

function parsePart(text: string): Part | null {
  const match = /^(?:([A-Z][A-Za-z0-9,\- ]*?)\s+)?(off|[\d:,\- ]+)$/.exec(text);
  if (match === null) return null;
  const [, dayText = 'Mo-Su', spanText = ''] = match;
  const days = allOrNull(dayText.split(',').map((name) => parseDays(name.trim())))?.flat();
  const spans = spanText === 'off' ? [] : allOrNull(spanText.split(',').map((span) => parseSpan(span.trim())));
  if (days === undefined || spans === null) return null;
  return { weekdays: new Set(days.filter((day) => !day.startsWith('PH'))), holidays: days.filter((day) => day.startsWith('PH')), spans };
}

function allOrNull<Element>(elements: readonly (Element | null)[]): readonly Element[] | null {
  const known = elements.filter((element) => element !== null);
  return known.length === elements.length ? known : null;
}

/** `Mo`, `Mo-Fr`, `Sa-Mo`, `PH`, `PH-AT`, `PH-DE-BY`. */
function parseDays(text: string): readonly string[] | null {
  if (/^PH(-[A-Z]{2}(-[A-Z0-9]{1,3})?)?$/.test(text)) return [text];
  const [first = '', last = first, ...more] = text.split('-');
  const [from, to] = [dayNames.indexOf(first), dayNames.indexOf(last)];
  if (from < 0 || to < 0 || more.length > 0) return null;
  const length = ((to - from + 7) % 7) + 1;
  return Array.from({ length }, (_, index) => dayNames[(from + index) % 7] ?? '');
}

function parseSpan(text: string): Span | null {
  const match = /^(\d{2}):(\d{2})\s*-\s*(\d{2}):(\d{2})$/.exec(text);
  if (match === null) return null;
  const [start, end] = [minutes(match[1], match[2]), minutes(match[3], match[4])];
  if (start === null || end === null || start === 1440) return null;
  return { start: start * 60_000, end: (end <= start ? end + 1440 : end) * 60_000 };
}

function minutes(hour: string | undefined, minute: string | undefined): number | null {
  const total = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && total <= 1440 ? total : null;
}

/** Whether a local moment lies within the hours (start in, end out); null: it depends on a holiday that is unknown. */
export function isWithin(hours: OpeningHours, dayNumber: number, millisecondOfDay: number, isHoliday: IsHoliday): boolean | null {
  const today = spansOn(hours, dayNumber, isHoliday);
  const yesterday = spansOn(hours, dayNumber - 1, isHoliday);
  if (today?.some(({ start, end }) => start <= millisecondOfDay && millisecondOfDay < end)) return true;
  if (yesterday?.some(({ end }) => millisecondOfDay + dayLength < end)) return true;
  return today === null || yesterday === null ? null : false;
}

/** On a holiday for which a part names PH only those parts count; else the spans of all parts for the weekday add up. One `off` empties the day. */
function spansOn({ parts }: OpeningHours, dayNumber: number, isHoliday: IsHoliday): readonly Span[] | null {
  const forHoliday: Part[] = [];
  for (const part of parts) {
    const verdicts = part.holidays.map((holiday) => isHoliday(holiday, dayNumber));
    if (verdicts.includes(true)) forHoliday.push(part);
    else if (verdicts.includes(null)) return null;
  }
  const weekday = weekdayOf(dayNumber);
  const counting = forHoliday.length > 0 ? forHoliday : parts.filter((part) => part.weekdays.has(weekday));
  return counting.some((part) => part.spans.length === 0) ? [] : counting.flatMap((part) => part.spans);
}
