import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Party } from '../../../schemas/booking-event.js';
import { createCandidateIndex, type Candidate } from '../../../workers/domain/match/candidates.js';
import { decideMatch, type MatchDecision } from '../../../workers/domain/match/decide.js';
import { matchKeys } from '../../../workers/domain/match/keys.js';
import { claimsOf, matchBatch, withIds, type MatchRequest } from '../../../workers/domain/match/match-batch.js';
import { candidateOf, newCustomer } from '../../../workers/domain/match/new-customer.js';
import { shippedModel } from '../../../workers/domain/match/shipped-model.js';
import type { Role, RoleParty } from '../../../workers/domain/match/parties.js';

const context = { source: 'gds', country: 'DE' };

function customer(id: string, party: Party, rootId = id): Candidate {
  const roleParty: RoleParty = { role: 'payer', position: '', party };
  return { ...candidateOf(newCustomer(roleParty, matchKeys(party, 'payer', context), context, id)), rootId };
}

/** Decides for a party among the customers, of which only those with a common key are candidates. */
function decide(party: Party, customers: readonly Candidate[], role: Role = 'payer'): MatchDecision {
  const keys = matchKeys(party, role, context);
  const index = createCandidateIndex(customers, [], 1_000_000);
  return decideMatch(shippedModel, { role, position: '', party }, keys, { candidates: index.find(keys), usersOf: index.usersOf, population: index.population });
}

function outcome(party: Party, ...customers: readonly Candidate[]): string {
  const { decision, customerId } = decide(party, customers);
  return customerId === null ? decision : `${decision} ${customerId}`;
}

const anna: Party = { givenName: 'Anna', familyName: 'Müller', emails: ['anna@mueller.de'], phones: ['030 12345678'], birthDate: '1980-05-10' };
const annaKnown = customer('1', anna);

