import type { Party } from '../../../schemas/booking-event.js';
import type { Key } from './keys.js';
import { populationOf } from './model.js';
import type { CustomerKind } from './parties.js';
import type { ComparedParty } from './profile.js';

/** What a decision reads of a customer. */
export type CandidateParty = ComparedParty & Pick<Party, 'companyName' | 'vatId'>;

/** A customer that shares a key with somebody in the batch; several of one id are the ways in which it has been seen. */
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
  /** How many customers have the key; 0 where it overflowed. */
  usersOf(key: Key): number;
  /** Among how many customers they were looked for: `populationOf`. */
  readonly population: number;
  /** Whether the key was looked for. */
  asked(key: Key): boolean;
  /** The keys that so many customers share that they say nothing. */
  overflowed(keys: readonly Key[]): readonly Key[];
}

/** A key that more customers than this share finds nobody: it is a desk's, not a person's. */
export const mostCustomersPerKey = 50;

/**
 * @param overflowed keys that too many customers share: they find nobody
 * @param population from `populationOf`
 * @param asked the keys that were looked for, by name; null: all
 */
export function createCandidateIndex(candidates: readonly Candidate[], overflowed: readonly Key[] = [], population = populationOf(0), asked: ReadonlySet<string> | null = null): CandidateIndex {
  const byKey = new Map<string, Candidate[]>();
  const shared = new Set(overflowed.map(nameOfKey));
  const add = (candidate: Candidate): void => {
    for (const key of candidate.keys) {
      const name = nameOfKey(key);
      const others = byKey.get(name);
      if (others === undefined) byKey.set(name, [candidate]);
      else if (!others.includes(candidate)) others.push(candidate);
      if (others !== undefined && others.length > mostCustomersPerKey && countCustomers(others) > mostCustomersPerKey) shared.add(name);
    }
  };
  candidates.forEach(add);
  return {
    add,
    population,
    asked: (key) => asked === null || asked.has(nameOfKey(key)),
    find(keys) {
      const found = new Set<Candidate>();
      for (const key of keys) {
        const name = nameOfKey(key);
        if (!shared.has(name)) byKey.get(name)?.forEach((candidate) => found.add(candidate));
      }
      return found.size < 2 ? [...found] : [...found].sort(byId);
    },
    usersOf: (key) => countCustomers(byKey.get(nameOfKey(key)) ?? []),
    overflowed: (keys) => (shared.size === 0 ? [] : keys.filter((key) => shared.has(nameOfKey(key)))),
  };
}

const countCustomers = (candidates: readonly Candidate[]): number => (candidates.length < 2 ? candidates.length : new Set(candidates.map(({ customerId }) => customerId)).size);

/** Adds what a further lookup has found: each customer stays one, with all the keys that it was found by. */
export function gather(known: Map<string, Candidate>, found: readonly Candidate[]): void {
  for (const candidate of found) {
    const before = known.get(candidate.customerId);
    known.set(candidate.customerId, before === undefined ? candidate : { ...before, keys: [...new Map([...before.keys, ...candidate.keys].map((key) => [nameOfKey(key), key])).values()] });
  }
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

