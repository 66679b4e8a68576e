import type { FeeRule } from '../../../../schemas/fee-table.js';
import type { CompiledRule } from '../compile.js';
import { compareRules, reasonOfPrecedence } from '../precedence.js';
import type { FeeFinding } from './finding.js';
import { excludeEachOther, implies } from './implication.js';

/** A rule with what decides its place among those of its charge. */
export interface PlacedRule {
  readonly rule: FeeRule;
  readonly compiled: CompiledRule;
}

/** Findings about the rules of one charge, the winner first. */
export function lintRules(scope: string, rules: readonly PlacedRule[]): readonly FeeFinding[] {
  return rules.flatMap((loser, place): readonly FeeFinding[] => {
    const before = rules.slice(0, place);
    const killer = before.find((winner) => alwaysWins(winner, loser));
    if (killer !== undefined) return [deadRule(loser, killer)];
    return before.flatMap((winner) => (excludeEachOther(winner.rule, loser.rule, scope) ? [] : beatenExemption(loser, winner) ?? tie(loser, winner)));
  });
}

/** Whether the first rule, which goes before the second, holds and has an amount wherever the second holds. */
function alwaysWins({ rule: winner, compiled }: PlacedRule, { rule: loser, compiled: { owner } }: PlacedRule): boolean {
  const types = [winner.on].flat();
  const isUnlimited = winner.from === undefined && winner.until === undefined;
  const holdsAsLong = compiled.owner === owner // in one zone
    && (winner.from === undefined || (loser.from !== undefined && loser.from >= winner.from)) && (winner.until === undefined || (loser.until !== undefined && loser.until <= winner.until));
  return hasAmountForSure(winner) && [loser.on].flat().every((type) => types.includes(type)) && (isUnlimited || holdsAsLong) && implies(loser.when, winner.when);
}

/** Amounts whose facts may be missing leave the fee point to the next rule. */
const hasAmountForSure = ({ amount }: FeeRule): boolean => amount === 'none' || (amount.fixed !== undefined && amount.then === undefined && amount.times === undefined);

function deadRule({ rule, compiled }: PlacedRule, killer: PlacedRule): FeeFinding {
  return {
    kind: 'dead-rule', level: 'error', rule: rule.id, field: 'when',
    problem: `it can never win: wherever it holds, ${killer.rule.id} holds too and goes before it (${reasonOfPrecedence(killer.compiled, compiled)})`,
    remedy: `remove it, narrow ${killer.rule.id}, or give it a higher priority`,
  };
}

function beatenExemption({ rule, compiled }: PlacedRule, winner: PlacedRule): readonly FeeFinding[] | null {
  if (rule.amount !== 'none' || winner.rule.amount === 'none') return null;
  return [{
    kind: 'beaten-exemption', level: 'warning', rule: rule.id, field: 'amount',
    problem: `it says none, but wherever ${winner.rule.id} holds as well that one is charged (${reasonOfPrecedence(winner.compiled, compiled)})`,
    remedy: 'if the exemption is meant to win, give it a higher priority',
  }];
}

function tie({ rule, compiled }: PlacedRule, winner: PlacedRule): readonly FeeFinding[] {
  const tied = compareRules({ ...winner.compiled, id: '' }, { ...compiled, id: '' }) === 0;
  if (!tied || JSON.stringify(rule.amount) === JSON.stringify(winner.rule.amount)) return [];
  return [{
    kind: 'tie', level: 'warning', rule: rule.id, field: 'when',
    problem: `it is exactly as specific as ${winner.rule.id}: where both hold only the order of their ids decides, for ${winner.rule.id} (a narrower range, a shorter list or a deeper org unit is not more specific)`,
    remedy: 'give the one that is meant a priority',
  }];
}
