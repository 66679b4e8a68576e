import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Booking, Party } from '../../../schemas/booking-event.js';
import { birthDatesOf, compareBirthDates } from '../../../workers/domain/match/birth-date.js';
import { emailKeyOf, phoneOf } from '../../../workers/domain/match/contacts.js';
import { matchKeys } from '../../../workers/domain/match/keys.js';
import { compareNames, nameOf } from '../../../workers/domain/match/names.js';
import { contactsOf, newCustomer } from '../../../workers/domain/match/new-customer.js';
import { partiesOf, sameIdentity } from '../../../workers/domain/match/parties.js';

const context = { source: 'gds', country: 'DE' };
const namesOf = (keys: ReturnType<typeof matchKeys>): readonly string[] => keys.map(({ kind, value }) => `${kind} ${value}`);
/** Those that several people may share, and that only find candidates. */
const weakKinds = new Set(['word-birth', 'sound-birth', 'birth-postal', 'birth-city', 'name-postal', 'name-city', 'house', 'street', 'mailbox']);
const keysOf = (party: Party): readonly string[] => namesOf(matchKeys(party, 'payer', context).filter(({ kind }) => !weakKinds.has(kind)));
const weakKeysOf = (party: Party): readonly string[] => namesOf(matchKeys(party, 'payer', context).filter(({ kind, strong }) => weakKinds.has(kind) && !strong));

describe('e-mail addresses', () => {
  test.each([
    [' Anna.Mueller@Web.DE ', 'anna.mueller@web.de'],
    ['anna+reise@web.de', 'anna@web.de'],
    ['An.Na+x@GoogleMail.com', 'anna@gmail.com'],
    ['Anna Müller <anna@web.de>', 'anna@web.de'],
    ['mailto:anna@web.de', 'anna@web.de'],
    ['anna@müller.de', 'anna@müller.de'],
    ['reservations@hotel.de', undefined],
    ['NoReply@hotel.de', undefined],
    ['x1y2@guest.booking.com', undefined],
    ['x1y2@eu.guest.booking.com', undefined],
    ['xx@xx.de', undefined],
    ['none@none.com', undefined],
    ['anna@web', undefined],
    ['anna', undefined],
    ['', undefined],
    ['a@b@c.de', undefined],
  ])('%s is found by %s', (text, expected) => {
    expect(emailKeyOf(text)).toBe(expected);
  });
});

describe('phone numbers', () => {
  test.each([
    ['030 12345678', 'DE', '+493012345678'],
    ['030 12345678', 'DEU', '+493012345678'],
    ['+49 (0)30 12345678', null, '+493012345678'],
    ['0049-30-12345678', 'DE', '+493012345678'],
    ['+43 1 5123456', 'DE', '+4315123456'],
    ['030 12345678', null, undefined],
    ['0000', 'DE', undefined],
    ['+49 000000000', 'DE', undefined],
    ['none', 'DE', undefined],
    ['030 12345678', 'XX', undefined],
  ])('%s in %s is %s', (text, country, expected) => {
    expect(phoneOf(text, country)).toBe(expected);
    expect(phoneOf(text, country)).toBe(expected);
  });
});

describe('birth dates', () => {
  test.each([
    ['1980-05-10', ['1980-05-10']],
    ['1980-05-10T00:00:00', ['1980-05-10']],
    ['19800510', ['1980-05-10']],
    ['10.05.1980', ['1980-05-10']],
    ['10.5.80', ['1980-05-10']],
    ['10MAY80', ['1980-05-10']],
    ['10-May-1980', ['1980-05-10']],
    ['3. Mai 1980', ['1980-05-03']],
    ['25/12/1980', ['1980-12-25']],
    ['12/25/1980', ['1980-12-25']],
    ['05/10/1980', ['1980-10-05', '1980-05-10']],
    ['05/05/1980', ['1980-05-05']],
    ['10MAY12', ['2012-05-10', '1912-05-10']],
    ['1900-01-01', []],
    ['1980-02-30', []],
    ['unknown', []],
    [null, []],
  ])('%s can mean %j', (text, expected) => {
    expect(birthDatesOf(text)).toEqual(expected);
  });

  test.each([
    ['1980-05-10', '1980-05-10', 'equal'],
    ['1980-05-10', '1980-10-05', 'near'],
    ['1980-05-10', '1980-05-01', 'near'],
    ['1980-05-12', '1980-05-21', 'near'],
    ['1980-05-10', '1979-05-11', 'close'],
    ['1980-05-10', '1981-06-12', 'close'],
    ['1980-05-10', '1983-08-21', 'different'],
    ['1956-05-10', '1986-05-10', 'different'],
    ['1880-05-10', '1980-05-10', 'near'],
    ['1980-05-10', '2011-07-23', 'different'],
  ])('%s and %s are %s', (one, other, expected) => {
    expect(compareBirthDates([one], [other])).toBe(expected);
    expect(compareBirthDates([other], [one])).toBe(expected);
  });
});

