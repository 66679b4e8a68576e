import type { FeeCharge, FeeConditions, FeeRounding, FeeRule, FeeScope, FeeTable } from '../../../schemas/fee-table.js';
import { Exact } from '../money.js';
import { type ComputeAmount, compileAmount } from './amount.js';
import { allHold, type Condition, compileConditions, type Point, type TableFrame, type Verdict } from './conditions.js';
import type { Item } from '../../../schemas/booking-event.js';
import { compareRules, type Ranked, specificityOf } from './precedence.js';
import { createRuleIndex, type RuleIndex } from './rule-index.js';
import type { TableRef } from './types.js';

/** A version of a table, ready to rate. Keep it as long as the version: approved versions never change. */
export interface CompiledFeeTable extends TableRef {
  readonly definition: FeeTable;
  /** What it becomes together with the versions of the tables that it extends, by their names. */
  readonly effective: Map<string, EffectiveTable>;
}

/** A table version with all that it takes over from those it extends. */
export interface EffectiveTable extends TableRef {
  /** Names the versions that it is made of. */
  readonly key: string;
  readonly owner: string | null;
  readonly currency: string;
  readonly charges: ReadonlyMap<string, EffectiveCharge>;
}

export interface EffectiveCharge {
  readonly name: string;
  readonly scope: FeeScope;
  readonly vat: string | null;
  readonly vatIncluded: boolean;
  readonly once: { readonly kind: 'order' | 'day' } | { readonly kind: 'within'; readonly milliseconds: number } | null;
  readonly cap: Exact | null;
  readonly inherits: boolean;
  readonly account: string | null;
  /** The charges that its rules take percentages of. */
  readonly names: ReadonlySet<string>;
  /** The winner first. */
  readonly rules: readonly CompiledRule[];
  readonly byType: ReadonlyMap<string, RuleIndex>;
}

export interface CompiledRule extends Ranked {
  readonly on: readonly string[];
  readonly from: string | null;
  readonly until: string | null;
  /** Owner of the table that holds the rule: its zone gives meaning to from and until. */
  readonly owner: string | null;
  readonly conditions: readonly Condition[];
  readonly unitConditions: readonly Condition[];
  readonly itemConditions: readonly Condition[];
  readonly compute: ComputeAmount;
  /** The table that holds the rule, where it is another than the deciding one. */
  readonly origin: TableRef | null;
}

/** Makes a version ready; the table must have passed `parseFeeTable`. */
export function compileFeeTable(table: FeeTable, version: number): CompiledFeeTable {
  return { table: table.feeTable, version, definition: table, effective: new Map() };
}

/** The table with those it extends, nearest first; compiled once for each combination of versions. */
export function effectiveTable(own: CompiledFeeTable, bases: readonly CompiledFeeTable[]): EffectiveTable {
  const key = [own, ...bases].map(({ table, version }) => `${table} ${version}`).join(' + ');
  let effective = own.effective.get(key);
  if (effective === undefined) own.effective.set(key, (effective = compileEffective(own, bases, key)));
  return effective;
}

function compileEffective(own: CompiledFeeTable, bases: readonly CompiledFeeTable[], key: string): EffectiveTable {
  const { table, version, definition } = own;
  const merged = mergeTables([own, ...bases]);
  const frame: TableFrame = { currency: definition.currency, zones: new Map(Object.entries(merged.zones)), pairs: merged.pairs.toSorted((left, right) => stationsIn(right.between) - stationsIn(left.between)) };
  const charges = [...merged.charges].flatMap(([name, charge]) => (charge.scope === undefined ? [] : [compileCharge(name, { ...charge, scope: charge.scope }, merged, frame, own)]));
  return { table, version, key, owner: definition.owner ?? null, currency: definition.currency, charges: new Map(charges.map((charge) => [charge.name, charge])) };
}

const stationsIn = (places: readonly string[]): number => places.filter((place) => place.length !== 2).length;

interface HeldRule {
  readonly rule: FeeRule;
  readonly holder: CompiledFeeTable;
}

/** Rules, zones, pairs and charges of all tables; an equal id or name replaces, fields of a charge one by one. */
export interface MergedTable {
  readonly zones: Readonly<Record<string, readonly string[]>>;
  readonly pairs: NonNullable<FeeTable['pairs']>;
  readonly charges: ReadonlyMap<string, FeeCharge>;
  readonly rules: ReadonlyMap<string, HeldRule>;
  readonly vatIncluded: boolean;
  readonly rounding: FeeRounding | null;
}

/** @param tables nearest first */
export function mergeTables(tables: readonly CompiledFeeTable[]): MergedTable {
  const charges = new Map<string, FeeCharge>();
  const rules = new Map<string, HeldRule>();
  for (const holder of tables.toReversed()) {
    for (const id of holder.definition.remove ?? []) rules.delete(id);
    for (const [name, charge] of Object.entries(holder.definition.charges ?? {})) charges.set(name, { ...charges.get(name), ...charge });
    for (const rule of holder.definition.rules ?? []) rules.set(rule.id, { rule, holder });
  }
  return {
    charges, rules,
    zones: Object.assign({}, ...tables.toReversed().map(({ definition }) => definition.zones ?? {})),
    pairs: tables.flatMap(({ definition }) => definition.pairs ?? []),
    vatIncluded: tables.find(({ definition }) => definition.vatIncluded !== undefined)?.definition.vatIncluded ?? true,
    rounding: tables.find(({ definition }) => definition.rounding !== undefined)?.definition.rounding ?? null,
  };
}

