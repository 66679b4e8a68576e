import type { Item } from '../../../schemas/booking-event.js';
import type { FeeAmount, FeeBand, FeeMultiplier, FeePercentOf, FeeRounding, FeeRule } from '../../../schemas/fee-table.js';
import { Exact, moneyText, roundToMinorUnit, roundToStep } from '../money.js';
import { leadDays, nightsOf, orderPrice, paymentCode, payments, roomNightsOf, roomsOf, segmentsOf, sumOf, travellerCount, unitPrice, unitsOf } from './facts.js';
import type { Point } from './conditions.js';
import type { StandingEntry } from './types.js';

/** What a rule costs at a point: nothing at all (`none`), an amount, or unknown because a fact is missing. */
export type AmountResult =
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly fact: string }
  | { readonly kind: 'amount'; readonly value: Exact; readonly currency: string; readonly givesBack: StandingEntry | null };

export type ComputeAmount = (point: Point) => AmountResult;

export interface AmountFrame {
  /** Of the table. */
  readonly currency: string;
  /** Of charge or table, for amounts that say none. */
  readonly rounding: FeeRounding | null;
  /** The items of the unit that meet the rule's item conditions: these are counted. */
  readonly matchingItems: (point: Point) => readonly Item[];
  /** Whether a payment satisfies the rule's payment condition. */
  readonly paymentCounts: (code: string | null) => boolean;
}

type Known = Extract<AmountResult, { kind: 'amount' }>;

const none: AmountResult = { kind: 'none' };
const unknown = (fact: string): AmountResult => ({ kind: 'unknown', fact });
const known = (value: Exact, currency: string, givesBack: StandingEntry | null = null): Known => ({ kind: 'amount', value, currency, givesBack });

/** The arithmetic of a rule, in the published order: fixed, percent or bands; `then`; `times`; min and max; rounding. */
export function compileAmount(amount: FeeRule['amount'], frame: AmountFrame): ComputeAmount {
  if (amount === 'none') return () => none;
  const base = compileBase(amount, frame);
  const steps = [compileThen(amount, frame), compileTimes(amount, frame), compileLimits(amount, frame), compileRounding(amount.rounding ?? frame.rounding, frame)].filter((step) => step !== null);
  return (point) => {
    let result = base(point);
    for (const step of steps) {
      if (result.kind !== 'amount') return result;
      result = step(result, point);
    }
    return result;
  };
}

type Step = (result: Known, point: Point) => AmountResult;

function tell(point: Point, step: () => string, value: Exact, currency: string): void {
  point.steps?.push({ step: step(), value: `${value.toFixed()} ${currency}` });
}

function compileBase(amount: FeeAmount | FeeBand, frame: AmountFrame): ComputeAmount {
  if (amount.fixed !== undefined) return compileFixed(amount.fixed, frame.currency);
  if (amount.percent !== undefined) return compilePercent(amount.percent, amount.of ?? 'unit-total', frame);
  return 'bands' in amount && amount.bands !== undefined ? compileBands(amount.bands, amount.over ?? 'price', frame) : () => none;
}

/** In the table's currency, or in the order's where it is listed. */
function compileFixed(fixed: NonNullable<FeeAmount['fixed']>, currency: string): ComputeAmount {
  const listed = new Map(Object.entries(typeof fixed === 'string' ? { [currency]: fixed } : fixed).map(([code, value]) => [code, new Exact(value)]));
  const own = listed.get(currency) ?? new Exact(0);
  return (point) => {
    const orderCurrency = listed.size > 1 ? (orderPrice(point.facts)?.currency ?? currency) : currency;
    const inOrders = listed.get(orderCurrency);
    const result = inOrders === undefined ? known(own, currency) : known(inOrders, orderCurrency);
    tell(point, () => 'fixed', result.value, result.currency);
    return result;
  };
}

function compilePercent(percent: string, of: FeePercentOf, frame: AmountFrame): ComputeAmount {
  const share = new Exact(percent).div(100);
  const name = typeof of === 'string' ? of : `charge ${of.charge}`;
  const isBack = share.lt(0);
  return (point) => {
    const base = typeof of === 'string' ? moneyOf(of, point, frame) : entriesOf(of.charge, point, frame.currency);
    if (base.kind !== 'amount') return base;
    const value = base.value.times(share);
    tell(point, () => `${percent} % of ${name} ${base.value.toFixed()}`, value, base.currency);
    return known(value, base.currency, isBack ? base.givesBack : null);
  };
}

