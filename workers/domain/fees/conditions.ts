import type { Item } from '../../../schemas/booking-event.js';
import type { FeeConditions } from '../../../schemas/fee-table.js';
import { daysOf } from '../../../schemas/dates.js';
import { Exact, isDecimal } from '../money.js';
import {
  changedParts, daysSinceOrigin, itemUnit, leadDays, otherItems, paymentCode, payments, travelEnd, travellerCount, travellerTypes, travelStart, type TransactionFacts, type Unit, unitPrice,
} from './facts.js';
import { geographyOf, type Geography, isAt } from './geography.js';
import { weekdayOf } from './local-time.js';
import { isWithin, parseOpeningHours } from './opening-hours.js';
import { type Strength, groupOf } from './precedence.js';
import type { StandingEntry, ArithmeticStep } from './types.js';

/** What a rule is asked about: one unit of one transaction. */
export interface Point {
  readonly facts: TransactionFacts;
  readonly unit: Unit;
  /** All entries of the order so far, in the order of rating. */
  readonly entries: readonly StandingEntry[];
  /** Where the arithmetic is told; null: nobody asks. */
  readonly steps: ArithmeticStep[] | null;
}

/** true, false, or null for unknown: a fact is missing. */
export type Verdict = boolean | null;

type Fact = string | readonly string[] | null;

export interface Condition {
  /** As written in `when`, attributes with a dot: `customer.status`. */
  readonly name: string;
  /** The wanted value, for people. */
  readonly wanted: string;
  /** Asked of one item of the unit; else of the unit as a whole. */
  readonly perItem: boolean;
  readonly test: (point: Point, item: Item | null) => Verdict;
  /** The actual value, for people; null: unknown. */
  readonly actual: (point: Point, item: Item | null) => string | null;
  readonly strengths: readonly Strength[];
  /** Where the condition holds for listed values only: what an index over rules needs. */
  readonly lookup: { readonly values: readonly string[]; readonly read: (point: Point, item: Item | null) => Fact } | null;
}

/** What a table says about places and money. */
export interface TableFrame extends Geography {
  readonly currency: string;
}

type Codes = NonNullable<FeeConditions['product']>;
type Numbers = NonNullable<FeeConditions['nth']>;
type Read<Value> = (point: Point, item: Item | null) => Value | null;

const ofItem = (field: 'product' | 'supplier' | 'supplierGroup' | 'carrier' | 'bookingClass' | 'fareType' | 'tariff' | 'tripType' | 'status'): Read<Fact> => (_point, item) => item?.[field] ?? null;
const ofTransaction = (field: 'office' | 'agent' | 'channel' | 'initiator'): Read<Fact> => ({ facts }) => facts.transaction[field];

const itemCodes = {
  product: ofItem('product'), supplier: ofItem('supplier'), supplierGroup: ofItem('supplierGroup'), carrier: ofItem('carrier'), bookingClass: ofItem('bookingClass'),
  fareType: ofItem('fareType'), tariff: ofItem('tariff'), tripType: ofItem('tripType'), itemStatus: ofItem('status'),
} as const satisfies Partial<Record<keyof FeeConditions, Read<Fact>>>;

const unitCodes = {
  documentType: ({ unit }) => some(unit.documents.map(({ type }) => type)),
  source: ({ facts }) => facts.order.source,
  office: ofTransaction('office'),
  orgUnit: ({ facts }) => some(facts.place.path),
  agent: ofTransaction('agent'),
  channel: ofTransaction('channel'),
  initiator: ofTransaction('initiator'),
  passengerType: ({ facts, unit }) => some([...(travellerTypes(facts, unit) ?? [])].filter(([type, count]) => type !== '' && count > 0).map(([type]) => type)),
  payment: ({ facts }) => some(payments(facts).flatMap((payment) => paymentCode(payment) ?? [])),
  changed: ({ facts, unit }) => changedParts(facts, unit),
} as const satisfies Partial<Record<keyof FeeConditions, Read<Fact>>>;

const some = (values: readonly string[]): readonly string[] | null => (values.length === 0 ? null : values);

