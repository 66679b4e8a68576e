import { type CompiledRule, conditionsHold, type EffectiveCharge, type EffectiveTable, isValidOn } from './compile.js';
import { clockText, type Condition, type Point } from './conditions.js';
import type { TransactionFacts, Unit } from './facts.js';
import { outcomeOf, type Win } from './outcome.js';
import type { PlannedCharge } from './plan.js';
import { reasonOfPrecedence } from './precedence.js';
import type { ArithmeticStep, CandidateTrace, FailedCondition, PointTrace, RatingTrace, StandingEntry, TableTrace, TransactionTrace } from './types.js';
import type { AssignedTable, ChainQuery } from './world.js';

/** Writes down why: called along the rating, it asks every rule where rating itself stops at the winner. */
export interface Tracer {
  transaction(facts: TransactionFacts, query: ChainQuery, chain: readonly AssignedTable[]): void;
  point(charge: PlannedCharge, unit: Unit): PointTracer;
  /** @param entries those of the transaction */
  finish(entries: readonly StandingEntry[]): void;
  trace(): RatingTrace;
}

export interface PointTracer {
  readonly steps: ArithmeticStep[];
  findWinner(table: EffectiveTable, charge: EffectiveCharge, point: Point): Win | null;
  end(outcome: PointTrace['outcome'], entry?: StandingEntry): void;
}

export function createTracer(): Tracer {
  const transactions: TransactionTrace[] = [];
  let current: Omit<TransactionTrace, 'points' | 'delivered'> | null = null;
  let points: PointTrace[] = [];
  return {
    transaction: (facts, query, chain) => {
      const { transaction, local } = facts;
      current = {
        eventId: transaction.eventId, type: transaction.type, derived: transaction.derived, at: transaction.at,
        localTime: `${local.day} ${clockText(local.millisecondOfDay)} ${facts.place.timeZone}`,
        chain: [
          ...chain.map(({ subject, effective }) => ({ subject, table: effective.table, version: effective.version })),
          ...facts.world.unversioned(query).map(({ subject, table }) => ({ subject, table, version: null })),
        ],
      };
      points = [];
    },
    point: (charge, unit) => createPointTracer(charge, unit, points),
    finish: (entries) => {
      if (current !== null) transactions.push({ ...current, points, delivered: entries.filter(({ kind }) => kind === 'source') });
    },
    trace: () => ({ transactions }),
  };
}

function createPointTracer(charge: PlannedCharge, unit: Unit, points: PointTrace[]): PointTracer {
  const steps: ArithmeticStep[] = [];
  const tables: TableTrace[] = [];
  let winner: PointTrace['winner'] = null;
  return {
    steps,
    findWinner: (table, { rules, ...rest }, point) => {
      const verdicts = rules.map((rule) => verdictOf(rule, { rules, ...rest }, point));
      const index = verdicts.findIndex((verdict) => 'win' in verdict);
      const found = verdicts[index];
      const winning = rules[index];
      tables.push({
        table: table.table, version: table.version,
        candidates: rules.map((rule, position) => candidateOf(rule, verdicts[position], position === index ? null : (winning ?? null))),
      });
      if (found === undefined || !('win' in found) || winning === undefined) return null;
      winner = { table: table.table, version: table.version, rule: winning.id };
      steps.push(...found.steps);
      return found.win;
    },
    end: (outcome, entry) => {
      points.push({ charge: charge.name, scope: charge.scope, unit: unit.name, tables, outcome, winner, arithmetic: steps, entry: entry ?? null });
    },
  };
}

type RuleVerdict = { readonly win: Win; readonly steps: readonly ArithmeticStep[] } | { readonly failed: FailedCondition; readonly result: 'failed' | 'unknown' | 'amount unknown' };

function verdictOf(rule: CompiledRule, charge: EffectiveCharge, point: Point): RuleVerdict {
  const { transaction } = point.facts;
  if (!rule.on.includes(transaction.type)) return { result: 'failed', failed: { condition: 'on', wanted: rule.on.join(', '), actual: transaction.type } };
  if (!isValidOn(rule, point)) return { result: 'failed', failed: { condition: 'valid', wanted: `${rule.from ?? ''} to ${rule.until ?? ''}`, actual: point.facts.local.day } };
  if (conditionsHold(rule, point) !== true) {
    const failed = firstFailing(rule, point);
    return { result: failed.actual === null ? 'unknown' : 'failed', failed };
  }
  const steps: ArithmeticStep[] = [];
  const outcome = outcomeOf(rule, charge, { ...point, steps });
  if ('unknown' in outcome) return { result: 'amount unknown', failed: { condition: 'amount', wanted: outcome.unknown, actual: null } };
  return { win: outcome, steps };
}

function candidateOf(rule: CompiledRule, verdict: RuleVerdict | undefined, winner: CompiledRule | null): CandidateTrace {
  const { id, origin } = rule;
  if (verdict === undefined || 'win' in verdict) return winner === null ? { rule: id, origin, result: 'won' } : { rule: id, origin, result: 'beaten', beatenBy: reasonOfPrecedence(winner, rule) };
  return { rule: id, origin, result: verdict.result, failed: verdict.failed };
}

/** In the order of the file; of item conditions those are told that fail for the item which meets the most before. */
function firstFailing(rule: CompiledRule, point: Point): FailedCondition {
  const [firstItem = null, ...otherItems] = point.unit.items;
  let best = failureFor(rule.conditions, point, firstItem);
  for (const item of otherItems) {
    const other = failureFor(rule.conditions, point, item);
    if (other.position > best.position) best = other;
  }
  return best.failed;
}

function failureFor(conditions: readonly Condition[], point: Point, item: StandingItem): { readonly position: number; readonly failed: FailedCondition } {
  const position = conditions.findIndex((condition) => condition.test(point, condition.perItem ? item : null) !== true);
  const condition = conditions[position];
  if (condition === undefined) return { position: conditions.length, failed: { condition: 'one item', wanted: 'all conditions together', actual: null } };
  const unknown = condition.test(point, condition.perItem ? item : null) === null;
  return { position, failed: { condition: condition.name, wanted: condition.wanted, actual: unknown ? null : (condition.actual(point, item) ?? 'missing') } };
}

type StandingItem = Parameters<Condition['test']>[1];
