import type { Transaction } from '../order.js';
import { createTransactionFacts, unitsOf } from './facts.js';
import { rateTransactions } from './rate.js';
import type { OrderFacts, PointTrace, StandingEntry, TransactionTrace } from './types.js';
import type { FeeWorld } from './world.js';

/** Why something cost nothing that might have cost something. */
export type LeakReason =
  /** Nobody has assigned a table with a version for it. */
  | 'no table'
  /** No charge of the tables asks for transactions of this type. */
  | 'no rule for the transaction'
  /** Rules of a charge ask for the transaction, and none of them holds. */
  | 'no rule matched';

export interface Leak {
  readonly reason: LeakReason;
  readonly eventId: string;
  readonly type: string;
  readonly occurredAt: number;
  /** Null where it is the whole transaction that found nothing. */
  readonly charge: string | null;
  readonly unit: string | null;
  /** Of the unit's items, else of the order's, each once. */
  readonly products: readonly string[];
  /** The entry that the next table of the chain with a matching rule would have given; null: none has one. */
  readonly wouldBe: StandingEntry | null;
}

/**
 * What fell through the rules of an order.
 *
 * @param inheriting the same world, where every charge leaves what no rule matches to the next table
 */
export function leaksOf(order: OrderFacts, transactions: readonly Transaction[], world: FeeWorld, inheriting: FeeWorld): readonly Leak[] {
  if (world.source(order.source)?.feePolicy === 'theirs') return [];
  const { trace } = rateTransactions(order, transactions, world, [], { trace: true });
  const wouldBe = new Map(rateTransactions(order, transactions, inheriting, []).entries.map((entry) => [slotOf(entry), entry]));
  return (trace?.transactions ?? []).flatMap((traced, index) => {
    const transaction = transactions[index];
    return transaction === undefined ? [] : leaksOfTransaction(order, transaction, traced, world, wouldBe);
  });
}

const slotOf = ({ eventId, transactionType, unit, charge }: Pick<StandingEntry, 'eventId' | 'transactionType' | 'unit' | 'charge'>): string => JSON.stringify([eventId, transactionType, unit, charge]);

function leaksOfTransaction(order: OrderFacts, transaction: Transaction, { chain, points }: TransactionTrace, world: FeeWorld, wouldBe: ReadonlyMap<string, StandingEntry>): readonly Leak[] {
  const { eventId, type, at } = transaction;
  const facts = createTransactionFacts(order, transaction, world);
  const productsOf = (unit: string | null): readonly string[] => {
    const scope = unit?.split(':')[0] ?? 'order';
    const items = unitsOf(facts, isScope(scope) ? scope : 'order').find(({ name }) => unit === null || name === unit)?.items ?? [];
    return [...new Set(items.flatMap(({ product }) => product ?? []))].sort();
  };
  const leak = (reason: LeakReason, charge: string | null, unit: string | null, entry: StandingEntry | null = null): Leak =>
    ({ reason, eventId, type, occurredAt: at, charge, unit, products: productsOf(unit), wouldBe: entry });

  if (!chain.some(({ version }) => version !== null)) return transaction.derived ? [] : [leak('no table', null, null)];
  const leaks = points.filter(({ outcome }) => outcome === 'no rule matched').flatMap((point) => {
    const { charge, unit } = point;
    const entry = wouldBe.get(slotOf({ eventId, transactionType: type, unit, charge })) ?? null;
    return entry !== null || isAskedFor(point) ? [leak('no rule matched', charge, unit, entry)] : [];
  });
  return leaks.length > 0 || transaction.derived || points.some(isAskedFor) ? leaks : [leak('no rule for the transaction', null, null)];
}

const isScope = (text: string): text is 'order' | 'transaction' | 'item' | 'traveller' | 'document' => ['order', 'transaction', 'item', 'traveller', 'document'].includes(text);

/** Whether a rule of the deciding table asks for the transaction at all; where nothing was asked the charge stands already. */
const isAskedFor = ({ tables }: PointTrace): boolean => tables.length === 0 || tables.some(({ candidates }) => candidates.some(({ failed }) => failed?.condition !== 'on'));