const unitNumbers = {
  travellers: ({ facts, unit }) => travellerCount(facts, unit),
  leadDays: ({ facts, unit }) => leadDays(facts, unit),
  nth: ({ facts }) => facts.transaction.nth,
} as const satisfies Partial<Record<keyof FeeConditions, Read<number>>>;

/** All conditions of a `when`, in the order of the file. */
export function compileConditions(when: FeeConditions, frame: TableFrame): readonly Condition[] {
  const conditions: Condition[] = [];
  for (const name of Object.keys(when)) conditions.push(...compileOne(name, when, frame));
  return conditions;
}

function compileOne(name: string, when: FeeConditions, frame: TableFrame): readonly Condition[] {
  switch (name) {
    case 'product': case 'supplier': case 'supplierGroup': case 'carrier': case 'bookingClass': case 'fareType': case 'tariff': case 'tripType': case 'itemStatus':
      return one(when[name], (wanted) => codeCondition(name, name, wanted, true, itemCodes[name]));
    case 'documentType': case 'source': case 'office': case 'orgUnit': case 'agent': case 'channel': case 'initiator': case 'passengerType': case 'payment': case 'changed':
      return one(when[name], (wanted) => codeCondition(name, name, wanted, false, unitCodes[name]));
    case 'customer': case 'order': case 'item':
      return Object.entries(when[name] ?? {}).map(([attribute, wanted]) => codeCondition(name, `${name}.${attribute}`, wanted, name === 'item', attributeReaders[name](attribute)));
    case 'travellers': case 'leadDays': case 'nth':
      return one(when[name], (wanted) => numberCondition(name, wanted, false, unitNumbers[name]));
    case 'segments':
      return one(when.segments, (wanted) => numberCondition(name, wanted, true, (_point, item) => item?.segments?.length || null));
    case 'price':
      return one(when.price, (wanted) => numberCondition(name, wanted, false, priceIn(frame.currency)));
    case 'origin': case 'destination':
      return one(when[name], (wanted) => placeCondition(name, wanted, frame));
    case 'geography':
      return one(when.geography, (wanted) => codeCondition(name, name, wanted, true, ({ facts }, item) => (item === null ? null : geographyOf(item, facts, frame))));
    case 'travelFrom': case 'travelUntil':
      return name === 'travelUntil' && when.travelFrom !== undefined ? [] : periodConditions('travel', when.travelFrom, when.travelUntil, ({ facts, unit }) => travelStart(facts, unit));
    case 'returnFrom': case 'returnUntil':
      return name === 'returnUntil' && when.returnFrom !== undefined ? [] : periodConditions('return', when.returnFrom, when.returnUntil, ({ facts, unit }) => travelEnd(facts, unit));
    case 'bookedFrom': case 'bookedUntil':
      return name === 'bookedUntil' && when.bookedFrom !== undefined ? [] : periodConditions('booked', when.bookedFrom, when.bookedUntil, ({ facts }) => bookedDay(facts));
    case 'days':
      return one(when.days, (wanted) => dayCondition(name, wanted, ({ facts }) => facts.local.dayNumber));
    case 'travelDays':
      return one(when.travelDays, (wanted) => dayCondition(name, wanted, ({ facts, unit }) => dayNumberOf(travelStart(facts, unit))));
    case 'hours': case 'outsideHours':
      return one(when[name], (wanted) => hoursCondition(name, wanted));
    case 'sameDay':
      return one(when.sameDay, (wanted) => flagCondition(name, wanted, daysAfterOrigin(0)));
    case 'previousDay':
      return one(when.previousDay, (wanted) => flagCondition(name, wanted, daysAfterOrigin(1)));
    case 'isOption': case 'isRequest':
      return one(when[name], (wanted) => flagCondition(name, wanted, ({ facts }) => facts.transaction.after?.[name] ?? false));
    case 'orderHas':
      return one(when.orderHas, (wanted) => orderHasCondition(wanted, frame));
    case 'not':
      return one(when.not, (wanted) => notCondition(wanted, frame));
    default:
      throw new Error(`A fee rule has no condition ${name}`);
  }
}

