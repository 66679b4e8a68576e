import type { Instant } from '../../../schemas/scalars.js';
import { Exact, moneyText } from '../money.js';
import type { LedgerEntry, TableVersionRow } from './types.js';

/** From, included, until, not included; null: without limit. */
export interface Period {
  readonly from: Instant | null;
  readonly until: Instant | null;
}

export const isWithinPeriod = ({ from, until }: Period, at: Instant): boolean => (from === null || from <= at) && (until === null || at < until);

/** When an approved version of a table begins to be valid. */
export interface Approval {
  readonly version: number;
  readonly validFrom: Instant;
}

/** From when until when an approved version is the valid one: of several that begin together the highest. */
export function validityOf({ version, validFrom: from }: Approval, approved: readonly Approval[]): Period {
  const later = approved.filter((other) => other.validFrom > from || (other.validFrom === from && other.version > version));
  return { from, until: later.length === 0 ? null : Math.min(...later.map(({ validFrom }) => validFrom)) };
}

/**
 * The versions that rating reads when a version is the valid one of its table from its moment on until another: those before and after stay.
 * What comes after counts too: a booking that is folded by versions may have later transactions before earlier ones.
 */
export function inPlaceOf(row: TableVersionRow, until: Instant | null, tables: readonly TableVersionRow[]): readonly TableVersionRow[] {
  const kept = tables.filter((other) => other.table !== row.table || other.validFrom < row.validFrom || (until !== null && other.validFrom >= until));
  const next = until === null ? undefined : tables.filter((other) => other.table === row.table && other.validFrom <= until).sort(laterFirst)[0];
  return [...kept, row, ...(next === undefined || until === null || next.validFrom === until ? [] : [{ ...next, validFrom: until }])];
}

const laterFirst = (one: TableVersionRow, other: TableVersionRow): number => other.validFrom - one.validFrom || other.version - one.version;

/** An order as it stands, and what another rating would append to its ledger. */
export interface SimulatedOrder {
  /** `source:bookingRef` */
  readonly order: string;
  readonly customerId: string | null;
  readonly ledger: readonly LedgerEntry[];
  readonly appended: readonly LedgerEntry[];
}

/** Gross amounts of one currency; text with its digits. */
export interface Comparison {
  readonly currency: string;
  readonly before: string;
  readonly after: string;
  readonly difference: string;
}

export type Compared<Key extends string> = Readonly<Record<Key, string | null>> & Comparison & {
  /** Of those that the line is about, how many are another. */
  readonly changedOrders: number;
};

export interface Simulation {
  readonly orders: number;
  readonly changedOrders: number;
  readonly total: readonly Comparison[];
  readonly byCustomer: readonly Compared<'customer'>[];
  readonly byCharge: readonly Compared<'charge'>[];
  readonly byRule: readonly Compared<'charge' | 'table' | 'rule'>[];
  /** Orders whose fees are others, the largest difference first. */
  readonly changes: readonly (Comparison & { readonly order: string; readonly customer: string | null })[];
}

interface Sum {
  readonly key: readonly (string | null)[];
  readonly currency: string;
  before: Exact;
  after: Exact;
  changedOrders: number;
}

/** Adds up what stands and what would stand, order by order. Lines whose transaction lies outside of the period do not count. */
export function createSimulation(period: Period) {
  const [total, byCustomer, byCharge, byRule] = [createSums(), createSums(), createSums(), createSums()];
  const changes: (Comparison & { readonly order: string; readonly customer: string | null })[] = [];
  let [orders, changedOrders] = [0, 0];
  return {
    add({ order, customerId, ledger, appended }: SimulatedOrder): void {
      const [stands, comes] = [ledger.filter(({ occurredAt }) => isWithinPeriod(period, occurredAt)), appended.filter(({ occurredAt }) => isWithinPeriod(period, occurredAt))];
      const isChanged = changesAnything(comes);
      orders += 1;
      if (isChanged) changedOrders += 1;
      const own = createSums();
      for (const [entries, isNew] of [[stands, false], [comes, true]] as const) {
        for (const { currency, charge, table, rule, gross } of entries) {
          const amount = new Exact(gross);
          own.add([], currency, amount, isNew);
          total.add([], currency, amount, isNew);
          byCustomer.add([customerId], currency, amount, isNew);
          byCharge.add([charge], currency, amount, isNew);
          byRule.add([charge, table, rule], currency, amount, isNew);
        }
      }
      if (!isChanged) return;
      for (const [sums, keyOf] of [[byCustomer, () => [customerId]], [byCharge, ({ charge }: LedgerEntry) => [charge]], [byRule, ({ charge, table, rule }: LedgerEntry) => [charge, table, rule]]] as const) sums.count(comes, keyOf);
      for (const sum of own.all()) changes.push({ order, customer: customerId, ...comparisonOf(sum) });
    },
    result(): Simulation {
      const named = <Key extends string>(sums: ReturnType<typeof createSums>, names: readonly Key[]): readonly Compared<Key>[] =>
        sums.all().map((sum) => ({ ...(Object.fromEntries(names.map((name, place) => [name, sum.key[place] ?? null])) as Record<Key, string | null>), ...comparisonOf(sum), changedOrders: sum.changedOrders })).sort(byDifference);
      return {
        orders, changedOrders, total: total.all().map(comparisonOf), byCustomer: named(byCustomer, ['customer']), byCharge: named(byCharge, ['charge']),
        byRule: named(byRule, ['charge', 'table', 'rule']), changes: changes.sort(byDifference),
      };
    },
  };
}

/** A line that is taken back and written anew by another version, to the same amounts, changes nothing. */
function changesAnything(appended: readonly LedgerEntry[]): boolean {
  const left = new Map<string, Exact>();
  for (const { charge, unit, eventId, transactionType, currency, ...amounts } of appended) {
    for (const part of ['net', 'vat'] as const) {
      const key = JSON.stringify([charge, unit, eventId, transactionType, currency, part]);
      left.set(key, (left.get(key) ?? new Exact(0)).plus(amounts[part]));
    }
  }
  return [...left.values()].some((sum) => !sum.eq(0));
}

function createSums() {
  const sums = new Map<string, Sum>();
  const sumOf = (key: readonly (string | null)[], currency: string): Sum => {
    const name = JSON.stringify([currency, ...key]);
    let sum = sums.get(name);
    if (sum === undefined) sums.set(name, (sum = { key, currency, before: new Exact(0), after: new Exact(0), changedOrders: 0 }));
    return sum;
  };
  return {
    add(key: readonly (string | null)[], currency: string, amount: Exact, isNew: boolean): void {
      const sum = sumOf(key, currency);
      if (!isNew) sum.before = sum.before.plus(amount);
      sum.after = sum.after.plus(amount);
    },
    /** One changed order more, once for each key. */
    count(entries: readonly LedgerEntry[], keyOf: (entry: LedgerEntry) => readonly (string | null)[]): void {
      for (const sum of new Set(entries.map((entry) => sumOf(keyOf(entry), entry.currency)))) sum.changedOrders += 1;
    },
    all: (): readonly Sum[] => [...sums.values()],
  };
}

const comparisonOf = ({ currency, before, after }: Sum): Comparison =>
  ({ currency, before: moneyText(before, currency), after: moneyText(after, currency), difference: moneyText(after.minus(before), currency) });

const byDifference = (left: Comparison, right: Comparison): number => new Exact(right.difference).abs().cmp(new Exact(left.difference).abs());
