import type { Queryable } from '../store/database.js';
import { staleOrders } from '../store/fee-tables.js';
import { factsVersion } from '../store/fence.js';
import { findOrders } from '../store/orders.js';
import { createDifferences, isOpen, rateAgain, type Rerated } from './rerate.js';
import { createFactsCache } from './settle/facts.js';
import type { Wire } from './settle/wire.js';

const chunk = 500;

/**
 * What rating the stale orders again would change, by the facts as this transaction has them; writes nothing.
 * The facts are read anew: a cache must not keep what may yet be rolled back.
 */
export async function previewRating(tx: Queryable, wire: Wire, onProgress: (orders: number) => void = () => undefined): Promise<Rerated> {
  const facts = await createFactsCache()(tx, await factsVersion(tx));
  const differences = createDifferences();
  let [orders, archived] = [0, 0];
  for (let after: string | null = null; ;) {
    const stale: Awaited<ReturnType<typeof staleOrders>> = await staleOrders(tx, after, chunk);
    if (stale.length === 0) return { orders, archived, ...differences.total() };
    const found = await findOrders(tx, stale.map(({ id }) => id));
    const open = found.filter(isOpen);
    (await rateAgain(tx, wire, facts, open, null)).forEach(differences.add);
    orders += stale.length;
    archived += found.length - open.length;
    after = stale.at(-1)?.id ?? null;
    onProgress(orders);
  }
}
