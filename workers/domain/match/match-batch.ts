import type { CandidateIndex } from './candidates.js';
import { compareKeys } from './candidates.js';
import { decideMatch, type MatchDecision } from './decide.js';
import type { MatchModel } from './model.js';
import type { Key, KeyContext, MatchKey } from './keys.js';
import { candidateOf, newCustomer, type CustomerDraft } from './new-customer.js';
import type { RoleParty } from './parties.js';

/** One party of one booking that is to be matched. */
export interface MatchRequest extends RoleParty {
  readonly keys: readonly MatchKey[];
  readonly context: KeyContext;
}

export interface MatchResult extends MatchDecision {
  /** The linked or the new customer; null for review and none. */
  readonly customerId: string | null;
  /** Keys that so many customers share that they counted for nothing. */
  readonly overflowed: readonly Key[];
  /** The customer is one of `drafts`. */
  readonly drafted: boolean;
}

export interface BatchMatch {
  /** In the order of the requests. */
  readonly results: readonly MatchResult[];
  /** The customers to insert. */
  readonly drafts: readonly CustomerDraft[];
  /** Keys that nobody has looked for, and that may matter: nothing is decided until they are. */
  readonly wanted: readonly Key[];
}

/** What was decided for a request, and by which keys. */
interface Decided {
  readonly keys: readonly MatchKey[];
  readonly overflowed: readonly Key[];
  readonly decision: MatchDecision;
}

/** What the strong keys say as long as nobody has part in it who is made in the batch: kept from one attempt to the next, in which more is known by weak keys. */
export type Remembered = Map<MatchRequest, Decided>;

/**
 * Decides for every party of a batch, in order; somebody new is met by the rest of the batch. The weak keys count only where the strong ones leave something open.
 * The index takes up the new customers: use a fresh one each time.
 *
 * @param nextId gives the id of a customer to be created
 * @param remembered of an earlier attempt with the same strong keys
 */
export function matchBatch(model: MatchModel, requests: readonly MatchRequest[], index: CandidateIndex, nextId: () => string, remembered: Remembered = new Map()): BatchMatch {
  const drafts: CustomerDraft[] = [];
  const drafted = new Set<string>();
  const wanted: Key[] = [];
  const { usersOf, population } = index;
  const decide = (request: MatchRequest, asked: readonly MatchKey[], memory?: Remembered): Decided => {
    const overflowed = index.overflowed(asked);
    const keys = overflowed.length === 0 ? asked : asked.filter((key) => !overflowed.includes(key));
    const candidates = keys.length === 0 ? [] : index.find(keys);
    const known = candidates.some(({ customerId }) => drafted.has(customerId)) ? undefined : memory;
    const before = known?.get(request);
    if (before?.overflowed.length === overflowed.length) return before;
    const decided = { keys, overflowed, decision: decideMatch(model, request, keys, { candidates, usersOf, population }) };
    known?.set(request, decided);
    return decided;
  };
  const results = requests.map((request): MatchResult => {
    const strong = request.keys.filter((key) => key.strong);
    const first = decide(request, strong, remembered);
    const isOpen = !first.decision.settled && strong.length < request.keys.length;
    const unasked = isOpen ? request.keys.filter((key) => !index.asked(key)) : [];
    wanted.push(...unasked);
    const { keys, overflowed, decision } = isOpen && unasked.length === 0 ? decide(request, request.keys) : first;
    if (decision.decision !== 'new' || unasked.length > 0) return { ...decision, overflowed, drafted: decision.customerId !== null && drafted.has(decision.customerId) };
    const draft = newCustomer(request, keys, request.context, nextId());
    drafts.push(draft);
    drafted.add(draft.id);
    index.add(candidateOf(draft));
    return { ...decision, customerId: draft.id, overflowed, drafted: true };
  });
  return { results, drafts, wanted };
}

/**
 * The strong keys to claim before the drafts may be inserted, sorted, each once: those of everybody who is one of the drafts.
 * Whoever shares one in another batch waits for this one, and meets it.
 */
export function claimsOf(requests: readonly MatchRequest[], { results }: BatchMatch): readonly Key[] {
  const claims = new Map<string, Key>();
  results.forEach((result, position) => {
    if (!result.drafted) return;
    for (const { kind, value, strong } of requests[position]?.keys ?? []) if (strong) claims.set(`${kind} ${value}`, { kind, value });
  });
  return [...claims.values()].sort(compareKeys);
}

/** Gives the drafts their final ids, in their order, in the drafts and wherever a result names one. */
export function withIds(batch: BatchMatch, ids: readonly string[]): BatchMatch {
  const { results, drafts } = batch;
  if (drafts.length === 0) return batch;
  const final = new Map(drafts.map((draft, index) => [draft.id, ids[index] ?? draft.id]));
  const rename = (id: string): string => final.get(id) ?? id;
  return {
    ...batch,
    drafts: drafts.map((draft) => ({ ...draft, id: rename(draft.id) })),
    results: results.map((result) => ({
      ...result,
      customerId: result.customerId === null ? null : rename(result.customerId),
      candidates: result.candidates.map((candidate) => ({ ...candidate, customerId: rename(candidate.customerId), rootId: rename(candidate.rootId) })),
    })),
  };
}