function compileCharge(name: string, charge: FeeCharge & { readonly scope: FeeScope }, merged: MergedTable, frame: TableFrame, own: CompiledFeeTable): EffectiveCharge {
  const held = [...merged.rules.values()].filter(({ rule }) => rule.charge === name);
  const rules = held.map((each) => compileRule(each, charge.rounding ?? merged.rounding, frame, own)).sort(compareRules);
  const types = new Set(rules.flatMap(({ on }) => on));
  return {
    name, scope: charge.scope, rules,
    vat: charge.vat ?? null,
    vatIncluded: charge.vatIncluded ?? merged.vatIncluded,
    once: compileOnce(charge.once),
    cap: charge.capPerOrder === undefined ? null : new Exact(charge.capPerOrder),
    inherits: charge.inherit === 'when-unmatched',
    account: charge.account ?? null,
    names: new Set(held.flatMap(({ rule }) => chargesNamedBy(rule.amount))),
    byType: new Map([...types].map((type) => [type, createRuleIndex(rules.filter(({ on }) => on.includes(type)))])),
  };
}

/** The charges of which an amount is a percentage. */
export function chargesNamedBy(amount: FeeRule['amount']): readonly string[] {
  if (amount === 'none') return [];
  return [amount.of, ...(amount.bands ?? []).map(({ of }) => of)].flatMap((of) => (typeof of === 'object' ? [of.charge] : []));
}

const durationUnits: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function compileOnce(once: FeeCharge['once']): EffectiveCharge['once'] {
  if (once === undefined) return null;
  if (typeof once === 'string') return { kind: once };
  return { kind: 'within', milliseconds: Number(once.within.slice(0, -1)) * (durationUnits[once.within.slice(-1)] ?? 0) };
}

function compileRule({ rule, holder }: HeldRule, rounding: FeeRounding | null, frame: TableFrame, own: CompiledFeeTable): CompiledRule {
  const conditions = compileConditions(rule.when ?? {}, frame);
  const itemConditions = conditions.filter(({ perItem }) => perItem);
  return {
    id: rule.id,
    priority: Number(rule.priority ?? 0),
    specificity: specificityOf(conditions.flatMap(({ strengths }) => strengths)),
    on: typeof rule.on === 'string' ? [rule.on] : [...rule.on],
    from: rule.from ?? null,
    until: rule.until ?? null,
    owner: holder.definition.owner ?? null,
    conditions, itemConditions,
    unitConditions: conditions.filter(({ perItem }) => !perItem),
    compute: compileAmount(rule.amount, {
      currency: frame.currency, rounding,
      matchingItems: (point) => matchingItems(itemConditions, point),
      paymentCounts: paymentFilter(rule.when?.payment),
    }),
    origin: holder === own ? null : { table: holder.table, version: holder.version },
  };
}

function matchingItems(conditions: readonly Condition[], point: Point): readonly Item[] {
  return conditions.length === 0 ? point.unit.items : point.unit.items.filter((item) => allHold(conditions, point, item) === true);
}

function paymentFilter(wanted: FeeConditions['payment']): (code: string | null) => boolean {
  if (wanted === undefined) return () => true;
  if (typeof wanted === 'string') return (code) => code === wanted;
  if ('includes' in wanted) return (code) => code !== null && wanted.includes(code);
  return (code) => code !== null && code !== '' && Number(wanted.from ?? -Infinity) <= Number(code) && Number(code) <= Number(wanted.to ?? Infinity);
}

/** Whether every condition holds: those of the unit, and for ONE of its items all item conditions together. */
export function conditionsHold({ unitConditions, itemConditions }: CompiledRule, point: Point): Verdict {
  const ofUnit = allHold(unitConditions, point, null);
  if (ofUnit === false || itemConditions.length === 0) return ofUnit;
  const ofItems = someItemMeets(itemConditions, point);
  return ofItems === false || ofUnit === true ? ofItems : null;
}

function someItemMeets(conditions: readonly Condition[], point: Point): Verdict {
  if (point.unit.items.length === 0) return null;
  let verdict: Verdict = false;
  for (const item of point.unit.items) {
    const single = allHold(conditions, point, item);
    if (single === true) return true;
    if (single === null) verdict = null;
  }
  return verdict;
}

/** Whether the transaction's day in the owner's zone lies within the rule's own days. */
export function isValidOn({ from, until, owner }: CompiledRule, { facts }: Point): boolean {
  if (from === null && until === null) return true;
  const { day } = facts.world.localTime(facts.transaction.at, facts.world.ownerZone(owner, facts.rootDay));
  return (from === null || from <= day) && (until === null || day <= until);
}
