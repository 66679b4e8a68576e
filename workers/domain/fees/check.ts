import type { FeeAmount, FeeBand, FeeConditions, FeeRounding, FeeRule, FeeTable } from '../../../schemas/fee-table.js';
import { daysOf, instantOf } from '../../../schemas/dates.js';
import { currencyDigits, decimalsOf, Exact, isDecimal, isCurrency } from '../money.js';
import { chargesNamedBy } from './compile.js';
import { parseOpeningHours } from './opening-hours.js';
import type { Path } from './source-text.js';

/** Something that is not allowed: where, and what would be. */
export interface Finding {
  readonly path: Path;
  readonly allowed: string;
}

/** As far as their fields have a form. */
type Head = Partial<Omit<FeeTable, 'rules'>>;
type Rule = Partial<FeeRule>;


/**
 * What a table's own text shows to be wrong although each field has its form.
 *
 * @param writtenHead as it stands in the file: its charges count as declared, whatever their form
 * @param head the fields that have their form; so for rules
 */
export function checkTable(writtenHead: Readonly<Record<string, unknown>>, head: Head, rules: readonly Rule[]): readonly Finding[] {
  const { currency = null } = head;
  return [
    ...checkHead(head),
    ...checkIds(rules),
    ...rules.flatMap((rule, index) => at(['rules', index], [...checkCharge(rule, writtenHead), ...checkRule(rule, currency)])),
    ...checkNamedCharges(head, rules),
  ];
}

const at = (prefix: Path, findings: readonly Finding[]): readonly Finding[] => findings.map(({ path, allowed }) => ({ path: [...prefix, ...path], allowed }));
const wrongIf = (wrong: boolean, path: Path, allowed: string): readonly Finding[] => (wrong ? [{ path, allowed }] : []);

// The head

function checkHead(head: Head): readonly Finding[] {
  const { currency = null, validFrom } = head;
  const isMoment = validFrom === undefined || (validFrom.length === 10 ? isDay(validFrom) : instantOf(validFrom) !== undefined);
  return [
    ...wrongIf(currency !== null && !isCurrency(currency), ['currency'], 'a currency of ISO 4217'),
    ...wrongIf(!isMoment, ['validFrom'], 'a day of the calendar, or an instant with offset'),
    ...wrongIf(head.extends !== undefined && head.extends === head.feeTable, ['extends'], 'another table'),
    ...wrongIf(head.remove !== undefined && head.extends === undefined, ['remove'], 'only together with extends'),
    ...at(['rounding'], checkRounding(head.rounding, currency)),
    ...Object.entries(head.charges ?? {}).flatMap(([name, charge]) => at(['charges', name], [
      ...wrongIf(charge.scope === undefined && head.extends === undefined, ['scope'], 'order, transaction, item, traveller or document'),
      ...checkMoney(charge.capPerOrder, currency, ['capPerOrder']),
      ...wrongIf(charge.capPerOrder !== undefined && new Exact(charge.capPerOrder).lte(0), ['capPerOrder'], 'an amount above 0'),
      ...checkMoney(charge.waive?.upTo, currency, ['waive', 'upTo']),
      ...at(['rounding'], checkRounding(charge.rounding, currency)),
    ])),
  ];
}

const isDay = (text: string): boolean => daysOf(text) !== undefined;

function checkMoney(amount: string | undefined, currency: string | null, path: Path): readonly Finding[] {
  if (amount === undefined || currency === null) return [];
  const digits = currencyDigits(currency);
  return wrongIf(decimalsOf(amount) > digits, path, `at most ${digits} decimals in ${currency}`);
}

function checkRounding(rounding: FeeRounding | undefined, currency: string | null): readonly Finding[] {
  if (rounding?.to === undefined) return [];
  return [...checkMoney(rounding.to, currency, ['to']), ...wrongIf(new Exact(rounding.to).lte(0), ['to'], 'a step above 0')];
}

// Rules

function checkIds(rules: readonly Rule[]): readonly Finding[] {
  const seen = new Map<string, number>();
  return rules.flatMap(({ id }, index) => {
    const first = id === undefined ? undefined : seen.get(id);
    if (id !== undefined && first === undefined) seen.set(id, index);
    return wrongIf(first !== undefined, ['rules', index, 'id'], `an id that no other rule has (rule number ${(first ?? 0) + 1} has it)`);
  });
}

function checkCharge({ charge }: Rule, head: Readonly<Record<string, unknown>>): readonly Finding[] {
  const { charges } = head;
  const declared = typeof charges === 'object' && charges !== null ? Object.keys(charges) : [];
  return wrongIf(charge !== undefined && head['extends'] === undefined && !declared.includes(charge), ['charge'], declared.length === 0 ? 'a charge declared under charges' : `one of the charges ${declared.join(', ')}`);
}

