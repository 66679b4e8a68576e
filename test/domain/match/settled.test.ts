import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Party } from '../../../schemas/booking-event.js';
import { createCandidateIndex, nameOfKey, type Candidate } from '../../../workers/domain/match/candidates.js';
import { decideMatch, type MatchDecision } from '../../../workers/domain/match/decide.js';
import { matchKeys } from '../../../workers/domain/match/keys.js';
import { matchBatch, type MatchRequest, type Remembered } from '../../../workers/domain/match/match-batch.js';
import type { MatchModel } from '../../../workers/domain/match/model.js';
import { candidateOf, newCustomer } from '../../../workers/domain/match/new-customer.js';
import { shippedModel } from '../../../workers/domain/match/shipped-model.js';
import { smallWorld } from './people.js';

const context = { source: 'gds', country: 'DE' };

const requestOf = (party: Party): MatchRequest => ({ role: 'payer', position: '', party, keys: matchKeys(party, 'payer', context), context });
const knownAs = (id: string, party: Party): Candidate => candidateOf(newCustomer(requestOf(party), requestOf(party).keys, context, id));

/** With thresholds of every height: what is settled follows from the model, not from the numbers that are shipped. */
const anyModel: fc.Arbitrary<MatchModel> = fc.record({ link: fc.integer({ min: -10, max: 25 }), margin: fc.integer({ min: 0, max: 12 }) })
  .map((thresholds) => ({ ...shippedModel, ...thresholds }));
const anyPopulation = fc.constantFrom(1_000, 1_000_000);

/** Decides one after the other, each among everybody who shares any key. */
function decideByAllKeys(model: MatchModel, requests: readonly MatchRequest[], candidates: readonly Candidate[], population: number): readonly MatchDecision[] {
  const index = createCandidateIndex(candidates, [], population);
  let made = 0;
  return requests.map((request) => {
    const decision = decideMatch(model, request, request.keys, { candidates: index.find(request.keys), usersOf: index.usersOf, population });
    if (decision.decision !== 'new') return decision;
    const draft = newCustomer(request, request.keys, context, `new-${++made}`);
    index.add(candidateOf(draft));
    return { ...decision, customerId: draft.id };
  });
}

const shown = ({ decision, customerId }: Pick<MatchDecision, 'decision' | 'customerId'>): string => `${decision} ${customerId ?? ''}`;

describe('what the strong keys have settled', () => {
  // Fails when isSettled says yes to every link, leaves the margin or any field of mostBits out, or counts companies in; and when matchBatch remembers what drafts have part in.
  test('does not change by anybody who is found by weak keys alone', () => {
    fc.assert(fc.property(smallWorld, anyModel, anyPopulation, (world, model, population) => {
      const known = world.known.map((party, n) => knownAs(String(n + 1), party));
      const requests = world.parties.map(requestOf);
      // As ingest does: first without the weak keys, remembering what the strong ones say.
      const remembered: Remembered = new Map();
      const attempt = (asked: ReadonlySet<string> | null) => {
        let made = 0;
        return matchBatch(model, requests, createCandidateIndex(known, [], population, asked), () => `new-${++made}`, remembered);
      };
      attempt(new Set(requests.flatMap(({ keys }) => keys.filter(({ strong }) => strong).map(nameOfKey))));
      const { results, wanted } = attempt(null);
      expect(wanted).toEqual([]);
      expect(results.map(shown)).toEqual(decideByAllKeys(model, requests, known, population).map(shown));
    }), { numRuns: 10_000 });
  });

  test.each<[string, Party, Party, readonly string[]]>([
    ['an id', { externalId: 'K-1', givenName: 'Anna', familyName: 'Müller', birthDate: '1980-05-10' }, { externalId: 'K-1', givenName: 'Anna', birthDate: '1980-05-10' }, []],
    ['name and e-mail address', { givenName: 'Anna', familyName: 'Müller', emails: ['anna@one.de'] }, { givenName: 'Anna', familyName: 'Müller', emails: ['anna@one.de'] }, []],
    ['name and birth date, with which a slip in the name may compete', { givenName: 'Anna', familyName: 'Müller', birthDate: '1980-05-10' }, { givenName: 'Anna', familyName: 'Müller', birthDate: '1980-05-10' }, ['name-year', 'name-day', 'word-birth', 'word-birth', 'sound-birth']],
    ['nobody', { givenName: 'Anna', familyName: 'Müller', emails: ['anna.mueller@one.de'] }, { givenName: 'Anna', familyName: 'Müller', emails: ['anna.mueller@two.de'] }, ['mailbox']],
  ])('weak keys are wanted where the strong ones leave something open: %s', (_, known, party, kinds) => {
    const request = requestOf(party);
    const asked = new Set(request.keys.filter(({ strong }) => strong).map(nameOfKey));
    const { wanted, drafts } = matchBatch(shippedModel, [request], createCandidateIndex([knownAs('1', known)], [], 1_000_000, asked), () => 'new-1');
    expect(wanted.map(({ kind }) => kind)).toEqual(kinds);
    expect(drafts).toEqual([]);
  });
});
