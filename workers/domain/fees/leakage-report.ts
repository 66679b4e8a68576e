import { Exact, moneyText } from '../money.js';
import type { Leak, LeakReason } from './leakage.js';

/** A leak with the order that it was found in. */
export interface FoundLeak extends Leak {
  /** `source:bookingRef` */
  readonly order: string;
  readonly source: string;
  readonly customer: string | null;
}

/** Leaks that have something in common. */
export interface LeakGroup {
  /** Fee points, or transactions where none of them was asked. */
  readonly leaks: number;
  readonly orders: number;
  /** What the next table would have charged, gross by currency. */
  readonly wouldBe: Readonly<Record<string, string>>;
}

export interface LeakageReport {
  readonly byReason: readonly (LeakGroup & { readonly reason: LeakReason; readonly charge: string | null; readonly type: string })[];
  readonly byProduct: readonly (LeakGroup & { readonly product: string | null })[];
  readonly bySource: readonly (LeakGroup & { readonly source: string })[];
  readonly byCustomer: readonly (LeakGroup & { readonly customer: string | null })[];
  /** Without transactions that no rule asks for: those are counted only. */
  readonly leaks: readonly FoundLeak[];
}

/** Groups leaks. Products, sources and customers count what might be a fault: not the transactions that no rule asks for. */
export function reportLeaks(found: readonly FoundLeak[]): LeakageReport {
  const leaks = found.filter(({ reason }) => reason !== 'no rule for the transaction');
  return {
    byReason: grouped(found, ({ reason, charge, type }) => [{ reason, charge, type }]),
    byProduct: grouped(leaks, ({ products }) => (products.length === 0 ? [null] : products).map((product: string | null) => ({ product }))),
    bySource: grouped(leaks, ({ source }) => [{ source }]),
    byCustomer: grouped(leaks, ({ customer }) => [{ customer }]),
    leaks,
  };
}

function grouped<Key extends object>(leaks: readonly FoundLeak[], keysOf: (leak: FoundLeak) => readonly Key[]): readonly (Key & LeakGroup)[] {
  const groups = new Map<string, { readonly key: Key; readonly orders: Set<string>; readonly sums: Map<string, Exact>; leaks: number }>();
  for (const leak of leaks) {
    for (const key of keysOf(leak)) {
      const name = JSON.stringify(key);
      const group = groups.get(name) ?? { key, orders: new Set(), sums: new Map(), leaks: 0 };
      groups.set(name, group);
      group.leaks += 1;
      group.orders.add(leak.order);
      if (leak.wouldBe !== null) group.sums.set(leak.wouldBe.currency, (group.sums.get(leak.wouldBe.currency) ?? new Exact(0)).plus(leak.wouldBe.gross));
    }
  }
  return [...groups.values()].sort((left, right) => right.leaks - left.leaks).map(({ key, orders, sums, leaks: count }) => ({
    ...key, leaks: count, orders: orders.size, wouldBe: Object.fromEntries([...sums].map(([currency, sum]) => [currency, moneyText(sum, currency)])),
  }));
}
