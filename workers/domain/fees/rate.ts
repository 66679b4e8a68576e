import { compareCodePoints } from '../event-order.js';
import { Exact, moneyText } from '../money.js';
import type { Transaction } from '../order.js';
import { type CompiledRule, conditionsHold, type EffectiveCharge, type EffectiveTable, isValidOn } from './compile.js';
import type { Point } from './conditions.js';
import { deliveredEntries } from './delivered.js';
import { createTransactionFacts, orderOrgUnit, type TransactionFacts, type Unit, unitsOf } from './facts.js';
import { isWaivable, manualEntries, waiversOf } from './manual.js';
import { outcomeOf, type Win } from './outcome.js';
import { type ChargePlan, planCharges, type PlannedCharge } from './plan.js';
import { type PointTracer, createTracer, type Tracer } from './trace.js';
import type { OrderFacts, RatingTrace, StandingEntry } from './types.js';
import { taxed } from './vat.js';
import type { AssignedTable, ChainQuery, FeeWorld } from './world.js';

export interface RatingOptions {
  /** Also tell why: the tables asked, every rule with what failed, and the arithmetic. Slower. */
  readonly trace?: boolean;
}

export interface Rating {
  /** Of the given transactions, in the order of fold, unit, charge. */
  readonly entries: readonly StandingEntry[];
  readonly trace?: RatingTrace;
}

/**
 * What the given transactions of an order cost. Rating all of them at once, and rating the first ones and then the rest with their entries as `prior`, give the same.
 *
 * @param transactions in fold order
 * @param prior what stands for the order's earlier transactions, in their order; empty when rating from scratch
 */
export function rateTransactions(order: OrderFacts, transactions: readonly Transaction[], world: FeeWorld, prior: readonly StandingEntry[], options: RatingOptions = {}): Rating {
  const { manual } = order;
  const ledger = manual === undefined ? [...prior] : prior.map((entry) => ({ ...entry, waived: isWaivable(entry) && waiversOf(entry, manual).length > 0 }));
  const tracer = options.trace === true ? createTracer() : null;
  const [first] = transactions;
  if (first !== undefined && manual !== undefined) ledger.push(...manualEntries(order, first, world, prior));
  for (const transaction of transactions) rateTransaction(order, transaction, world, ledger, tracer);
  const entries = ledger.slice(prior.length);
  return tracer === null ? { entries } : { entries, trace: tracer.trace() };
}

/** Appends the transaction's entries to the ledger, in the order of unit, charge. */
function rateTransaction(order: OrderFacts, transaction: Transaction, world: FeeWorld, ledger: StandingEntry[], tracer: Tracer | null): void {
  const facts = createTransactionFacts(order, transaction, world);
  const begin = ledger.length;
  const policy = world.source(order.source)?.feePolicy ?? 'ours';
  const query = chainQuery(facts);
  const chain = policy === 'theirs' ? [] : withoutRepeats(world.chain(query));
  tracer?.transaction(facts, query, chain);
  if (policy !== 'ours') for (const entry of deliveredEntries(facts)) append(ledger, entry, order);
  for (const charge of planOf(chain, world)) {
    if (tracer === null && !charge.types.has(transaction.type)) continue;
    if (transaction.derived && (charge.scope === 'order' || charge.scope === 'transaction')) continue;
    for (const unit of unitsOf(facts, charge.scope)) {
      const entry = rateUnit(charge, unit, facts, ledger, tracer);
      if (entry !== null) append(ledger, entry, order);
    }
  }
  if (ledger.length - begin > 1) sortFrom(ledger, begin, facts);
  tracer?.finish(ledger.slice(begin));
}

const chainQuery = (facts: TransactionFacts): ChainQuery =>
  ({ customer: facts.order.customerId, company: facts.order.companyId, orgUnit: orderOrgUnit(facts), at: facts.transaction.at, rootDay: facts.rootDay });

/** A table that several subjects of the chain have is asked once. */
function withoutRepeats(chain: readonly AssignedTable[]): readonly AssignedTable[] {
  return chain.length < 2 ? chain : chain.filter(({ effective }, index) => chain.findIndex((other) => other.effective.key === effective.key) === index);
}

function planOf(chain: readonly AssignedTable[], world: FeeWorld): ChargePlan {
  const key = chain.map(({ effective }) => effective.key).join(' | ');
  let plan = world.plans.get(key);
  if (plan === undefined) world.plans.set(key, (plan = planCharges(chain.map(({ effective }) => effective))));
  return plan;
}

/** Waivers take it away in lines of their own. */
function append(ledger: StandingEntry[], entry: StandingEntry, order: OrderFacts): void {
  const waivers = order.manual === undefined ? [] : waiversOf(entry, order.manual);
  ledger.push(waivers.length === 0 ? entry : { ...entry, waived: true }, ...waivers);
}

/** In the order of unit, charge: a waiver stays behind what it takes away. */
function sortFrom(ledger: StandingEntry[], begin: number, facts: TransactionFacts): void {
  const places = new Map((['order', 'transaction', 'item', 'traveller', 'document'] as const).flatMap((scope) => unitsOf(facts, scope)).map(({ name }, index) => [name, index]));
  const placeOf = (entry: StandingEntry): number => places.get(entry.unit) ?? places.size;
  const sorted = ledger.splice(begin).sort((left, right) => placeOf(left) - placeOf(right) || compareCodePoints(left.charge, right.charge));
  ledger.push(...sorted);
}

