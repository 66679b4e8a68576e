import type { FeeConditions, FeeRule, FeeTable } from '../../../../schemas/fee-table.js';
import { alpha2Country, isCountry } from '../../countries.js';
import { Exact } from '../../money.js';
import { isWithin, parseOpeningHours } from '../opening-hours.js';
import type { FeeFinding } from './finding.js';
import { askedBy, implies, rangeOf, valuesOf } from './implication.js';

/** Findings about one rule alone. @param zones of the table and of those that it extends */
export function lintRule(rule: FeeRule, { validFrom }: FeeTable, zones: ReadonlyMap<string, readonly string[]>): readonly FeeFinding[] {
  const when = rule.when ?? {};
  return [
    ...endedRule(rule, validFrom), ...neverKnown(rule.id, when), ...contradictions(rule.id, when), ...emptyHours(rule.id, when), ...unknownCodes(rule.id, when, zones), ...unreachableBands(rule),
  ];
}

const error = (kind: string, rule: string, field: string, problem: string, remedy: string): FeeFinding => ({ kind, level: 'error', rule, field, problem, remedy });

function endedRule({ id, until }: FeeRule, validFrom: string): readonly FeeFinding[] {
  return until === undefined || validFrom.length > 10 || until >= validFrom ? [] : [error('ended-rule', id, 'until', `it ends on ${until}, before the table begins on ${validFrom}`, 'remove it, or correct the day')];
}

/** These facts are never missing. */
const alwaysKnown: readonly (keyof FeeConditions)[] = ['source', 'nth', 'days', 'isOption', 'isRequest'];

const neverKnown = (id: string, when: FeeConditions): readonly FeeFinding[] =>
  alwaysKnown.filter((name) => when[name] === 'absent').map((name) => error('never-absent', id, `when.${name}`, `${name} is never absent, so the rule never holds`, 'remove the condition'));

function contradictions(id: string, when: FeeConditions): readonly FeeFinding[] {
  const { not, ...others } = when;
  return [
    ...(not !== undefined && implies(others, not) ? [error('contradiction', id, 'when.not', 'it denies what the rule asks for itself, so the rule never holds', 'remove one of the two')] : []),
    ...(when.sameDay === true && when.previousDay === true ? [error('contradiction', id, 'when.previousDay', 'one day cannot be both the same and the day after, so the rule never holds', 'write two rules')] : []),
    ...(['nth', 'segments'] as const).flatMap((name) => {
      const wanted = when[name];
      const [values, range] = wanted === undefined ? [null, null] : [valuesOf(wanted), rangeOf(wanted)];
      const impossible = (values !== null && values.every((value) => new Exact(value).lt(1))) || (range?.to !== undefined && new Exact(range.to).lt(1));
      return impossible ? [error('contradiction', id, `when.${name}`, `${name} counts from 1, so the rule never holds`, 'correct the number')] : [];
    }),
  ];
}

const minute = 60_000;
/** A week from a Monday on, in days since 1970-01-01. */
const week = Array.from({ length: 7 }, (_, day) => 4 + day);

function emptyHours(id: string, when: FeeConditions): readonly FeeFinding[] {
  return (['hours', 'outsideHours'] as const).flatMap((name) => {
    const text = when[name];
    const hours = text === undefined ? null : parseOpeningHours(text);
    if (hours === null) return [];
    const isMet = [true, false].some((isHoliday) => week.some((day) => Array.from({ length: 1_440 }, (_, at) => at * minute).some((at) => isWithin(hours, day, at, () => isHoliday) === (name === 'hours'))));
    return isMet ? [] : [error('never-open', id, `when.${name}`, `no time lies ${name === 'hours' ? 'within' : 'outside of'} ${text ?? ''}, so the rule never holds`, 'correct the hours')];
  });
}

/** What booking events call products. */
const products: ReadonlySet<string> = new Set(['flight', 'hotel', 'rail', 'car', 'cruise', 'package', 'insurance', 'transfer', 'event', 'other']);

