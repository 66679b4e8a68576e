import type { FeeTable } from '../../schemas/fee-table.js';
import { compileFeeTable } from '../domain/fees/compile.js';
import { leaksOf } from '../domain/fees/leakage.js';
import { type FoundLeak, type LeakageReport, reportLeaks } from '../domain/fees/leakage-report.js';
import { isWithinPeriod, type Period } from '../domain/fees/simulation.js';
import { type Database, readAtOneMoment } from '../store/database.js';
import { factsVersion } from '../store/fence.js';
import { countOrdersBetween, ordersBetween } from '../store/orders.js';
import { ratableOrders } from './ratable-orders.js';
import { isOpen } from './rerate.js';
import { createFactsCache } from './settle/facts.js';
import type { Wire } from './settle/wire.js';

export interface Leakage extends LeakageReport {
  /** Looked at: those with an event in the period. */
  readonly orders: number;
  /** Of these: their events are not here. */
  readonly archived: number;
}

const chunk = 500;

/** What matched no rule in a period, by the facts as they are now. Nothing is written. Everything is read as of one moment. */
export async function findLeakage(database: Database, wire: Wire, period: Period, onProgress: (done: number, all: number) => void = () => undefined): Promise<Leakage> {
  return database.transaction(async (tx) => {
    await readAtOneMoment(tx);
    const version = await factsVersion(tx);
    const { feeWorld } = await createFactsCache()(tx, version);
    const inheriting = await createFactsCache((tables) => tables.map((row) => ({ ...row, compiled: compileFeeTable(inheritingAll(row.compiled.definition), row.version) })))(tx, version);
    const all = await countOrdersBetween(tx, period);
    const found: FoundLeak[] = [];
    let [done, archived] = [0, 0];
    for (let after: string | null = null; ;) {
      const stored: Awaited<ReturnType<typeof ordersBetween>> = await ordersBetween(tx, period, after, chunk);
      if (stored.length === 0) break;
      const open = stored.filter(isOpen);
      const { orders, worlds: [world = feeWorld, asIf = feeWorld] } = await ratableOrders(tx, wire, open, feeWorld, inheriting.feeWorld);
      for (const { stored: { source, bookingRef, customerId }, facts, transactions } of orders) {
        for (const leak of leaksOf(facts, transactions, world, asIf)) if (isWithinPeriod(period, leak.occurredAt)) found.push({ order: `${source}:${bookingRef}`, source, customer: customerId, ...leak });
      }
      archived += stored.length - open.length;
      done += stored.length;
      after = stored.at(-1)?.id ?? null;
      onProgress(done, all);
    }
    return { orders: done, archived, ...reportLeaks(found) };
  });
}

const inheritingAll = (table: FeeTable): FeeTable => ({ ...table, charges: Object.fromEntries(Object.entries(table.charges ?? {}).map(([name, charge]) => [name, { ...charge, inherit: 'when-unmatched' }])) });
