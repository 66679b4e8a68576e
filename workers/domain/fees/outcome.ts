import type { AmountResult } from './amount.js';
import type { CompiledRule, EffectiveCharge } from './compile.js';
import type { Point } from './conditions.js';
import { type Taxation, taxationOf } from './vat.js';

export interface Win {
  readonly rule: CompiledRule;
  /** null: `none`. */
  readonly amount: (Extract<AmountResult, { kind: 'amount' }> & { readonly taxation: Taxation }) | null;
}

/** What a rule whose conditions hold would give; unknown where a fact of its amount or the rate of its tax code is missing. */
export function outcomeOf(rule: CompiledRule, charge: EffectiveCharge, point: Point): Win | { readonly unknown: string } {
  const amount = rule.compute(point);
  if (amount.kind === 'unknown') return { unknown: amount.fact };
  if (amount.kind === 'none') return { rule, amount: null };
  const taxation = taxationOf(charge, amount.givesBack, point.facts);
  return taxation === null ? { unknown: `rate of ${charge.vat} on ${point.facts.local.day}` } : { rule, amount: { ...amount, taxation } };
}