const one = <Wanted>(wanted: Wanted | undefined, compile: (wanted: Wanted) => Condition): readonly Condition[] => (wanted === undefined ? [] : [compile(wanted)]);

const attributeReaders = {
  customer: (attribute: string): Read<Fact> => ({ facts }) => facts.world.attribute(facts.order.customerId, attribute, facts.rootDay),
  order: (attribute: string): Read<Fact> => ({ facts }) => facts.transaction.after?.attributes?.[attribute] ?? null,
  item: (attribute: string): Read<Fact> => (_point, item) => item?.attributes?.[attribute] ?? null,
};

/** All hold: false if one does not, else unknown if one is. */
export function allHold(conditions: readonly Condition[], point: Point, item: Item | null): Verdict {
  let verdict: Verdict = true;
  for (const condition of conditions) {
    const single = condition.test(point, item);
    if (single === false) return false;
    if (single === null) verdict = null;
  }
  return verdict;
}

/** One of them holds: true if one does, else unknown if one is. */
function anyHolds<Element>(elements: readonly Element[], test: (element: Element) => Verdict): Verdict {
  let verdict: Verdict = false;
  for (const element of elements) {
    const single = test(element);
    if (single === true) return true;
    if (single === null) verdict = null;
  }
  return verdict;
}

// Codes

function codeCondition(attribute: string, name: string, wanted: Codes, perItem: boolean, read: Read<Fact>): Condition {
  const base = { name, wanted: valueText(wanted), perItem, actual: (point: Point, item: Item | null) => factText(read(point, item)) };
  const strength = (of: 1 | 2 | 3): readonly Strength[] => [{ group: groupOf(attribute), strength: of }];
  if (wanted === 'absent') return { ...base, strengths: strength(1), lookup: null, test: (point, item) => read(point, item) === null };
  if (isRange(wanted)) return { ...base, strengths: strength(1), lookup: null, test: (point, item) => testFact(read(point, item), (text) => inCodeRange(text, wanted)) };
  const values = typeof wanted === 'string' ? [wanted] : wanted;
  const set = new Set(values);
  return {
    ...base,
    strengths: strength(values.length > 1 || attribute === 'supplierGroup' ? 2 : 3),
    lookup: { values, read },
    test: (point, item) => testFact(read(point, item), (text) => set.has(text)),
  };
}

/** A fact with several values (payments, document types, the org unit with those above it) meets a condition if one of them does. */
function testFact(fact: Fact, test: (text: string) => Verdict): Verdict {
  if (fact === null) return null;
  return typeof fact === 'string' ? test(fact) : anyHolds(fact, test);
}

/** A range over a text that is no number is unknown. */
function inCodeRange(text: string, range: Range): Verdict {
  return isDecimal(text) ? inRange(new Exact(text), range) : null;
}