describe('names', () => {
  test.each<[Party, string, string]>([
    [{ fullName: 'MUELLER/ANNA MRS' }, 'anna', 'muller'],
    [{ familyName: 'MUELLER/ANNA MRS' }, 'anna', 'muller'],
    [{ fullName: 'MUELLER/ANNA MARIA MRS(CHD/12MAR15)' }, 'anna maria', 'muller'],
    [{ fullName: 'VONDERHEIDE/JENS MR' }, 'jens', 'vonderheide'],
    [{ fullName: 'Prof. Dr. Jens von der Heide' }, 'jens', 'heide'],
    [{ givenName: 'Hans-Peter', familyName: "O'Neill" }, 'hans peter', 'oneill'],
    [{ givenName: 'Łukasz', familyName: 'Wójcik' }, 'lukasz', 'wojcik'],
    [{ givenName: 'Li', familyName: 'Xue' }, 'li', 'xue'],
    [{ givenName: 'test', familyName: 'N.N.' }, '', ''],
    [{ givenName: 'Christopher', familyName: 'Guest' }, 'christopher', 'gust'],
    [{ fullName: 'WILLIAMS/ADAMS' }, 'adams', 'williams'],
    [{ givenName: 'Anna', fullName: 'Anna Müller' }, 'anna', 'muller'],
  ])('%j is read as %s, %s', (party, given, family) => {
    const name = nameOf(party);
    expect([name.given.join(' '), name.family.join(' ')]).toEqual([given, family]);
  });

  test.each([
    ['Anna', 'Anna', 'equal'],
    ['Hans-Peter', 'Hanspeter', 'equal'],
    ['Hans Peter', 'Peter', 'compatible'],
    ['A.', 'Anna', 'initial'],
    ['Christop', 'Christopher', 'near'],
    ['Katharina', 'Katarina', 'near'],
    ['Anna Maria', 'Anna Lena', 'near'],
    ['Daniel', 'Daniela', 'different'],
    ['Christian', 'Christiane', 'different'],
    ['Mario', 'Maria', 'different'],
    ['Jan', 'Jana', 'different'],
    ['Harvey', 'Harevy', 'near'],
    ['Kiana', 'Anika', 'different'],
    ['Theodore', 'eTheodroe', 'near'],
    ['Jamie', 'James', 'different'],
    ['Leon', 'Noel', 'different'],
    ['Anna', 'Peter', 'different'],
    ['', 'Peter', 'unknown'],
  ])('given names %s and %s are %s', (one, other, level) => {
    expect(compareNames(nameOf({ givenName: one, familyName: 'X' }), nameOf({ givenName: other, familyName: 'X' })).givenName).toBe(level);
    expect(compareNames(nameOf({ givenName: other, familyName: 'X' }), nameOf({ givenName: one, familyName: 'X' })).givenName).toBe(level);
  });

  test.each([
    ['Müller', 'MUELLER', 'equal'],
    ['von der Heide', 'VONDERHEIDE', 'equal'],
    ['von der Heide', 'Heide', 'equal'],
    ['Müller-Schmidt', 'Schmidt', 'compatible'],
    ['Wiedenhö', 'Wiedenhöfer', 'near'],
    ['Meier', 'Meyer', 'near'],
    ['Lang', 'Ling', 'different'],
    ['Davis', 'Dviis', 'near'],
    ['Rowe', 'Rwoe', 'near'],
    ['Weber', 'Berger', 'different'],
    ['Müller', 'Schmidt', 'different'],
  ])('family names %s and %s are %s', (one, other, level) => {
    expect(compareNames(nameOf({ givenName: 'A', familyName: one }), nameOf({ givenName: 'B', familyName: other })).familyName).toBe(level);
    expect(compareNames(nameOf({ givenName: 'A', familyName: other }), nameOf({ givenName: 'B', familyName: one })).familyName).toBe(level);
  });
});

