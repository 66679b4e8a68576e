import type { Party } from '../../../schemas/booking-event.js';
import type { CandidateIndex } from './candidates.js';
import { decideMatch, type MatchDecision } from './decide.js';
import type { Key, MatchKey } from './keys.js';
import type { MatchModel } from './model.js';
import { kindOf } from './parties.js';

/** A record of a file that is matched as a whole. */
export interface RecordToMatch {
  readonly id: string;
  readonly party: Party;
  readonly keys: readonly MatchKey[];
}

export interface MatchedRecord {
  readonly record: RecordToMatch;
  /** link, review or new. */
  readonly decision: MatchDecision;
  /** The customer that it is linked to or becomes; null in review. */
  readonly customerId: string | null;
  /** Keys that so many customers share that they counted for nothing. */
  readonly overflowed: readonly Key[];
}

/**
 * Matches records with the customers of the index and with each other. Each is decided in its turn, as a booking would be; whoever is new is met by those
 * after it, and a record that is linked shows another way in which its customer is seen. Then those that were left alone, or founded a customer, look again,
 * until nothing changes: what came too late to help them is there now. Decisions about one record never depend on the order of candidates.
 *
 * @param index takes up what is new; use a fresh one each time
 * @param newId the customer that a record becomes
 */
export function matchRecords(model: MatchModel, records: readonly RecordToMatch[], index: CandidateIndex, newId: (record: RecordToMatch) => string, onProgress: (done: number) => void = () => undefined): readonly MatchedRecord[] {
  /** The place of the record that each new customer comes from; the others were known before. */
  const founded = new Map<string, number>();
  const parents = new Map<string, string>();

  /** Of new customers that turned out to be one, the one that was there first. */
  function rootOf(id: string): string {
    let at = id;
    for (let parent = parents.get(at); parent !== undefined; parent = parents.get(at)) at = parent;
    return at;
  }

  const see = (customerId: string, { party, keys }: RecordToMatch): void => { index.add({ customerId, rootId: customerId, kind: kindOf(party), party, keys }); };

  /** @param isAsked of the customers that are found, by root, those to look at */
  function decide({ party, keys }: RecordToMatch, isAsked: (root: string) => boolean) {
    const overflowed = index.overflowed(keys);
    const used = overflowed.length === 0 ? keys : keys.filter((key) => !overflowed.includes(key));
    const candidates = index.find(used)
      .map((candidate) => ({ ...candidate, rootId: candidate.rootId === candidate.customerId ? rootOf(candidate.customerId) : candidate.rootId }))
      .filter((candidate) => candidate.party !== party && isAsked(candidate.rootId));
    return { decision: decideMatch(model, { role: 'payer', position: '', party }, used, { candidates, usersOf: index.usersOf, population: index.population }), overflowed };
  }

  const matched = records.map((record, place): MatchedRecord => {
    if (place % 1000 === 0) onProgress(place);
    const { decision, overflowed } = decide(record, () => true);
    const isNew = decision.decision === 'new' || decision.decision === 'none';
    const customerId = isNew ? newId(record) : decision.customerId;
    if (isNew && customerId !== null) founded.set(customerId, place);
    if (customerId !== null) see(customerId, record);
    return { record, decision: isNew ? { ...decision, decision: 'new' } : decision, customerId, overflowed };
  });

  /** Two customers are one, of whom the younger is new: its record is linked to the older. */
  function unite(one: string, other: string): void {
    const [older, younger] = (founded.get(one) ?? -1) < (founded.get(other) ?? -1) ? [one, other] : [other, one];
    const place = founded.get(younger) ?? -1;
    const founder = matched[place];
    if (older === younger || founder === undefined) return;
    const { decision } = decide(founder.record, (root) => root === older);
    parents.set(younger, older);
    matched[place] = { ...founder, customerId: older, decision: { ...decision, decision: 'link', customerId: older } };
  }

  /** Of several new customers of whom each could be meant, those that are one by themselves become one. True where some did. */
  function uniteRivals({ candidates }: MatchDecision): boolean {
    const [best, ...rivals] = new Set(candidates.filter(({ verdict }) => verdict === 'link').map(({ rootId }) => rootId));
    let united = false;
    for (const rival of rivals) {
      const founder = matched[founded.get(rival) ?? -1];
      if (best === undefined || founder === undefined || !founded.has(best) || decide(founder.record, (root) => root === rootOf(best)).decision.decision !== 'link') continue;
      unite(rootOf(best), rootOf(rival));
      united = true;
    }
    return united;
  }

  /** True where something changed. */
  function lookAgain(): boolean {
    let changed = false;
    matched.forEach((one, place) => {
      const own = one.customerId === null ? null : rootOf(one.customerId);
      if (own !== null && !founded.has(own)) return; // a customer that was known before: decided
      let { decision } = decide(one.record, (root) => root !== own);
      if (decision.decision === 'review' && uniteRivals(decision)) ({ decision } = decide(one.record, (root) => root !== own));
      if (decision.decision !== 'link' || decision.customerId === null) return;
      changed = true;
      if (own !== null) unite(own, rootOf(decision.customerId));
      else {
        see(decision.customerId, one.record);
        matched[place] = { ...one, decision, customerId: decision.customerId };
      }
    });
    return changed;
  }

  while (lookAgain()) onProgress(records.length);
  return matched.map((one) => {
    const customerId = one.customerId === null ? null : rootOf(one.customerId);
    return { ...one, customerId, decision: one.decision.decision === 'link' ? { ...one.decision, customerId } : one.decision };
  });
}