function checkRule(rule: Rule, currency: string | null): readonly Finding[] {
  return [
    ...checkPeriod(rule.from, rule.until, 'from', 'until'),
    ...at(['when'], checkConditions(rule.when ?? {})),
    ...(rule.amount === undefined || rule.amount === 'none' ? [] : at(['amount'], checkAmount(rule.amount, currency))),
  ];
}

function checkPeriod(from: string | undefined, until: string | undefined, fromName: string, untilName: string): readonly Finding[] {
  const days = [[from, fromName], [until, untilName]] as const;
  if (from !== undefined && until !== undefined && (from === 'absent') !== (until === 'absent')) return [{ path: [untilName], allowed: 'no day beside absent, which stands alone' }];
  return [
    ...days.flatMap(([day, name]) => wrongIf(day !== undefined && day !== 'absent' && !isDay(day), [name], 'a day of the calendar')),
    ...wrongIf(from !== undefined && until !== undefined && from > until, [untilName], `a day from ${from ?? ''} on`),
  ];
}

const numeric = new Set(['segments', 'travellers', 'price', 'leadDays', 'nth']);

function checkConditions(when: FeeConditions): readonly Finding[] {
  return [
    ...checkPeriod(when.travelFrom, when.travelUntil, 'travelFrom', 'travelUntil'),
    ...checkPeriod(when.returnFrom, when.returnUntil, 'returnFrom', 'returnUntil'),
    ...checkPeriod(when.bookedFrom, when.bookedUntil, 'bookedFrom', 'bookedUntil'),
    ...(['hours', 'outsideHours'] as const).flatMap((name) => wrongIf(when[name] !== undefined && parseOpeningHours(when[name]) === null, [name], 'hours such as "Mo-Fr 09:00-18:00,19:00-20:00; Sa 09:00-13:00; PH off"')),
    ...Object.entries(when).flatMap(([name, wanted]) => checkRange(wanted, [name])),
    ...(['customer', 'order', 'item'] as const).flatMap((name) => [
      ...wrongIf(when[name] !== undefined && Object.keys(when[name]).length === 0, [name], 'at least one attribute'),
      ...Object.entries(when[name] ?? {}).flatMap(([attribute, wanted]) => checkRange(wanted, [name, attribute])),
    ]),
    ...(['orderHas', 'not'] as const).flatMap((name) => {
      const inner = when[name];
      return inner === undefined ? [] : at([name], [...wrongIf(Object.keys(inner).length === 0, [], 'at least one condition'), ...checkConditions(inner)]);
    }),
  ];
}

const nested = new Set(['customer', 'order', 'item', 'orderHas', 'not']);

function checkRange(wanted: unknown, path: Path): readonly Finding[] {
  const [name] = path;
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted) || (path.length === 1 && nested.has(String(name)))) return [];
  const { from, to } = { from: null, to: null, ...wanted };
  if (typeof from !== 'string' && typeof to !== 'string') return [{ path, allowed: 'a range with from, to or both' }];
  const bounds = [['from', from], ['to', to]] as const;
  return [
    ...bounds.flatMap(([bound, value]) => wrongIf(typeof value === 'string' && !isDecimal(value), [...path, bound], numeric.has(String(name)) ? 'a number' : 'a number: ranges compare numbers')),
    ...wrongIf(typeof from === 'string' && typeof to === 'string' && isDecimal(from) && isDecimal(to) && new Exact(from).gt(to), [...path, 'to'], `at least ${String(from)}`),
  ];
}

// Amounts

function checkAmount(amount: FeeAmount, currency: string | null): readonly Finding[] {
  const { min, max, timesMax } = amount;
  return [
    ...checkBase(amount, ['fixed', 'percent', 'bands'], currency),
    ...checkBands(amount, currency),
    ...wrongIf(amount.over !== undefined && amount.bands === undefined, ['over'], 'only together with bands'),
    ...checkThen(amount, currency),
    ...wrongIf(timesMax !== undefined && amount.times === undefined, ['timesMax'], 'only together with times'),
    ...wrongIf(timesMax !== undefined && Number(timesMax) < 1, ['timesMax'], 'at least 1'),
    ...checkMoney(min, currency, ['min']),
    ...checkMoney(max, currency, ['max']),
    ...wrongIf(min !== undefined && max !== undefined && new Exact(min).gt(max), ['max'], `at least min, which is ${min ?? ''}`),
    ...at(['rounding'], checkRounding(amount.rounding, currency)),
  ];
}