/** The money of which a percentage is taken. */
function moneyOf(of: Extract<FeePercentOf, string>, point: Point, frame: AmountFrame): AmountResult {
  switch (of) {
    case 'unit-total': case 'unit-base': case 'taxes': case 'commission': {
      const price = unitPrice(point.facts, point.unit);
      const amount = price?.[partNames[of]] ?? null;
      return price === null || amount === null ? unknown(of) : known(new Exact(amount), price.currency);
    }
    case 'order-total': {
      const price = orderPrice(point.facts);
      return price === null ? unknown(of) : known(new Exact(price.total), price.currency);
    }
    case 'payment':
      return paid(point, frame);
    case 'refund': case 'penalty': {
      const { refund } = point.facts.transaction;
      const amount = of === 'refund' ? refund?.amount : refund?.penalty;
      const severalUnits = unitsOf(point.facts, point.unit.scope).length > 1;
      return refund?.currency == null || amount == null || severalUnits ? unknown(of) : known(new Exact(amount), refund.currency);
    }
  }
}

const partNames = { 'unit-total': 'total', 'unit-base': 'base', taxes: 'taxes', commission: 'commission' } as const;

function paid({ facts }: Point, frame: AmountFrame): AmountResult {
  const counting = payments(facts).filter((payment) => frame.paymentCounts(paymentCode(payment)));
  const [first] = counting;
  const sum = sumOf(counting.map(({ amount }) => amount));
  if (first?.currency == null || sum === null || counting.some(({ currency }) => currency !== first.currency)) return unknown('payment');
  return known(new Exact(sum), first.currency);
}

/** The amounts before VAT of a charge's entries on this unit so far, less waived ones, without manual charges; nothing is 0. */
function entriesOf(charge: string, { entries, unit }: Point, currency: string): AmountResult {
  let sum = new Exact(0);
  let latest: StandingEntry | null = null;
  for (const entry of entries) {
    if (entry.charge !== charge || entry.unit !== unit.name || entry.waived || entry.kind === 'manual' || entry.kind === 'waiver') continue;
    if (latest !== null && latest.currency !== entry.currency) return unknown(`charge ${charge} in one currency`);
    sum = sum.plus(entry.amount);
    latest = entry;
  }
  return known(sum, latest?.currency ?? currency, latest);
}

/** The first band that reaches the value: slabs, not graduated. */
function compileBands(bands: readonly FeeBand[], over: NonNullable<FeeAmount['over']> | 'price', frame: AmountFrame): ComputeAmount {
  const compiled = bands.map((band) => ({ upTo: band.upTo === undefined ? null : new Exact(band.upTo), compute: compileBase(band, frame) }));
  return (point) => {
    const position = bandPosition(over, point, frame);
    if (position === null) return unknown(over);
    const band = compiled.find(({ upTo }) => upTo === null || position.value.lte(upTo.times(position.per)));
    if (band === undefined) return none;
    point.steps?.push({ step: `band ${band.upTo === null ? 'above' : `up to ${band.upTo.toFixed()}`} for ${over}`, value: position.text });
    return band.compute(point);
  };
}

/** A price per night is compared without dividing: price ≤ upTo × nights. */
function bandPosition(over: NonNullable<FeeAmount['over']> | 'price', point: Point, frame: AmountFrame): { readonly value: Exact; readonly per: number; readonly text: string } | null {
  if (over === 'leadDays' || over === 'nights') {
    const count = over === 'leadDays' ? leadDays(point.facts, point.unit) : nightsOf(frame.matchingItems(point));
    return count === null ? null : { value: new Exact(count), per: 1, text: String(count) };
  }
  const price = unitPrice(point.facts, point.unit);
  if (price === null || price.currency !== frame.currency) return null;
  const nights = over === 'price' ? 1 : nightsOf(frame.matchingItems(point));
  if (nights === null || nights <= 0) return null;
  return { value: new Exact(price.total), per: nights, text: over === 'price' ? `${price.total} ${price.currency}` : `${price.total} ${price.currency} / ${nights}` };
}

