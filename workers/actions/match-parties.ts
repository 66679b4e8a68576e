import { populationOf, type MatchModel } from '../domain/match/model.js';
import { createCandidateIndex, gather, nameOfKey, type Candidate } from '../domain/match/candidates.js';
import type { Key } from '../domain/match/keys.js';
import { claimsOf, matchBatch, withIds, type BatchMatch, type MatchRequest, type Remembered } from '../domain/match/match-batch.js';
import { allocateCustomerIds, claimIdentities, findCandidates, type FoundCandidates } from '../store/customers.js';
import type { Queryable } from '../store/database.js';

/**
 * Matches the parties of a whole batch to customers. Who is new comes back as a draft with its final id: insert the drafts in the same transaction.
 *
 * Before anybody is new, the strong keys are claimed and looked for again, so that two batches that meet the same unknown person at the same moment make
 * one customer of them: the second waits for the first, finds its customer (READ COMMITTED: each statement sees what is committed) and decides anew.
 * Customers that a later decision links to are claimed for, too; a batch that claims in two rounds may deadlock with another (40P01: retried).
 */
export async function matchParties(tx: Queryable, model: MatchModel, requests: readonly MatchRequest[]): Promise<BatchMatch> {
  const claimed = new Set<string>();
  for (;;) {
    const { batch, found } = await findAndMatch(tx, model, requests);
    const claims = claimsOf(requests, batch).filter((claim) => !claimed.has(nameOfKey(claim)));
    await claimIdentities(tx, claims);
    for (const claim of claims) claimed.add(nameOfKey(claim));
    if (isKnown(found, await findCandidates(tx, claims))) return withIds(batch, await allocateCustomerIds(tx, batch.drafts.length));
  }
}

type Found = Pick<FoundCandidates, 'candidates' | 'overflowed'>;

/** First by the strong keys; then by the weak ones of those whom the strong ones leave open, which are few. */
async function findAndMatch(tx: Queryable, model: MatchModel, requests: readonly MatchRequest[]): Promise<{ readonly batch: BatchMatch; readonly found: Found }> {
  const asked = new Set<string>();
  const candidates = new Map<string, Candidate>();
  const overflowed: Key[] = [];
  const remembered: Remembered = new Map();
  let customers = 0;
  let wanted: readonly Key[] = requests.flatMap(({ keys }) => keys.filter(({ strong }) => strong));
  for (;;) {
    const found = await findCandidates(tx, wanted);
    gather(candidates, found.candidates);
    overflowed.push(...found.overflowed);
    customers = Math.max(customers, found.customers);
    for (const key of wanted) asked.add(nameOfKey(key));
    const batch = matchBatch(model, requests, createCandidateIndex([...candidates.values()], overflowed, populationOf(customers), asked), countFrom(1), remembered);
    if (batch.wanted.length === 0) return { batch, found: { candidates: [...candidates.values()], overflowed } };
    ({ wanted } = batch);
  }
}

/** Nobody came meanwhile. */
function isKnown(found: Found, again: Found): boolean {
  if (again.candidates.length === 0 && again.overflowed.length === 0) return true;
  const namesOf = ({ candidates, overflowed }: Found): readonly string[] => [
    ...candidates.flatMap(({ customerId, keys }) => keys.map((key) => `${customerId} ${nameOfKey(key)}`)), ...overflowed.map(nameOfKey),
  ];
  const known = new Set(namesOf(found));
  return namesOf(again).every((name) => known.has(name));
}

/** Stand-ins until it is known how many customers are new; no customer has such an id. */
function countFrom(first: number): () => string {
  let next = first;
  return () => `new-${next++}`;
}