function checkBase(amount: FeeAmount & FeeBand, ways: readonly ('fixed' | 'percent' | 'bands')[], currency: string | null): readonly Finding[] {
  const used = ways.filter((way) => amount[way] !== undefined);
  return [
    ...wrongIf(used.length !== 1, [], `exactly one of ${ways.join(', ')}`),
    ...wrongIf(amount.percent !== undefined && amount.of === undefined, ['of'], 'what the percentage is taken of: unit-total, order-total, …'),
    ...wrongIf(amount.percent === undefined && amount.of !== undefined, ['of'], 'only together with percent'),
    ...checkPerCurrency(amount.fixed, currency, ['fixed']),
  ];
}

function checkPerCurrency(amount: FeeAmount['fixed'], currency: string | null, path: Path): readonly Finding[] {
  if (amount === undefined || typeof amount === 'string') return checkMoney(amount, currency, path);
  return [
    ...wrongIf(currency !== null && amount[currency] === undefined, path, `an amount in ${currency ?? ''}, the currency of the table, among others`),
    ...Object.entries(amount).flatMap(([code, value]) => [...wrongIf(!isCurrency(code), [...path, code], 'a currency of ISO 4217'), ...checkMoney(value, code, [...path, code])]),
  ];
}

function checkBands({ bands = [], over }: FeeAmount, currency: string | null): readonly Finding[] {
  return bands.flatMap((band, index) => {
    const isLast = index === bands.length - 1;
    const before = bands[index - 1]?.upTo;
    return at(['bands', index], [
      ...checkBase(band, ['fixed', 'percent'], currency),
      ...wrongIf(isLast && band.upTo !== undefined, ['upTo'], 'nothing: the last band is open'),
      ...wrongIf(!isLast && band.upTo === undefined, ['upTo'], 'a limit: only the last band is open'),
      ...wrongIf(band.upTo !== undefined && before !== undefined && new Exact(band.upTo).lte(before), ['upTo'], `more than ${before ?? ''}: bands rise`),
      ...(over === 'nights' || over === 'leadDays' ? wrongIf(band.upTo !== undefined && decimalsOf(band.upTo) > 0, ['upTo'], 'a whole number') : checkMoney(band.upTo, currency, ['upTo'])),
    ]);
  });
}

function checkThen({ then, fixed }: FeeAmount, currency: string | null): readonly Finding[] {
  if (then === undefined) return [];
  const listed = typeof fixed === 'object' ? Object.keys(fixed) : [];
  const missing = listed.filter((code) => (typeof then.each === 'string' ? code !== currency : then.each[code] === undefined));
  return at(['then'], [
    ...wrongIf(fixed === undefined, [], 'only together with fixed'),
    ...checkPerCurrency(then.each, currency, ['each']),
    ...wrongIf(missing.length > 0, ['each'], `an amount for each currency of fixed, also ${missing.join(', ')}`),
    ...wrongIf(then.after !== undefined && new Exact(then.after).lt(0), ['after'], 'hours from 0 on'),
  ]);
}

// Percentages of charges

function checkNamedCharges(head: Head, rules: readonly Rule[]): readonly Finding[] {
  if (head.extends !== undefined) return [];
  const scopes = new Map(Object.entries(head.charges ?? {}).map(([name, { scope }]) => [name, scope]));
  return findNamedCharges(rules, scopes).map(({ index, allowed }) => ({ path: ['rules', index, 'amount'], allowed }));
}

/** Rules that take a percentage of a charge that is unknown, of another scope, or that takes one of theirs in turn. */
export function findNamedCharges(rules: readonly Rule[], scopes: ReadonlyMap<string, string | undefined>): readonly { readonly index: number; readonly allowed: string }[] {
  const named = new Map<string, ReadonlySet<string>>();
  for (const { charge, amount } of rules) {
    if (charge === undefined || amount === undefined) continue;
    named.set(charge, new Set([...(named.get(charge) ?? []), ...chargesNamedBy(amount)]));
  }
  return rules.flatMap(({ charge, amount }, index) => (charge === undefined || amount === undefined ? [] : chargesNamedBy(amount).flatMap((name) => {
    if (!scopes.has(name)) return [{ index, allowed: `a percentage of a declared charge, not of ${name}` }];
    if (scopes.get(name) !== scopes.get(charge)) return [{ index, allowed: `a percentage of a charge of the same scope: ${name} has scope ${scopes.get(name) ?? ''}` }];
    return name !== charge && leadsTo(name, charge, named) ? [{ index, allowed: `no circle: ${name} takes a percentage of ${charge} in turn` }] : [];
  })));
}

function leadsTo(from: string, to: string, named: ReadonlyMap<string, ReadonlySet<string>>, seen: ReadonlySet<string> = new Set()): boolean {
  return [...(named.get(from) ?? [])].some((next) => next === to || (!seen.has(next) && leadsTo(next, to, named, new Set([...seen, next]))));
}