describe('exact identities', () => {
  test('an external id of the same source links, whatever the name says', () => {
    const known = customer('1', { externalId: 'K-17', givenName: 'Anna', familyName: 'Müller' });
    expect(outcome({ externalId: 'K-17', givenName: 'Anna', familyName: 'Wiedenhöfer' }, known)).toBe('link 1');
    expect(outcome({ externalId: 'K-17' }, known)).toBe('link 1');
  });

  test('the same id of another source says nothing', () => {
    const other = matchKeys({ externalId: 'K-17' }, 'payer', { source: 'pms', country: null });
    const known = customer('1', { externalId: 'K-17' });
    expect(createCandidateIndex([known]).find(other)).toEqual([]);
  });

  test('a loyalty number links however it is spaced', () => {
    const known = customer('1', { ...anna, loyalty: [{ program: 'LH', number: '9922 2000 1234' }] });
    expect(outcome({ givenName: 'A', familyName: 'M', loyalty: [{ program: 'lh', number: '992220001234' }] }, known)).toBe('link 1');
  });

  test('a corporate account links by its id, and never to a person with the same id', () => {
    const company = customer('1', { kind: 'company', externalId: '40', companyName: 'Acme GmbH' });
    const person = customer('2', { kind: 'person', externalId: '40' });
    const { decision, customerId } = decide({ kind: 'company', externalId: '40' }, [company, person], 'corporate');
    expect([decision, customerId]).toEqual(['link', '1']);
  });

  test('a company links by its VAT id', () => {
    const company = customer('1', { kind: 'company', companyName: 'Acme GmbH', vatId: 'DE 123 456 789' });
    expect(decide({ kind: 'company', vatId: 'DE123456789' }, [company], 'corporate').customerId).toBe('1');
  });

  // Fails when the birth-date veto comes after the identity rule in personVerdict.
  test('another birth date vetoes even an id, unless the whole name agrees with it: then the date is the mistake', () => {
    const known = customer('1', { ...anna, externalId: 'K-17' });
    expect(outcome({ externalId: 'K-17', givenName: 'Anna', birthDate: '2011-07-23' }, known)).toBe('review');
    expect(outcome({ externalId: 'K-17', givenName: 'Lea', familyName: 'Müller', birthDate: '2011-07-23' }, known)).toBe('review');
    expect(outcome({ externalId: 'K-17', givenName: 'Anna', familyName: 'Müller', birthDate: '2011-07-23' }, known)).toBe('link 1');
  });

  test('a birth date with a slip of the hand does not', () => {
    const known = customer('1', { ...anna, externalId: 'K-17' });
    expect(outcome({ externalId: 'K-17', birthDate: '1980-10-05' }, known)).toBe('link 1');
    expect(outcome({ externalId: 'K-17', birthDate: '1980-05-11' }, known)).toBe('link 1');
  });

  // Each fails when its part of vetoesOf or personVerdict is taken out.
  test('one number of a couple does not make one of them the other, however close their birth dates lie', () => {
    const known = customer('1', { ...anna, emails: [], phones: [], loyalty: [{ program: 'LH', number: '992220001234' }] });
    const party: Party = { givenName: 'Bernd', familyName: 'Müller', birthDate: '1980-11-21', loyalty: [{ program: 'LH', number: '992220001234' }] };
    expect(decide(party, [known])).toMatchObject({ decision: 'review', vetoes: ['given-name'] });
    expect(outcome({ ...party, birthDate: '1980-05-10' }, known)).toBe('link 1');
  });

  test('the given name and a birth date that is wrong: it is the one with the number, if they live in one town', () => {
    const home = { street: 'Hauptstr.', houseNumber: '5', postalCode: '10115', city: 'Berlin' };
    const known = customer('1', { ...anna, emails: [], phones: [], addresses: [home], loyalty: [{ program: 'LH', number: '992220001234' }] });
    const party: Party = { givenName: 'Anna', familyName: 'Schmidt', birthDate: '1991-10-30', loyalty: [{ program: 'LH', number: '992220001234' }] };
    expect(outcome({ ...party, addresses: [{ city: 'Berlin' }] }, known)).toBe('link 1');
    expect(outcome({ ...party, addresses: [{ city: 'Bonn', postalCode: '53111' }] }, known)).toBe('review');
  });

  describe('a number that is nearly the same', () => {
    const home = { street: 'Hauptstr.', houseNumber: '5', postalCode: '10115', city: 'Berlin' };
    const withNumber = (party: Party, number: string): Party => ({ familyName: 'Wiedenhöfer', addresses: [home], ...party, loyalty: [{ program: 'LH', number }] });
    const known = customer('1', withNumber({ givenName: 'Lukas', birthDate: '1936-12-18' }, '4817613'));

    test.each<[string, Party, string]>([
      ['at the same house, nothing but the birth date differs', { birthDate: '1972-03-01' }, 'link 1'],
      ['at the same house, another given name', { givenName: 'Fergus' }, 'link 1'],
      ['a slip in the given name, other digits in the birth date, another number of the street', { givenName: 'Luzkas', birthDate: '1930-12-16', addresses: [{ ...home, houseNumber: '14' }] }, 'link 1'],
    ])('is that number where it was misread: %s', (_, party, expected) => {
      expect(outcome(withNumber(party, '4871613'), known)).toBe(expected); // two digits swapped
      expect(outcome(withNumber(party, '4817618'), known)).toBe('review'); // the next ones are those of the family
    });

    test('is another one where more than a digit differs', () => {
      expect(outcome(withNumber({ birthDate: '1972-03-01' }, '4871631'), known)).toBe('review');
    });
  });

  test('another given name and another number of a programme: somebody else, twins too', () => {
    const home = { street: 'Hauptstr.', houseNumber: '5', postalCode: '10115', city: 'Berlin' };
    const known = customer('1', { ...anna, addresses: [home], loyalty: [{ program: 'LH', number: '992220001234' }] });
    const twin: Party = { givenName: 'Bernd', familyName: 'Müller', birthDate: '1980-05-10', addresses: [home] };
    expect(outcome(twin, known)).toBe('review');
    expect(outcome({ ...twin, loyalty: [{ program: 'LH', number: '700011112222' }] }, known)).toBe('new');
  });

  test('an id outranks the e-mail address of somebody else', () => {
    const known = customer('1', { externalId: 'K-17' });
    expect(outcome({ ...anna, externalId: 'K-17' }, known, customer('2', { ...anna, birthDate: null }))).toBe('link 1');
  });
});

