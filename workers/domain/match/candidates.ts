import type { Party } from '../../../schemas/booking-event.js';
import type { Key } from './keys.js';
import type { CustomerKind } from './parties.js';

/** What a decision reads of a customer. */
export type CandidateParty = Pick<Party, 'givenName' | 'familyName' | 'fullName' | 'companyName' | 'birthDate'>;

/** A customer that shares a key with somebody in the batch. */
export interface Candidate {
  readonly customerId: string;
  /** The customer that this one was merged into, else its own id: one person counts once. */
  readonly rootId: string;
  readonly kind: CustomerKind;
  /** Deactivated: nobody is linked to it any more. */
  readonly inactive?: boolean;
  readonly party: CandidateParty;
  /** The keys it was found by (or, for one made in this batch, has). */
  readonly keys: readonly Key[];
}

/** The candidates of a whole batch by key. */
export interface CandidateIndex {
  /** Customers that have one of the keys, in the order of their ids. */
  find(keys: readonly Key[]): readonly Candidate[];
  /** Makes a customer that is about to be created findable for the rest of the batch. */
  add(candidate: Candidate): void;
  /** The keys that so many customers share that they say nothing. */
  overflowed(keys: readonly Key[]): readonly Key[];
}

/** @param overflowed keys that too many customers share: they find nobody */
export function createCandidateIndex(candidates: readonly Candidate[], overflowed: readonly Key[] = []): CandidateIndex {
  const byKey = new Map<string, Candidate[]>();
  const shared = new Set(overflowed.map(nameOfKey));
  const add = (candidate: Candidate): void => {
    for (const key of candidate.keys) {
      const name = nameOfKey(key);
      const others = byKey.get(name);
      if (others === undefined) byKey.set(name, [candidate]);
      else if (!others.includes(candidate)) others.push(candidate);
    }
  };
  candidates.forEach(add);
  return {
    add,
    find(keys) {
      const found = new Set<Candidate>();
      for (const key of keys) {
        const name = nameOfKey(key);
        if (!shared.has(name)) byKey.get(name)?.forEach((candidate) => found.add(candidate));
      }
      return found.size < 2 ? [...found] : [...found].sort(byId);
    },
    overflowed: (keys) => (shared.size === 0 ? [] : keys.filter((key) => shared.has(nameOfKey(key)))),
  };
}

/** Tells a key from every other. */
export const nameOfKey = ({ kind, value }: Key): string => `${kind} ${value}`;

/** Ids are whole numbers of any length, as text. */
function byId(one: Candidate, other: Candidate): number {
  return compareIds(one.customerId, other.customerId);
}

/** Orders customer ids (positive whole numbers as text) by their value. */
export function compareIds(one: string, other: string): number {
  if (one.length !== other.length) return one.length - other.length;
  return one < other ? -1 : one > other ? 1 : 0;
}

interface Named {
  readonly kind: string;
  readonly value: string;
}

/** Orders keys by kind and value as Postgres does with collation "C": every statement that locks by key keeps to it. */
export function compareKeys(one: Named, other: Named): number {
  if (one.kind !== other.kind) return one.kind < other.kind ? -1 : 1;
  return one.value < other.value ? -1 : one.value > other.value ? 1 : 0;
}

