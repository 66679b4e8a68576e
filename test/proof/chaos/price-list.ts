import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { projectRoot } from '../../../services/places.js';
import { moneyOf, shareOf, type Money } from './money.js';
import type { Replayed, Step } from './replay.js';

const text = z.union([z.string(), z.number()]).transform(String);
const amount = z.union([
  z.literal('none'),
  z.strictObject({ fixed: text }),
  z.strictObject({ percent: z.int(), of: z.literal('unit-total'), min: text.optional(), max: text.optional() }),
]);

/** Of the language of fee tables those words that the tables of this proof use: any other is an error. */
const priceList = z.strictObject({
  feeTable: z.string(), name: z.string(), owner: z.literal('group'), currency: z.literal('EUR'), validFrom: z.literal('2020-01-01'),
  charges: z.record(z.string(), z.strictObject({ scope: z.enum(['order', 'transaction', 'item', 'document']), vat: z.literal('DE-standard').optional() })),
  rules: z.array(z.strictObject({
    id: z.string(), charge: z.string(), on: z.array(z.string()), amount,
    when: z.strictObject({ product: z.string().optional(), initiator: z.string().optional() }).default({}),
  })),
});

export type PriceList = z.output<typeof priceList>;
type Rule = PriceList['rules'][number];

/** What stands in the ledger for one charge of one thing at one step. */
export interface Fee {
  readonly charge: string;
  readonly unit: string;
  readonly eventId: string;
  readonly type: string;
  readonly table: string;
  readonly rule: string;
  readonly net: Money;
  readonly vat: Money;
  readonly gross: Money;
}

const agencyFolder = join(projectRoot(), 'test', 'proof', 'chaos', 'agency');

/** Where a file of the agency is. */
export const agencyFile = (name: string): string => join(agencyFolder, name);

export const readPriceList = (name: string): PriceList => priceList.parse(parse(readFileSync(agencyFile(`${name}.yaml`), 'utf8')));

/** VAT of DE-standard in percent, contained in the amounts. */
export const vatPercent = 19;

/** What all steps of an order cost. @param lists those that hold for its customer, the nearest first: the first that has a charge decides about it */
export function feesOf(order: Replayed, lists: readonly PriceList[]): readonly Fee[] {
  return lists.flatMap((list, place) => feesBy(order, list, new Set(lists.slice(0, place).flatMap(({ charges }) => Object.keys(charges)))));
}

function feesBy({ steps }: Replayed, list: PriceList, decided: ReadonlySet<string>): readonly Fee[] {
  const fees: Fee[] = [];
  const chargedOnce = new Set<string>();
  for (const step of steps) {
    for (const [charge, { scope, vat }] of Object.entries(list.charges).filter(([name]) => !decided.has(name))) {
      for (const unit of unitsOf(step, scope)) {
        const life = `${charge} of life ${step.life}`;
        const rule = scope === 'order' && chargedOnce.has(life) ? null : bestOf(list.rules.filter((one) => one.charge === charge && one.on.includes(step.type) && holds(one, step, unit)));
        const gross = rule === null ? 0n : grossOf(rule, unit);
        if (rule === null || gross === 0n) continue;
        if (scope === 'order') chargedOnce.add(life);
        const tax = vat === undefined ? 0n : shareOf(gross, BigInt(vatPercent), BigInt(100 + vatPercent));
        fees.push({ charge, unit: unit.name, eventId: step.eventId, type: step.type, table: list.feeTable, rule: rule.id, net: gross - tax, vat: tax, gross });
      }
    }
  }
  return fees;
}

/** The thing that is charged: an item has a product and a price, the others have not. */
interface Unit {
  readonly name: string;
  readonly product?: string;
  readonly price?: string | undefined;
}

function unitsOf(step: Step, scope: PriceList['charges'][string]['scope']): readonly Unit[] {
  switch (scope) {
    case 'order': return step.derived ? [] : [{ name: 'order' }];
    case 'transaction': return step.derived ? [] : [{ name: `transaction:${step.eventId}` }];
    case 'item': return step.items.map(({ id, product, price }) => ({ name: `item:${id}`, product, price: price?.total }));
    case 'document': return step.documents.map((id) => ({ name: `document:${id}` }));
  }
}

const holds = ({ when: { product, initiator } }: Rule, step: Step, unit: Unit): boolean =>
  (product === undefined || product === unit.product) && (initiator === undefined || initiator === step.initiator);

/** The one with the most conditions: the tables of this proof leave no other case. */
function bestOf(rules: readonly Rule[]): Rule | null {
  const conditions = ({ when }: Rule): number => Object.keys(when).length;
  const [best, next] = [...rules].sort((one, other) => conditions(other) - conditions(one));
  if (best !== undefined && next !== undefined && conditions(best) === conditions(next)) throw new Error(`${best.id} and ${next.id} hold together`);
  return best ?? null;
}

function grossOf({ amount: price }: Rule, unit: Unit): Money {
  if (price === 'none') return 0n;
  if ('fixed' in price) return moneyOf(price.fixed);
  if (unit.price === undefined) return 0n;
  const part = shareOf(moneyOf(unit.price), BigInt(price.percent), 100n);
  const least = price.min === undefined ? part : max(part, moneyOf(price.min));
  return price.max === undefined ? least : min(least, moneyOf(price.max));
}

const min = (one: Money, other: Money): Money => (one < other ? one : other);
const max = (one: Money, other: Money): Money => (one > other ? one : other);
