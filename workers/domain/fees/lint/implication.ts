import type { FeeConditions, FeeRule } from '../../../../schemas/fee-table.js';
import { Exact, isDecimal } from '../../money.js';

type Wanted = string | boolean | readonly string[] | { readonly from?: string | undefined; readonly to?: string | undefined };

/** A condition by the attribute that it asks for: `carrier`, `customer.status`, `not`. */
export type Asked = ReadonlyMap<string, Wanted | FeeConditions>;

export function askedBy(when: FeeConditions | undefined): Asked {
  return new Map(Object.entries(when ?? {}).flatMap(([name, wanted]): readonly (readonly [string, Wanted | FeeConditions])[] =>
    (name === 'customer' || name === 'order' || name === 'item' ? Object.entries(wanted as Readonly<Record<string, Wanted>>).map(([attribute, value]) => [`${name}.${attribute}`, value] as const) : [[name, wanted as Wanted]])));
}

/** Conditions that hold up to a moment in one direction: a later `From` is narrower, and an earlier `Until`. */
const periods: Readonly<Record<string, 'from' | 'until'>> = { travelFrom: 'from', travelUntil: 'until', returnFrom: 'from', returnUntil: 'until', bookedFrom: 'from', bookedUntil: 'until' };

/** Whether these conditions, where they are all true, make the other ones true for sure. False says nothing. */
export function implies(narrow: FeeConditions | undefined, wide: FeeConditions | undefined): boolean {
  const [own, other] = [askedBy(narrow), askedBy(wide)];
  return [...other].every(([name, wanted]) => {
    const asked = own.get(name);
    return asked !== undefined && impliesOne(name, asked, wanted);
  });
}

function impliesOne(name: string, narrow: Wanted | FeeConditions, wide: Wanted | FeeConditions): boolean {
  if (sameText(narrow, wide)) return true;
  if (name === 'orderHas') return implies(narrow as FeeConditions, wide as FeeConditions);
  if (name === 'not' || name === 'hours' || name === 'outsideHours' || narrow === 'absent' || wide === 'absent') return false;
  const direction = periods[name];
  if (direction !== undefined) return typeof narrow === 'string' && typeof wide === 'string' && (direction === 'from' ? narrow >= wide : narrow <= wide);
  const values = valuesOf(narrow as Wanted);
  const range = rangeOf(wide as Wanted);
  if (values !== null) {
    if (range !== null) return values.every((value) => isDecimal(value) && isWithin(range, value));
    return values.every((value) => (valuesOf(wide as Wanted) ?? []).some((other) => sameValue(name, value, other)));
  }
  const own = rangeOf(narrow as Wanted);
  return own !== null && range !== null && isInside(own, range);
}

const sameText = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

const numbers = new Set(['segments', 'travellers', 'price', 'leadDays', 'nth']);

const sameValue = (name: string, one: string, other: string): boolean => (numbers.has(name) ? new Exact(one).eq(other) : one === other);

interface Range {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export function valuesOf(wanted: Wanted): readonly string[] | null {
  if (typeof wanted === 'boolean') return [String(wanted)];
  if (typeof wanted === 'string') return wanted === 'absent' ? null : [wanted];
  return Array.isArray(wanted) ? wanted as readonly string[] : null;
}

export const rangeOf = (wanted: Wanted): Range | null => (typeof wanted === 'object' && !Array.isArray(wanted) ? wanted as Range : null);

const isWithin = ({ from, to }: Range, value: string): boolean => (from === undefined || new Exact(from).lte(value)) && (to === undefined || new Exact(to).gte(value));

function isInside(inner: Range, outer: Range): boolean {
  return (outer.from === undefined || (inner.from !== undefined && new Exact(inner.from).gte(outer.from))) && (outer.to === undefined || (inner.to !== undefined && new Exact(inner.to).lte(outer.to)));
}

/** Facts that have one value at a fee point. */
const singleAtPoint = new Set(['source', 'office', 'agent', 'channel', 'initiator', 'travellers', 'leadDays', 'nth', 'price', 'sameDay', 'previousDay', 'isOption', 'isRequest']);
/** Facts that have one value for an item: the fee points of items and documents have one item. */
const singleAtItem = new Set(['product', 'supplier', 'supplierGroup', 'carrier', 'bookingClass', 'fareType', 'tariff', 'tripType', 'itemStatus', 'geography', 'segments']);

/** Whether two rules of a charge can certainly never hold at the same fee point. False says nothing. */
export function excludeEachOther(one: FeeRule, other: FeeRule, scope: string): boolean {
  if (![one.on].flat().some((type) => [other.on].flat().includes(type))) return true;
  if ((one.until !== undefined && other.from !== undefined && one.until < other.from) || (other.until !== undefined && one.from !== undefined && other.until < one.from)) return true;
  const [left, right] = [askedBy(one.when), askedBy(other.when)];
  const isSingle = (name: string): boolean => singleAtPoint.has(name) || /^(customer|order)\./.test(name) || (scope === 'traveller' && name === 'passengerType') || ((scope === 'item' || scope === 'document') && (singleAtItem.has(name) || name.startsWith('item.')));
  return [...left].some(([name, wanted]) => {
    const asked = right.get(name);
    return asked !== undefined && isSingle(name) && areDisjoint(name, wanted as Wanted, asked as Wanted);
  });
}

function areDisjoint(name: string, one: Wanted, other: Wanted): boolean {
  if (one === 'absent' || other === 'absent') return one !== other;
  const [values, others] = [valuesOf(one), valuesOf(other)];
  if (values !== null && others !== null) return !values.some((value) => others.some((against) => sameValue(name, value, against)));
  const [range, against] = [rangeOf(one), rangeOf(other)];
  if (range !== null && against !== null) return areApart(range, against) || areApart(against, range);
  const [list, within] = values === null ? [others, range] : [values, against];
  return list !== null && within !== null && list.every((value) => isDecimal(value) && !isWithin(within, value));
}

const areApart = (lower: Range, higher: Range): boolean => lower.to !== undefined && higher.from !== undefined && new Exact(lower.to).lt(higher.from);