/** The fee of one fee point: the nearest table that has the charge decides, unless it leaves unmatched points to the next. */
function rateUnit(planned: PlannedCharge, unit: Unit, facts: TransactionFacts, ledger: readonly StandingEntry[], tracer: Tracer | null): StandingEntry | null {
  const tracing = tracer?.point(planned, unit) ?? null;
  const point: Point = { facts, unit, entries: ledger, steps: tracing?.steps ?? null };
  if (planned.scope === 'order' && isChargedInThisLife(planned.name, point)) {
    tracing?.end('already charged');
    return null;
  }
  for (const { table, charge } of planned.tables) {
    const win = tracing === null ? firstWinner(charge, point) : tracing.findWinner(table, charge, point);
    if (win !== null) return chargeFor(win, table, charge, point, tracing);
    if (!charge.inherits) break;
  }
  tracing?.end('no rule matched');
  return null;
}

/** One entry in a life, whichever rule and table gave it. */
function isChargedInThisLife(charge: string, { facts, entries }: Point): boolean {
  return entries.some((entry) => entry.charge === charge && entry.kind === 'charge' && entry.unit === 'order' && entry.life === facts.transaction.life);
}

/** The first rule in precedence whose conditions hold and whose amount is known. */
function firstWinner(charge: EffectiveCharge, point: Point): Win | null {
  let win: Win | null = null;
  charge.byType.get(point.facts.transaction.type)?.first(point, (rule) => {
    if (!isValidOn(rule, point) || conditionsHold(rule, point) !== true) return false;
    const outcome = outcomeOf(rule, charge, point);
    if ('unknown' in outcome) return false;
    win = outcome;
    return true;
  });
  return win;
}

/** The entry of the winning rule, after the charge's `once` and `capPerOrder`. */
function chargeFor({ rule, amount }: Win, table: EffectiveTable, charge: EffectiveCharge, point: Point, tracing: PointTracer | null): StandingEntry | null {
  if (amount === null) return ended(tracing, 'none');
  if (amount.value.eq(0)) return ended(tracing, 'zero');
  if (charge.once !== null && isUsedUp(charge, point)) return ended(tracing, 'once');
  const value = capped(amount.value, amount.currency, table, charge, point);
  if (value.eq(0)) return ended(tracing, 'cap used up');
  const entry = entryOf(rule, amount, value, table, charge, point);
  tracing?.end('entry', entry);
  return entry;
}

function ended(tracing: PointTracer | null, outcome: 'none' | 'zero' | 'once' | 'cap used up'): null {
  tracing?.end(outcome);
  return null;
}

/** Entries that use up `once` and cap: all of the charge in this life of the order, waived ones too, manual ones never. */
function countingEntries(charge: string, { facts, entries }: Point): readonly StandingEntry[] {
  return entries.filter((entry) => entry.charge === charge && entry.life === facts.transaction.life && (entry.kind === 'charge' || entry.kind === 'source'));
}

function isUsedUp({ name, once }: EffectiveCharge, point: Point): boolean {
  const entries = countingEntries(name, point);
  const last = entries.at(-1);
  if (once === null || last === undefined) return false;
  switch (once.kind) {
    case 'order':
      return true;
    case 'day':
      return entries.some(({ day }) => day === point.facts.local.day);
    case 'within':
      return point.facts.transaction.at - last.occurredAt <= once.milliseconds;
  }
}

/** Cut to what the cap leaves; a cap is in the table's currency and left out for others. */
function capped(value: Exact, currency: string, table: EffectiveTable, { name, cap }: EffectiveCharge, point: Point): Exact {
  if (cap === null) return value;
  if (currency !== table.currency) {
    point.steps?.push({ step: `cap left out: it is in ${table.currency}`, value: `${moneyText(value, currency)} ${currency}` });
    return value;
  }
  let left = cap;
  for (const entry of countingEntries(name, point)) if (entry.currency === currency) left = left.minus(entry.amount);
  if (value.lte(left) || value.lt(0)) return value;
  const cut = left.gt(0) ? left : new Exact(0);
  point.steps?.push({ step: `cut to what is left of ${cap.toFixed()} per order`, value: `${moneyText(cut, currency)} ${currency}` });
  return cut;
}

function entryOf(rule: CompiledRule, { currency, taxation }: NonNullable<Win['amount']>, value: Exact, table: EffectiveTable, charge: EffectiveCharge, { facts, unit, steps }: Point): StandingEntry {
  const { net, vat, gross } = taxed(value, currency, taxation, charge.vatIncluded);
  const { transaction } = facts;
  steps?.push({
    step: taxation.rate === null ? 'no VAT' : `VAT ${taxation.rate} % (${taxation.code ?? ''}) ${charge.vatIncluded ? 'included' : 'added'}${taxation.reverseCharge ? ', reverse charge: the net is owed' : ''}`,
    value: `net ${net} + VAT ${vat} = ${gross} ${currency}`,
  });
  return {
    eventId: transaction.eventId, transactionType: transaction.type,
    unit: unit.name, charge: charge.name, kind: 'charge',
    table: table.table, version: table.version, origin: rule.origin, rule: rule.id,
    net, vat, gross, amount: moneyText(value, currency), currency,
    account: charge.account, vatCode: taxation.code, vatRate: taxation.rate, reverseCharge: taxation.reverseCharge,
    occurredAt: transaction.at, day: facts.local.day, life: transaction.life, waived: false, reason: null,
  };
}