/** 110 more for each started hour of work after the first two. */
function compileThen({ then }: FeeAmount, frame: AmountFrame): Step | null {
  if (then === undefined) return null;
  const each = new Map(Object.entries(typeof then.each === 'string' ? { [frame.currency]: then.each } : then.each).map(([code, value]) => [code, new Exact(value)]));
  const after = new Exact(then.after ?? 0).times(60);
  return ({ value, currency }, point) => {
    const minutes = point.facts.transaction.workMinutes;
    const eachHour = each.get(currency);
    if (minutes === null) return unknown('workMinutes');
    if (eachHour === undefined) return unknown(`then.each in ${currency}`);
    const beyond = new Exact(minutes).minus(after);
    const hours = beyond.gt(0) ? beyond.div(60).round(0, 3) : new Exact(0);
    const sum = value.plus(eachHour.times(hours));
    tell(point, () => `then ${eachHour.toFixed()} for each of ${hours.toFixed()} started hours (${minutes} minutes)`, sum, currency);
    return known(sum, currency);
  };
}

function compileTimes({ times, timesMax }: FeeAmount, frame: AmountFrame): Step | null {
  if (times === undefined) return null;
  const factors = typeof times === 'string' ? [times] : times;
  const limit = timesMax === undefined ? null : Number(timesMax);
  return (result, point) => {
    let product = 1;
    for (const factor of factors) {
      const count = countOf(factor, point, frame);
      if (count === null) return unknown(factor);
      product *= count;
    }
    const limited = limit !== null && product > limit ? limit : product;
    const value = result.value.times(limited);
    tell(point, () => `times ${factors.join(' × ')} = ${product}${limited === product ? '' : `, at most ${limited}`}`, value, result.currency);
    return { ...result, value };
  };
}

function countOf(factor: FeeMultiplier, point: Point, frame: AmountFrame): number | null {
  switch (factor) {
    case 'travellers':
      return travellerCount(point.facts, point.unit);
    case 'documents':
      return point.unit.documents.length;
    case 'segments':
      return segmentsOf(frame.matchingItems(point));
    case 'nights':
      return nightsOf(frame.matchingItems(point));
    case 'rooms':
      return roomsOf(frame.matchingItems(point));
    case 'room-nights':
      return roomNightsOf(frame.matchingItems(point));
  }
}

/** Left out in another currency than the table's. */
function compileLimits({ min, max }: FeeAmount, frame: AmountFrame): Step | null {
  if (min === undefined && max === undefined) return null;
  const [least, most] = [min === undefined ? null : new Exact(min), max === undefined ? null : new Exact(max)];
  return (result, point) => {
    if (result.currency !== frame.currency) {
      point.steps?.push({ step: `min and max left out: they are in ${frame.currency}`, value: `${result.value.toFixed()} ${result.currency}` });
      return result;
    }
    const value = least !== null && result.value.lt(least) ? least : most !== null && result.value.gt(most) ? most : result.value;
    if (value !== result.value) tell(point, () => (value === least ? 'at least' : 'at most'), value, result.currency);
    return { ...result, value };
  };
}

/** The last step: it may pass max by less than one step. */
function compileRounding(rounding: FeeRounding | null, frame: AmountFrame): Step {
  const mode = rounding?.mode ?? 'half-away';
  const step = rounding?.to === undefined ? null : new Exact(rounding.to);
  return (result, point) => {
    const { currency } = result;
    const bySteps = step !== null && currency === frame.currency;
    if (step !== null && !bySteps) point.steps?.push({ step: `rounding to ${step.toFixed()} left out: it is in ${frame.currency}`, value: `${result.value.toFixed()} ${currency}` });
    const value = roundToMinorUnit(bySteps ? roundToStep(result.value, step, mode) : result.value, currency, mode);
    if (!value.eq(result.value)) point.steps?.push({ step: `rounded ${mode}${bySteps ? ` to ${step.toFixed()}` : ''}`, value: `${moneyText(value, currency)} ${currency}` });
    return { ...result, value };
  };
}