describe('keys', () => {
  test('three spellings of a name make one key', () => {
    const spellings = ['Müller', 'MUELLER', 'muller'].flatMap((familyName) => keysOf({ givenName: 'Anna', familyName, birthDate: '1980-05-10' }));
    expect(new Set(spellings)).toEqual(new Set(['name-birth muller anna 1980-05-10', 'name-year muller anna 1980', 'name-day muller anna 05-10']));
  });

  test('what several people may share finds candidates, and makes no customer', () => {
    expect(weakKeysOf({ givenName: 'Anna', familyName: 'Müller-Lüdenscheidt', birthDate: '1980-05-10', emails: ['a.mueller@web.de'], addresses: [{ street: 'Hauptstr.', houseNumber: '5 a', postalCode: '10115', city: 'Berlin' }] })).toEqual([
      'mailbox a.mueller', 'word-birth anna 1980-05-10', 'word-birth mullerludenscheidt 1980-05-10', 'sound-birth 65752682 1980-05-10', 'birth-postal 1980-05-10 10115', 'birth-city 1980-05-10 berlin',
      'name-postal mullerludenscheidt anna 10115', 'name-city mullerludenscheidt anna berlin', 'street haupt 10115', 'house haupt 5a 10115',
    ]);
    expect(weakKeysOf({ givenName: 'Anna', familyName: 'Müller' })).toEqual([]);
  });

  test('each key comes once', () => {
    expect(keysOf({ emails: ['a.b@web.de', 'A.B@web.de', 'a.b+1@web.de'], phones: ['030 12345678', '+493012345678'] })).toEqual([
      'email a.b@web.de', 'phone +493012345678',
    ]);
  });

  test('small numbers are good ids, zeros are none', () => {
    expect(keysOf({ externalId: '11' })).toEqual(['external gds:11']);
    expect(keysOf({ externalId: '000' })).toEqual([]);
  });

  test('a text that no index could hold is no key', () => {
    expect(keysOf({ externalId: 'x'.repeat(10_000), loyalty: [{ program: 'LH', number: '12345'.repeat(1000) }] })).toEqual([]);
    expect(contactsOf({ phones: ['5'.repeat(10_000)], addresses: [{ street: 'x'.repeat(10_000) }] }, 'DE')).toEqual([]);
  });

  test('no party, however strange its texts, breaks reading', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('/', 'A/', '/A', ',', 'MR', "'", '@', '..', '+', '00'));
    const party = fc.record({ givenName: text, familyName: text, fullName: text, birthDate: text, externalId: text, vatId: text, emails: fc.array(text), phones: fc.array(text) });
    fc.assert(fc.property(party, (any) => { matchKeys(any, 'payer', context); nameOf(any); newCustomer({ role: 'payer', position: '', party: any }, [], context, '1'); }));
  });
});