interface Range {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

const isRange = (wanted: Codes | Numbers): wanted is Range => typeof wanted === 'object' && !Array.isArray(wanted);

const inRange = (value: Exact, { from, to }: Range): boolean => (from === undefined || value.gte(from)) && (to === undefined || value.lte(to));

const factText = (fact: Fact): string | null => (fact === null || typeof fact === 'string' ? fact : fact.join(', '));

function valueText(wanted: Codes | Numbers): string {
  if (typeof wanted === 'string') return wanted;
  if (isRange(wanted)) return [wanted.from === undefined ? '' : `from ${wanted.from}`, wanted.to === undefined ? '' : `to ${wanted.to}`].filter((text) => text !== '').join(' ');
  return `one of ${wanted.join(', ')}`;
}

// Numbers

function numberCondition(name: string, wanted: Numbers, perItem: boolean, read: Read<number | Exact>): Condition {
  const base = { name, wanted: valueText(wanted), perItem, lookup: null, actual: (point: Point, item: Item | null) => read(point, item)?.toString() ?? null };
  const strength = (of: 1 | 2 | 3): readonly Strength[] => [{ group: groupOf(name), strength: of }];
  if (wanted === 'absent') return { ...base, strengths: strength(1), test: (point, item) => read(point, item) === null };
  const test = (holds: (value: number | Exact) => boolean) => (point: Point, item: Item | null): Verdict => {
    const value = read(point, item);
    return value === null ? null : holds(value);
  };
  if (isRange(wanted)) {
    const [from, to] = [wanted.from === undefined ? null : new Exact(wanted.from), wanted.to === undefined ? null : new Exact(wanted.to)];
    return { ...base, strengths: strength(1), test: test((value) => (from === null || from.lte(value)) && (to === null || to.gte(value))) };
  }
  const values = (typeof wanted === 'string' ? [wanted] : wanted).map((value) => new Exact(value));
  return { ...base, strengths: strength(values.length > 1 ? 2 : 3), test: test((value) => values.some((number) => number.eq(value))) };
}

/** The unit's price is unknown where it is in another currency than the table's. */
const priceIn = (currency: string): Read<Exact> => ({ facts, unit }) => {
  const price = unitPrice(facts, unit);
  return price === null || price.currency !== currency ? null : new Exact(price.total);
};

// Places

function placeCondition(name: 'origin' | 'destination', wanted: Codes, frame: TableFrame): Condition {
  const read: Read<string> = (_point, item) => item?.[name] ?? null;
  if (wanted === 'absent' || isRange(wanted)) return codeCondition(name, name, wanted, true, read);
  const places = typeof wanted === 'string' ? [wanted] : wanted;
  const [first = ''] = places;
  return {
    name, wanted: valueText(wanted), perItem: true, actual: read,
    strengths: [{ group: groupOf(name), strength: places.length > 1 || isCountry(first, frame) ? 2 : frame.zones.has(first) ? 1 : 3 }],
    lookup: places.every((place) => !frame.zones.has(place) && !isCountry(place, frame)) ? { values: places, read } : null,
    test: (point, item) => {
      const fact = read(point, item);
      return fact === null ? null : anyHolds(places, (place) => isAt(fact, place, point.facts.world, frame));
    },
  };
}

/** A place in a rule is a name in `zones`, else two letters = country, else a station. */
const isCountry = (place: string, { zones }: TableFrame): boolean => !zones.has(place) && place.length === 2;

// Days, hours, flags

type DateBound = string | undefined;

/** From and until are one range. */
function periodConditions(name: 'travel' | 'return' | 'booked', from: DateBound, until: DateBound, read: Read<string>): readonly Condition[] {
  const base = { perItem: false, lookup: null, actual: read, strengths: [{ group: groupOf(`${name}From`), strength: 1 as const }] };
  if (from === 'absent' || until === 'absent') {
    return [{ ...base, name: `${name}${from === 'absent' ? 'From' : 'Until'}`, wanted: 'absent', test: (point, item) => read(point, item) === null }];
  }
  const bounds = [from === undefined ? [] : ['From'], until === undefined ? [] : ['Until']].flat();
  return [{
    ...base,
    name: `${name}${bounds.join('/')}`,
    wanted: [from === undefined ? '' : `from ${from}`, until === undefined ? '' : `until ${until}`].filter((text) => text !== '').join(' '),
    test: (point, item) => {
      const day = read(point, item);
      return day === null ? null : (from === undefined || from <= day) && (until === undefined || day <= until);
    },
  }];
}

function bookedDay({ transaction: { firstBookedAt }, world, place }: TransactionFacts): string | null {
  return firstBookedAt === null ? null : world.localTime(firstBookedAt, place.timeZone).day;
}

const dayNumberOf = (day: string | null): number | null => (day === null ? null : (daysOf(day) ?? null));

function dayCondition(name: 'days' | 'travelDays', wanted: string | readonly string[], read: Read<number>): Condition {
  const base = {
    name, wanted: valueText(wanted), perItem: false, lookup: null,
    actual: (point: Point, item: Item | null) => {
      const day = read(point, item);
      return day === null ? null : weekdayOf(day);
    },
  };
  if (wanted === 'absent') return { ...base, strengths: [{ group: groupOf(name), strength: 1 }], test: (point, item) => read(point, item) === null };
  const names = typeof wanted === 'string' ? [wanted] : wanted;
  return {
    ...base,
    strengths: [{ group: groupOf(name), strength: names.length > 1 ? 2 : 3 }],
    test: (point, item) => {
      const day = read(point, item);
      return day === null ? null : anyHolds(names, (each) => (each.startsWith('PH') ? point.facts.world.isHoliday(each, day, point.facts.place) : each === weekdayOf(day)));
    },
  };
}

function hoursCondition(name: 'hours' | 'outsideHours', wanted: string): Condition {
  const hours = parseOpeningHours(wanted);
  if (hours === null) throw new Error(`These are no hours: ${wanted}`);
  return {
    name, wanted, perItem: false, lookup: null,
    strengths: [{ group: groupOf(name), strength: 1 }],
    actual: ({ facts: { local } }) => `${weekdayOf(local.dayNumber)} ${local.day} ${clockText(local.millisecondOfDay)}`,
    test: ({ facts: { local, world, place } }) => {
      const within = isWithin(hours, local.dayNumber, local.millisecondOfDay, (holiday, day) => world.isHoliday(holiday, day, place));
      return within === null || name === 'hours' ? within : !within;
    },
  };
}

/** `hh:mm` of a day's milliseconds. */
export function clockText(millisecondOfDay: number): string {
  const minutes = Math.floor(millisecondOfDay / 60_000);
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

function flagCondition(name: 'sameDay' | 'previousDay' | 'isOption' | 'isRequest', wanted: boolean | 'absent', read: Read<boolean>): Condition {
  return {
    name, wanted: String(wanted), perItem: false, lookup: null,
    strengths: [{ group: groupOf(name), strength: wanted === 'absent' ? 1 : 3 }],
    actual: (point, item) => read(point, item)?.toString() ?? null,
    test: (point, item) => {
      const fact = read(point, item);
      return wanted === 'absent' ? fact === null : fact === null ? null : fact === wanted;
    },
  };
}

const daysAfterOrigin = (days: number): Read<boolean> => ({ facts, unit }) => {
  const since = daysSinceOrigin(facts, unit);
  return since === null ? null : since === days;
};

// Nested conditions

/** One of the order's other items meets all conditions together. */
function orderHasCondition(wanted: NonNullable<FeeConditions['orderHas']>, frame: TableFrame): Condition {
  const conditions = compileConditions(wanted, frame);
  return {
    name: 'orderHas', wanted: conditionsText(conditions), perItem: false, lookup: null,
    strengths: conditions.flatMap(({ strengths }) => strengths.map(({ strength }) => ({ group: groupOf('orderHas'), strength }))),
    actual: ({ facts, unit }) => otherItems(facts, unit).map(({ id, product }) => `${id} (${product})`).join(', ') || 'no other item',
    test: (point) => anyHolds(otherItems(point.facts, point.unit), (item) => allHold(conditions, { ...point, unit: itemUnit(point.facts, item) }, item)),
  };
}

/** True when its conditions do not hold together; an unknown stays unknown unless another of them is false. */
function notCondition(wanted: FeeConditions, frame: TableFrame): Condition {
  const conditions = compileConditions(wanted, frame);
  return {
    name: 'not', wanted: `not (${conditionsText(conditions)})`, lookup: null,
    perItem: conditions.some(({ perItem }) => perItem),
    strengths: conditions.flatMap(({ strengths }) => strengths.map(({ group }) => ({ group, strength: 1 as const }))),
    actual: (point, item) => conditions.map(({ name, actual }) => `${name} ${actual(point, item) ?? 'unknown'}`).join(', '),
    test: (point, item) => {
      const verdict = allHold(conditions, point, item);
      return verdict === null ? null : !verdict;
    },
  };
}

const conditionsText = (conditions: readonly Condition[]): string => conditions.map(({ name, wanted }) => (name === 'not' ? wanted : `${name} ${wanted}`)).join(', ');