function unknownCodes(id: string, when: FeeConditions, zones: ReadonlyMap<string, readonly string[]>): readonly FeeFinding[] {
  const asked = askedBy(when);
  const findings = [...asked].flatMap(([name, wanted]): readonly FeeFinding[] => {
    if (name === 'not' || name === 'orderHas') return unknownCodes(id, wanted as FeeConditions, zones).map((finding) => ({ ...finding, field: finding.field.replace('when.', `when.${name}.`) }));
    const values = valuesOf(wanted as Parameters<typeof valuesOf>[0]) ?? [];
    if (name === 'product') return values.filter((value) => !products.has(value)).map((value) => ({ ...error('unknown-code', id, 'when.product', `${value} is no product of booking events`, `write one of ${[...products].join(', ')}, unless a source really says so`), level: 'warning' as const }));
    if (name === 'origin' || name === 'destination') {
      return values.filter((value) => !zones.has(value) && value.length === 2 && !isCountry(value)).map((value) => error('unknown-code', id, `when.${name}`, `${value} is no zone of the table and no country`, 'declare it in zones, or write an ISO 3166 code of two letters'));
    }
    return [];
  });
  const geography = valuesOf(when.geography ?? 'absent') ?? [];
  const isAskedWithoutZone = (geography.includes('domestic') && !zones.has('home')) || (geography.includes('regional') && !zones.has('near'));
  return isAskedWithoutZone && when.geography !== undefined
    ? [...findings, { kind: 'geography-without-zone', level: 'warning', rule: id, field: 'when.geography', problem: `it asks for ${geography.join(', ')}, and the table has no zone ${geography.includes('domestic') && !zones.has('home') ? 'home' : 'near'}`, remedy: 'declare the zone: zones: { home: [DE], near: [AT, CH] }' }]
    : findings;
}

/** Countries of zones that do not exist. */
export function lintZones({ zones = {} }: FeeTable): readonly FeeFinding[] {
  return Object.entries(zones).flatMap(([zone, places]) => places.filter((place) => place.length === 2 && !isCountry(alpha2Country(place))).map((place): FeeFinding => ({
    kind: 'unknown-code', level: 'error', rule: null, field: `zones.${zone}`, problem: `${place} is no country`, remedy: 'write an ISO 3166 code of two letters, or a station',
  })));
}

/** Bands that the rule's own conditions keep anybody from reaching. */
function unreachableBands({ id, when, amount }: FeeRule): readonly FeeFinding[] {
  if (amount === 'none' || amount.bands === undefined) return [];
  const { bands, over } = amount;
  const fact = over === undefined ? 'price' : over;
  const asked = fact === 'price' || fact === 'leadDays' ? when?.[fact] : undefined;
  const range = asked === undefined ? null : rangeOf(asked);
  const values = asked === undefined ? null : valuesOf(asked);
  const lowest = values === null ? (range?.from ?? (fact === 'nights' || fact === 'per-night' ? '0' : undefined)) : smallest(values);
  const highest = values === null ? range?.to : largest(values);
  return bands.flatMap(({ upTo }, index) => {
    const before = bands[index - 1]?.upTo;
    const isBelow = upTo !== undefined && lowest !== undefined && new Exact(upTo).lt(lowest);
    const isAbove = before !== undefined && highest !== undefined && new Exact(before).gte(highest);
    return isBelow || isAbove ? [error('unreachable-band', id, `amount.bands.${index + 1}`, `no ${fact} of ${isBelow ? `at least ${lowest}` : `at most ${highest ?? ''}`} reaches this band`, 'remove it, or widen the condition')] : [];
  });
}

const smallest = (values: readonly string[]): string | undefined => values.toSorted((left, right) => new Exact(left).cmp(right))[0];
const largest = (values: readonly string[]): string | undefined => values.toSorted((left, right) => new Exact(right).cmp(left))[0];
