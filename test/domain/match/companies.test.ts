import { describe, expect, test } from '@jest/globals';
import type { Party } from '../../../schemas/booking-event.js';
import { createCandidateIndex, type Candidate } from '../../../workers/domain/match/candidates.js';
import { decideMatch, type MatchDecision } from '../../../workers/domain/match/decide.js';
import { matchKeys } from '../../../workers/domain/match/keys.js';
import { candidateOf, newCustomer } from '../../../workers/domain/match/new-customer.js';
import { shippedModel } from '../../../workers/domain/match/shipped-model.js';

const company = (party: Party): Party => ({ kind: 'company', ...party });

function known(id: string, party: Party, source = 'crm', registerNumber?: string): Candidate {
  const context = { source, country: 'DE' };
  return candidateOf(newCustomer({ role: 'payer', position: '', party: company(party) }, matchKeys(company(party), 'payer', context, { registerNumber: registerNumber ?? null }), context, id));
}

function decide(party: Party, customers: readonly Candidate[], registerNumber?: string): MatchDecision {
  const keys = matchKeys(company(party), 'corporate', { source: 'gds', country: 'DE' }, { registerNumber: registerNumber ?? null });
  const index = createCandidateIndex(customers);
  return decideMatch(shippedModel, { role: 'corporate', position: '', party: company(party) }, keys, { candidates: index.find(keys), usersOf: index.usersOf, population: index.population });
}

const outcome = (party: Party, ...customers: readonly Candidate[]): string => {
  const { decision, customerId, candidates: [best] } = decide(party, customers);
  return [decision, customerId, best?.reason].filter((part) => part != null).join(' · ');
};

const berlin = { street: 'Lindenallee', houseNumber: '7', postalCode: '10115', city: 'Berlin' };
const acme = known('1', { companyName: 'Acme Reisen GmbH', vatId: 'DE123456789', emails: ['anna@acme.de'], addresses: [berlin] });

describe('a company', () => {
  test.each<[string, Party, string]>([
    ['links by its VAT id, whatever its name is now', { companyName: 'Zeta Touristik AG', vatId: 'DE 123 456 789' }, 'link · 1 · an id agrees'],
    ['links by name and address', { companyName: 'ACME REISEN GMBH', addresses: [{ street: 'Lindenallee 7', city: 'Berlin' }] }, 'link · 1 · name and address agree'],
    ['links by name and address where one leaves the legal form out', { companyName: 'Acme Reisen', addresses: [berlin] }, 'link · 1 · name and address agree; one leaves the legal form out'],
    ['is asked for where the name alone agrees', { companyName: 'Acme Reisen GmbH' }, 'review · the name agrees, and nothing else is known'],
    ['is asked for where it has the name in another town', { companyName: 'Acme Reisen GmbH', addresses: [{ postalCode: '80331', city: 'München' }] }, 'review · the name agrees, the address does not'],
    ['is asked for where the legal form is missing and only the town agrees', { companyName: 'Acme Reisen', addresses: [{ city: 'Berlin' }] }, 'review · the name agrees, the address does not'],
    ['is not its namesake of another legal form next door', { companyName: 'Acme Reisen AG', externalId: 'K-9', addresses: [berlin] }, 'new · another company: what agrees is shared by two companies'],
    ['is not its namesake with another VAT id at the same address', { companyName: 'Acme Reisen GmbH', vatId: 'DE987654321', addresses: [berlin] }, 'new · another VAT id'],
    ['is nobody where it has the domain alone', { companyName: 'Zeta GmbH', emails: ['bert@acme.de'] }, 'new'],
  ])('%s', (_, party, expected) => {
    expect(outcome(party, acme)).toBe(expected);
  });

  test('links by its register number, however it is written, whatever its name is now; not against its VAT id', () => {
    const registered = known('1', { companyName: 'Acme Reisen GmbH', vatId: 'DE123456789' }, 'crm', 'Amtsgericht Köln, HRB 1234');
    expect(decide({ companyName: 'Zeta AG' }, [registered], 'HRB1234 KOELN')).toMatchObject({ decision: 'link', customerId: '1', evidence: [{ field: 'registerNumber', level: 'equal' }, { field: 'companyName', level: 'different' }] });
    expect(decide({ companyName: 'Zeta AG', vatId: 'DE987654321' }, [registered], 'HRB1234 KOELN').decision).toBe('review');
  });

  test.each<[string, string | undefined]>([
    ['Amtsgericht Köln, HRB 1234', 'HRB KOLN 1234'], ['HRB 1234 B (AG Charlottenburg)', 'B CHARLOTTENBURG HRB 1234'], ['HRB 1234', undefined], ['hrb1234b', undefined],
    ['552 100 554', '552100554'], ['FN 123456a', 'A FN 123456'], ['1234', undefined], ['none', undefined], ['000000', undefined], ['', undefined],
  ])('the register number %j is read as %s: each German court counts its own', (text, value) => {
    expect(matchKeys(company({}), 'corporate', { source: 'gds', country: 'DE' }, { registerNumber: text }).map((key) => key.value)).toEqual(value === undefined ? [] : [value]);
  });

  // Seen to fail when an id outvotes the VAT id.
  test('whose id agrees and whose VAT id does not is for a person to look at', () => {
    expect(outcome({ externalId: 'K-1', vatId: 'DE987654321' }, known('1', { externalId: 'K-1', vatId: 'DE123456789' }, 'gds'))).toBe('review · an id agrees, the VAT id does not');
  });

  test('that two companies could be is for a person to look at', () => {
    const twin = known('2', { companyName: 'Acme Reisen GmbH', addresses: [berlin] });
    expect(decide({ companyName: 'Acme Reisen GmbH', addresses: [berlin] }, [acme, twin]).decision).toBe('review');
  });

  test('of whom nothing but a name is known, that nobody has, stays nobody', () => {
    expect(outcome({ companyName: 'Omega GmbH' }, acme)).toBe('none');
  });

  test('shows the domain as a hint, unless anybody may have an address there', () => {
    const domain = (email: string, other: string): boolean => decide({ companyName: 'Beta GmbH', emails: [email] }, [known('1', { companyName: 'Beta GmbH', emails: [other] })]).evidence.some(({ field }) => field === 'domain');
    expect([domain('a@beta.de', 'office@beta.de'), domain('a@gmx.de', 'b@gmx.de'), domain('a@beta.de', 'b@omega.de')]).toEqual([true, false, false]);
  });
});
