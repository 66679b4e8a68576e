import { populationOf, type MatchModel } from '../domain/match/model.js';
import { createCandidateIndex } from '../domain/match/candidates.js';
import type { Key } from '../domain/match/keys.js';
import { claimsOf, matchBatch, withIds, type BatchMatch, type MatchRequest } from '../domain/match/match-batch.js';
import { allocateCustomerIds, claimIdentities, findCandidates } from '../store/customers.js';
import type { Queryable } from '../store/database.js';

/**
 * Matches the parties of a whole batch to customers. Who is new comes back as a draft with its final id: insert the drafts in the same transaction.
 *
 * Before anybody is new, the strong keys are claimed and the candidates read again, so that two batches that meet the same unknown person at the same
 * moment make one customer of them: the second waits for the first, and finds its customer (READ COMMITTED: each statement sees what is committed).
 * Customers that a later decision links to are claimed for, too; a batch that claims in two rounds may deadlock with another (40P01: retried).
 */
export async function matchParties(tx: Queryable, model: MatchModel, requests: readonly MatchRequest[]): Promise<BatchMatch> {
  const keys = requests.flatMap((request) => request.keys);
  if (keys.length === 0) return matchBatch(model, requests, createCandidateIndex([]), () => '');
  const claimed = new Set<string>();
  for (;;) {
    const { candidates, overflowed, customers } = await findCandidates(tx, keys);
    const batch = matchBatch(model, requests, createCandidateIndex(candidates, overflowed, populationOf(customers)), countFrom(1));
    const claims = claimsOf(requests, batch).filter((claim) => !claimed.has(nameOf(claim)));
    if (claims.length === 0) return withIds(batch, await allocateCustomerIds(tx, batch.drafts.length));
    await claimIdentities(tx, claims);
    for (const claim of claims) claimed.add(nameOf(claim));
  }
}

const nameOf = ({ kind, value }: Key): string => `${kind} ${value}`;

/** Stand-ins until it is known how many customers are new; no customer has such an id. */
function countFrom(first: number): () => string {
  let next = first;
  return () => `new-${next++}`;
}
