import { ZenEngine } from '@gorules/zen-engine';
import { Engine, type ConditionProperties } from 'json-rules-engine';
import { type CompiledFeeTable, effectiveTable } from '../../workers/domain/fees/compile.js';
import { rateTransactions } from '../../workers/domain/fees/rate.js';
import type { FeeWorld } from '../../workers/domain/fees/world.js';
import type { BenchOrder } from './points.js';
import { type BenchRule, charge, type Wish } from './table.js';

/** The winning rule of every item of every order, in their order; null: none. */
export type Decide = (orders: readonly BenchOrder[]) => Promise<readonly (string | null)[]>;

/** midline's own: everything that a ledger entry needs, amount and VAT included. */
export function midlineEngine(world: FeeWorld): Decide {
  return async (orders) => orders.flatMap(({ facts, transactions, items }) => {
    const { entries } = rateTransactions(facts, transactions, world, []);
    return entries.length === items.length ? entries.map(({ rule }) => rule) : items.map(() => null);
  });
}

/** The rules, those that go before others first: other engines know nothing of midline's precedence and are given its result. */
export function inPrecedence(rules: readonly BenchRule[], compiled: CompiledFeeTable): readonly BenchRule[] {
  const byId = new Map(rules.map((rule) => [rule.id, rule]));
  return (effectiveTable(compiled, []).charges.get(charge)?.rules ?? []).flatMap(({ id }) => byId.get(id) ?? []);
}

/** Rules by descending priority; the first that holds stops the engine. */
export function jsonRulesEngine(rules: readonly BenchRule[]): Decide {
  const engine = new Engine([], { allowUndefinedFacts: true });
  rules.forEach(({ id, when }, place) => {
    engine.addRule({ conditions: { all: Object.entries(when).flatMap(([fact, wish]) => conditionsOf(fact, wish)) }, event: { type: id }, priority: rules.length - place });
  });
  engine.on('success', () => { engine.stop(); });
  return async (orders) => {
    const winners: (string | null)[] = [];
    for (const { items } of orders) for (const facts of items) winners.push((await engine.run(facts)).events[0]?.type ?? null);
    return winners;
  };
}

function conditionsOf(fact: string, wish: Wish): readonly ConditionProperties[] {
  if (typeof wish === 'string') return [{ fact, operator: 'equal', value: wish }];
  if ('length' in wish) return [{ fact, operator: 'in', value: [...wish] }];
  return [
    ...(wish.from === undefined ? [] : [{ fact, operator: 'greaterThanInclusive', value: wish.from }]),
    ...(wish.to === undefined ? [] : [{ fact, operator: 'lessThanInclusive', value: wish.to }]),
  ];
}

/** A decision table whose first row that holds decides, over all items of all orders in one call: the fastest way that this engine has. */
export function zenEngine(rules: readonly BenchRule[]): Decide {
  const facts = [...new Set(rules.flatMap(({ when }) => Object.keys(when)))];
  const decision = new ZenEngine().createDecision({
    nodes: [
      { id: 'in', name: 'in', type: 'inputNode', position: { x: 0, y: 0 } },
      {
        id: 'table', name: 'table', type: 'decisionTableNode', position: { x: 1, y: 0 },
        content: {
          hitPolicy: 'first', executionMode: 'loop', inputField: 'points', outputPath: 'winners', passThrough: false,
          inputs: facts.map((fact) => ({ id: fact, name: fact, field: fact, type: 'expression' })),
          outputs: [{ id: 'rule', name: 'rule', field: 'rule', type: 'expression' }],
          rules: rules.map(({ id, when }) => ({ _id: id, rule: JSON.stringify(id), ...Object.fromEntries(facts.map((fact) => [fact, cellOf(new Map(Object.entries(when)).get(fact))])) })),
        },
      },
      { id: 'out', name: 'out', type: 'outputNode', position: { x: 2, y: 0 } },
    ],
    edges: [{ id: 'e1', sourceId: 'in', targetId: 'table', type: 'edge' }, { id: 'e2', sourceId: 'table', targetId: 'out', type: 'edge' }],
  });
  return async (orders) => {
    const points = orders.flatMap(({ items }) => items);
    const { result } = await decision.evaluate({ points }) as { readonly result: { readonly winners: readonly ({ readonly rule: string } | null)[] } };
    return result.winners.map((winner) => winner?.rule ?? null);
  };
}

/** An empty cell takes everything. */
function cellOf(wish: Wish | undefined): string {
  if (wish === undefined) return '';
  if (typeof wish === 'string') return JSON.stringify(wish);
  if ('length' in wish) return wish.map((text) => JSON.stringify(text)).join(', ');
  if (wish.from === undefined) return `<= ${wish.to}`;
  return wish.to === undefined ? `>= ${wish.from}` : `[${wish.from}..${wish.to}]`;
}