describe('contact and name', () => {
  test.each<[string, Party]>([
    ['the same name', { givenName: 'Anna', familyName: 'Müller' }],
    ['ue for ü', { givenName: 'ANNA', familyName: 'MUELLER' }],
    ['u for ü', { givenName: 'anna', familyName: 'Muller' }],
    ['the name as reservation systems write it', { fullName: 'MUELLER/ANNA MRS' }],
    ['a title glued to the name', { fullName: 'MUELLER/ANNAMRS' }],
    ['a title in a field', { givenName: 'Dr. Anna', familyName: 'Müller' }],
    ['a second given name', { givenName: 'Anna Maria', familyName: 'Müller' }],
    ['a double name', { givenName: 'Anna', familyName: 'Müller-Schmidt' }],
    ['swapped fields', { givenName: 'Müller', familyName: 'Anna' }],
    ['a slip in the family name', { givenName: 'Anna', familyName: 'Mülller' }],
    ['a name in the order of speech', { fullName: 'Frau Anna Müller' }],
    ['a name in the order of lists', { fullName: 'Müller, Anna' }],
  ])('%s links', (_, names) => {
    expect(outcome({ ...names, emails: ['Anna@Mueller.de'] }, annaKnown)).toBe('link 1');
    expect(outcome({ ...names, phones: ['+49 (30) 1234 5678'] }, annaKnown)).toBe('link 1');
  });

  // Seen to fail when personVerdict takes the family name for the name: the household becomes one person.
  test.each<[string, Party]>([
    ['husband', { givenName: 'Peter', familyName: 'Müller' }],
    ['son with a like name', { givenName: 'Arne', familyName: 'Müller' }],
    ['twin', { givenName: 'Nina', familyName: 'Müller', birthDate: '1980-05-10' }],
    ['brother of Daniela', { givenName: 'Ann', familyName: 'Müller' }],
  ])('somebody else of the household (%s) is not linked', (_, names) => {
    expect(outcome({ ...names, emails: anna.emails ?? [], phones: anna.phones ?? [] }, annaKnown)).toBe('review');
  });

  test('Daniel and Daniela are two, on one e-mail address', () => {
    const daniel = customer('1', { givenName: 'Daniel', familyName: 'Vogt', emails: ['vogt@web.de'] });
    expect(outcome({ givenName: 'Daniela', familyName: 'Vogt', emails: ['vogt@web.de'] }, daniel)).toBe('review');
  });

  test('father and son of one name are told apart by their birth dates', () => {
    expect(outcome({ ...anna, birthDate: '2008-11-23' }, annaKnown)).toBe('review');
  });

  test('another person on the contact of an assistant is new', () => {
    expect(outcome({ givenName: 'Jens', familyName: 'Petersen', emails: anna.emails ?? [] }, annaKnown)).toBe('new');
  });

  test('who shares a contact and is known links; the other owner does not disturb', () => {
    const jens = customer('2', { givenName: 'Jens', familyName: 'Petersen', emails: anna.emails ?? [] });
    expect(outcome({ fullName: 'PETERSEN/JENS MR', emails: anna.emails ?? [] }, annaKnown, jens)).toBe('link 2');
    expect(outcome({ fullName: 'MUELLER/ANNA MRS', emails: anna.emails ?? [] }, annaKnown, jens)).toBe('link 1');
  });

  test('a new family name needs the birth date', () => {
    const married: Party = { givenName: 'Anna', familyName: 'Wiedenhöfer', emails: anna.emails ?? [] };
    expect(outcome(married, annaKnown)).toBe('review');
    expect(outcome({ ...married, birthDate: '10.05.1980' }, annaKnown)).toBe('link 1');
  });

  test('two customers of one name and contact are for a person to decide, unless the birth date tells', () => {
    const twice = customer('2', { ...anna, birthDate: null });
    expect(outcome({ ...anna, birthDate: null }, annaKnown, twice)).toBe('review');
    expect(outcome(anna, annaKnown, twice)).toBe('link 1');
  });
});

describe('incomplete names', () => {
  test('an e-mail address without a name links to the one customer who has it', () => {
    expect(outcome({ emails: ['anna@mueller.de'] }, annaKnown)).toBe('link 1');
    expect(outcome({ emails: ['anna@mueller.de'], birthDate: '1981-06-10' }, annaKnown)).toBe('review'); // seen to link when only birth dates that are years apart keep personVerdict from it
  });

  test('two customers with the e-mail address: review', () => {
    expect(outcome({ emails: ['anna@mueller.de'] }, annaKnown, customer('2', { ...anna, givenName: 'Peter' }))).toBe('review');
  });

  test('a phone number without a name is not enough', () => {
    expect(outcome({ phones: ['030 12345678'] }, annaKnown)).toBe('review');
  });

  test('an initial may be that of anybody of the household, unless the birth date tells', () => {
    expect(outcome({ fullName: 'MUELLER/A MRS', emails: ['anna@mueller.de'] }, annaKnown)).toBe('review');
    expect(outcome({ fullName: 'MUELLER/A MRS', emails: ['anna@mueller.de'], birthDate: '10MAY80' }, annaKnown)).toBe('link 1');
    expect(outcome({ fullName: 'MUELLER/A MRS', phones: ['030 12345678'] }, annaKnown)).toBe('review');
  });
});

