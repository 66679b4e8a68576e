import type { Party } from '../../../schemas/booking-event.js';
import { compareIds } from './candidates.js';
import { isGiven, masterFields, masterOrigin } from './new-customer.js';

/** One of the customers that were merged into one. */
export interface Self {
  readonly id: string;
  readonly party: Party;
  /** `import` (the master data) or the source of the booking that made it. */
  readonly origin: string;
  /** An instant that sorts as text. */
  readonly updatedAt: string;
}

export interface Survivor {
  readonly party: Party;
  /** The customer that each field comes from; of lists: the one whose entries come first. */
  readonly from: Readonly<Record<string, string>>;
}

/**
 * Who somebody is whom several customers stand for: each field as the best of those that give it says, master data before what bookings said, then the newest.
 * Lists hold the entries of all, the best first. The customers themselves stay as they are.
 */
export function survivor(selves: readonly Self[]): Survivor {
  const ranked = [...selves].sort(bestFirst);
  const party: Record<string, unknown> = {};
  const from: Record<string, string> = {};
  for (const field of masterFields) {
    const giving = ranked.filter((self) => isGiven(self.party[field]));
    const [best] = giving;
    if (best === undefined) continue;
    from[field] = best.id;
    party[field] = Array.isArray(best.party[field]) ? distinct(giving.flatMap((self) => listOf(self.party[field]))) : best.party[field];
  }
  return { party: { ...(ranked[0]?.party.kind != null && { kind: ranked[0].party.kind }), ...party }, from };
}

function bestFirst(one: Self, other: Self): number {
  const [a, b] = [one, other].map(({ origin }) => (origin === masterOrigin ? 0 : 1));
  if (a !== b) return (a ?? 0) - (b ?? 0);
  if (one.updatedAt !== other.updatedAt) return one.updatedAt > other.updatedAt ? -1 : 1;
  return compareIds(one.id, other.id);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const distinct = (entries: readonly unknown[]): readonly unknown[] => [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()];
