import type { Party } from '../../../schemas/booking-event.js';
import { profileFields, type StoredProfile } from '../customer-profile.js';
import { compareIds } from './candidates.js';
import { isGiven, masterFields, masterOrigin } from './new-customer.js';

/** One of the customers that were merged into one. */
export interface Self {
  readonly id: string;
  readonly party: Party;
  /** What is known beyond that. */
  readonly profile?: StoredProfile;
  /** `import` (the master data) or the source of the booking that made it. */
  readonly origin: string;
  /** An instant that sorts as text. */
  readonly updatedAt: string;
}

export interface Survivor {
  readonly party: Party;
  readonly profile: StoredProfile;
  /** The customer that each field of both comes from; of lists: the one whose entries come first. */
  readonly from: Readonly<Record<string, string>>;
}

/**
 * Who somebody is whom several customers stand for: each field as the best of those that give it says, master data before what bookings said, then the newest.
 * Lists hold the entries of all, the best first. The customers themselves stay as they are.
 */
export function survivor(selves: readonly Self[]): Survivor {
  const ranked = [...selves].sort(bestFirst);
  const from: Record<string, string> = {};

  /** Of each field what the best of those says that say something. */
  function best<Said extends object>(fields: readonly (keyof Said & string)[], saidBy: (self: Self) => Said): Partial<Said> {
    const chosen: Partial<Said> = {};
    for (const field of fields) {
      const giving = ranked.filter((self) => isGiven(saidBy(self)[field]));
      const [first] = giving;
      if (first === undefined) continue;
      from[field] = first.id;
      const value = saidBy(first)[field];
      Object.assign(chosen, { [field]: Array.isArray(value) ? distinct(giving.flatMap((self) => listOf(saidBy(self)[field]))) : value });
    }
    return chosen;
  }

  const party = best<Party>(masterFields, (self) => self.party);
  const profile = best<StoredProfile>(profileFields, (self) => self.profile ?? {});
  return { party: { ...(ranked[0]?.party.kind != null && { kind: ranked[0].party.kind }), ...party }, profile, from };
}

function bestFirst(one: Self, other: Self): number {
  const [a, b] = [one, other].map(({ origin }) => (origin === masterOrigin ? 0 : 1));
  if (a !== b) return (a ?? 0) - (b ?? 0);
  if (one.updatedAt !== other.updatedAt) return one.updatedAt > other.updatedAt ? -1 : 1;
  return compareIds(one.id, other.id);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const distinct = (entries: readonly unknown[]): readonly unknown[] => [...new Map(entries.map((entry) => [JSON.stringify(entry), entry])).values()];