describe('an e-mail address that names its owner', () => {
  const jessica = customer('1', { givenName: 'Jessica', familyName: 'Miller', emails: ['jessica.miller@web.de'], birthDate: '1981-05-23' });
  const miller: Party = { familyName: 'Miller', emails: ['jessica.miller@web.de'] };
  // Seen to fail when the birth date is not asked for: whoever writes from her address becomes her.
  test('tells who it is where the given name is missing and the birth date has slips; without a birth date it may be anybody who writes from it', () => {
    expect(outcome({ ...miller, birthDate: '1982-05-21' }, jessica)).toBe('link 1');
    expect(outcome({ ...miller, birthDate: '1955-11-02' }, jessica)).toBe('review');
    expect(outcome(miller, jessica)).toBe('review');
    expect(outcome({ ...miller, emails: ['miller@web.de'], birthDate: '1982-05-21' }, customer('1', { givenName: 'Jessica', familyName: 'Miller', emails: ['miller@web.de'], birthDate: '1981-05-23' }))).toBe('review');
  });

  test('is not needed where given name and birth date have a slip each and all else agrees', () => {
    expect(outcome({ givenName: 'Jesica', familyName: 'Miller', emails: ['jessica.miller@web.de'], birthDate: '1982-05-21' }, jessica)).toBe('link 1');
    expect(outcome({ givenName: 'Jesica', familyName: 'Miller', emails: ['jessica.miller@web.de'], birthDate: '2007-11-02' }, jessica)).toBe('review');
  });
});

describe('name and birth date', () => {
  const bare: Party = { fullName: 'MUELLER/ANNA MRS', birthDate: '10MAY80' };
  test('link where one customer has them and nothing contradicts', () => {
    expect(outcome(bare, annaKnown)).toBe('link 1');
  });
  // Seen to fail when otherGivenName is always false.
  test('the shared e-mail address of the household does not disturb', () => {
    const peter = customer('2', { givenName: 'Peter', familyName: 'Müller', birthDate: '1978-02-03' });
    expect(outcome({ givenName: 'Peter', familyName: 'Müller', birthDate: '03.02.1978', emails: anna.emails ?? [] }, annaKnown, peter)).toBe('link 2');
  });
  test('two customers: review', () => {
    expect(outcome(bare, annaKnown, customer('2', { ...anna, emails: ['other@web.de'] }))).toBe('review');
  });
  test('a birth date that can mean two days: review', () => {
    expect(outcome({ ...bare, birthDate: '05/10/1980' }, annaKnown)).toBe('review');
  });
  test('a name alone identifies nobody', () => {
    expect(outcome({ fullName: 'MUELLER/ANNA MRS' }, annaKnown)).toBe('none');
  });
});

describe('nobody found', () => {
  test.each<[string, Party, string]>([
    ['nothing at all', {}, 'none'],
    ['a country of origin', { addresses: [{ country: 'PRT' }] }, 'none'],
    ['a name', { givenName: 'Anna', familyName: 'Müller' }, 'none'],
    ['a role account', { emails: ['info@acme.de'] }, 'none'],
    ['an alias of a portal', { emails: ['anna.123@guest.booking.com'] }, 'none'],
    ['fillers', { externalId: '0000', emails: ['none@none.de'], phones: ['0000'], birthDate: '1900-01-01', givenName: 'test', familyName: 'test' }, 'none'],
    ['a birth date that can mean two days', { givenName: 'Anna', familyName: 'Müller', birthDate: '05/10/1980' }, 'none'],
    ['an e-mail address', { emails: ['anna@mueller.de'] }, 'new'],
    ['a phone number', { phones: ['030 12345678'] }, 'new'],
    ['name and birth date', { givenName: 'Anna', familyName: 'Müller', birthDate: '1980-05-10' }, 'new'],
    ['an external id', { externalId: 'K-1' }, 'new'],
  ])('%s', (_, party, expected) => {
    expect(outcome(party)).toBe(expected);
  });
});