describe('bookings', () => {
  const booking: Booking = {
    payer: { externalId: 'P' }, booker: { externalId: 'B' }, corporateAccount: { id: 'C', name: 'Acme', vatId: 'DE1', costCentre: '7' },
    travellers: [{ id: 't1', givenName: 'Anna' }, { id: 't2' }],
  };

  test('name payer, booker, corporate account and travellers', () => {
    expect(partiesOf(booking).map(({ role, position, party }) => `${role} ${position} ${party.externalId ?? ''}`)).toEqual([
      'payer  P', 'booker  B', 'corporate  C', 'traveller t1 ', 'traveller t2 ',
    ]);
    expect(partiesOf({})).toEqual([]);
  });

  test.each<[string, Booking, boolean]>([
    ['nothing', { ...booking }, true],
    ['a cost centre', { ...booking, corporateAccount: { id: 'C', name: 'Acme', vatId: 'DE1', costCentre: '8' } }, true],
    ['the country of an address', { ...booking, payer: { externalId: 'P', addresses: [{ country: 'DE' }] } }, false],
    ['a title', { ...booking, payer: { externalId: 'P', title: 'Dr.' } }, true],
    ['an address', { ...booking, payer: { externalId: 'P', addresses: [{ city: 'Berlin' }] } }, false],
    ['null for missing', { ...booking, payer: { externalId: 'P', emails: null, givenName: null } }, true],
    ['an empty list', { ...booking, payer: { externalId: 'P', emails: [] } }, true],
    ['an e-mail address', { ...booking, payer: { externalId: 'P', emails: ['a@web.de'] } }, false],
    ['the corporate account', { ...booking, corporateAccount: { id: 'D' } }, false],
    ['a traveller less', { ...booking, travellers: [{ id: 't1', givenName: 'Anna' }] }, false],
    ["a traveller's name", { ...booking, travellers: [{ id: 't1', givenName: 'Anne' }, { id: 't2' }] }, false],
    ['the payer gone', { ...booking, payer: null }, false],
    ['a loyalty number', { ...booking, booker: { externalId: 'B', loyalty: [{ program: 'LH', number: '1' }] } }, false],
  ])('where %s changes, the identity is the same: %#', (_, after, same) => {
    expect(sameIdentity(booking, after)).toBe(same);
    expect(sameIdentity(after, booking)).toBe(same);
  });

  test('none before and one with nobody in it are the same', () => {
    expect(sameIdentity(null, {})).toBe(true);
    expect(sameIdentity(null, booking)).toBe(false);
  });
});

describe('a new customer', () => {
  test('keeps names, contacts and language; not consents, nor what a traveller is within the booking', () => {
    const traveller = { id: 't1', type: 'ADT', givenName: 'Anna', familyName: '', language: 'de', emails: ['Anna@Web.de'], consents: [{ purpose: 'news', given: true }] };
    const draft = newCustomer({ role: 'traveller', position: 't1', party: traveller }, [], context, '5');
    expect(draft).toEqual({
      id: '5', kind: 'person', origin: 'gds', keys: [], contacts: [{ kind: 'email', value: 'anna@web.de' }],
      party: { kind: 'person', givenName: 'Anna', language: 'de', emails: ['Anna@Web.de'] },
    });
  });

  test('has its contact points each once', () => {
    expect(contactsOf({
      emails: ['a@web.de', 'A@web.de', 'nonsense'], phones: ['030 12345678', '+49 30 12345678', 'ask wife'],
      addresses: [{ street: 'Hauptstr.', houseNumber: '5', postalCode: '10115', city: 'Berlin', country: 'DE' }, { country: 'PRT' }],
    }, 'DE')).toEqual([
      { kind: 'email', value: 'a@web.de' },
      { kind: 'phone', value: '+493012345678' },
      { kind: 'phone', value: 'ask wife' },
      { kind: 'address', value: 'Hauptstr. 5, 10115 Berlin, DE' },
    ]);
  });
});

// Seen to hang: a mebibyte against a mebibyte, letter by letter, or word by word, is 10^12 steps.
test('names as long as a text may be are compared at once', () => {
  const [one, other] = [nameOf({ givenName: 'Kim', familyName: `${'abcdefghij'.repeat(100_000)}k` }), nameOf({ givenName: 'Kim', familyName: `${'abcdefghij'.repeat(100_000)}l` })];
  expect(compareNames(one, other)).toMatchObject({ familyName: 'different' });
  const words = Array.from({ length: 100_000 }, (_, index) => String(index).replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? ''));
  expect(compareNames(nameOf({ givenName: 'Kim', familyName: ['zz', ...words].join(' ') }), nameOf({ givenName: 'Kim', familyName: [...words.toReversed(), 'zz'].join(' ') })).familyName).not.toBe('unknown');
});