describe('merged customers', () => {
  test('two leaves of one person count once, and the link points to a leaf', () => {
    const merged = customer('2', { ...anna, externalId: 'K-2' }, '1');
    expect(outcome({ emails: ['anna@mueller.de'] }, annaKnown, merged)).toBe('link 1');
    expect(outcome({ externalId: 'K-2' }, annaKnown, merged)).toBe('link 2');
  });
});

describe('companies', () => {
  const acme = customer('1', { kind: 'company', companyName: 'Acme Reisen GmbH', emails: ['travel.desk@acme.de'] });
  test.each<[string, string | null, string]>([
    ['the same name', 'ACME REISEN GMBH', 'link 1'],
    ['a GmbH is not an AG', 'Acme Reisen AG', 'new'],
    ['without the legal form', 'Acme Reisen', 'review'],
    ['no name', null, 'link 1'],
  ])('%s', (_, companyName, expected) => {
    expect(outcome({ kind: 'company', companyName, emails: ['travel.desk@acme.de'] }, acme)).toBe(expected);
  });
  test('a person who writes from the address of a company is not the company', () => {
    expect(outcome({ ...anna, emails: ['travel.desk@acme.de'] }, acme)).toBe('new');
  });
});

describe('decisions', () => {
  test('hold no personal data', () => {
    const text = JSON.stringify(decide({ ...anna, givenName: 'Peter' }, [annaKnown]));
    for (const word of ['Anna', 'anna', 'Peter', 'ller', '1980', '1234']) expect(text).not.toContain(word);
  });

  test('do not depend on the order of the candidates', () => {
    const customers = [annaKnown, customer('2', { ...anna, birthDate: null }), customer('3', { ...anna, givenName: 'Peter' }), customer('10', { emails: anna.emails ?? [] })];
    const parties = [anna, { ...anna, birthDate: null }, { emails: anna.emails ?? [] }, { ...anna, givenName: 'A' }];
    fc.assert(
      fc.property(fc.shuffledSubarray(customers, { minLength: 1 }), fc.constantFrom(...parties), (chosen, party) => {
        const sorted = [...chosen].sort((one, other) => Number(one.customerId) - Number(other.customerId));
        expect(decide(party, chosen)).toEqual(decide(party, sorted));
      }),
    );
  });
});

describe('a batch', () => {
  const request = (party: Party, role: Role = 'payer'): MatchRequest => ({ role, position: '', party, keys: matchKeys(party, role, context), context });
  const ids = (): (() => string) => { let next = 100; return () => `${next++}`; };

  // Fails when matchBatch does not add its drafts to the index.
  test('makes one customer of an unknown person who comes twice', () => {
    const { results, drafts } = matchBatch(shippedModel, [request(anna), request({ fullName: 'MUELLER/ANNA MRS', phones: ['030/12345678'] })], createCandidateIndex([]), ids());
    expect(drafts.map(({ id }) => id)).toEqual(['100']);
    expect(results.map(({ decision, customerId }) => `${decision} ${customerId}`)).toEqual(['new 100', 'link 100']);
  });

  test('claims the strong keys of everybody who is a draft, sorted', () => {
    const requests = [request(anna), request({ fullName: 'MUELLER/ANNA MRS', emails: ['anna@mueller.de', 'a.m@web.de'] }), request({ emails: ['info@acme.de'] })];
    const claims = claimsOf(requests, matchBatch(shippedModel, requests, createCandidateIndex([]), ids()));
    expect(claims.map(({ kind, value }) => `${kind} ${value}`)).toEqual([
      'email a.m@web.de', 'email anna@mueller.de', 'name-birth muller anna 1980-05-10', 'phone +493012345678',
    ]);
  });

  test('a key that too many share finds nobody and makes nobody', () => {
    const key = { kind: 'email', value: 'anna@mueller.de' } as const;
    const { results } = matchBatch(shippedModel, [request({ emails: ['anna@mueller.de'] }), request(anna)], createCandidateIndex([annaKnown], [key]), ids());
    expect(results.map(({ decision, overflowed }) => [decision, overflowed.length])).toEqual([['none', 1], ['link', 1]]);
  });

  test('final ids replace the stand-ins everywhere', () => {
    const batch = withIds(matchBatch(shippedModel, [request(anna), request({ ...anna, givenName: 'Peter' })], createCandidateIndex([]), ids()), ['7']);
    expect(batch.drafts[0]?.id).toBe('7');
    expect(batch.results[0]?.customerId).toBe('7');
    expect(batch.results[1]?.candidates[0]).toMatchObject({ customerId: '7', rootId: '7', verdict: 'review' });
  });
});
