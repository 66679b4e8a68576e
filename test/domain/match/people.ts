import fc from 'fast-check';
import type { Party } from '../../../schemas/booking-event.js';

/** The first is met as often as all the others together. */
const mostly = <Value>(first: Value, ...others: readonly Value[]): fc.Arbitrary<Value> => fc.oneof(fc.constant(first), fc.constantFrom(...others));
const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> => fc.option(value, { nil: null, freq: 3 });
const some = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> => fc.uniqueArray(value, { maxLength: 2 });

const anyPerson: fc.Arbitrary<Party> = fc.record({
  externalId: fc.constantFrom(null, null, null, 'K-1', 'K-2'),
  givenName: maybe(mostly('Anna', 'Anne', 'Anna Maria', 'Maria Anna', 'A', 'Peter', 'Müller')),
  familyName: maybe(mostly('Müller', 'Muller', 'Müller-Schmidt', 'Schmidt', 'Anna')),
  birthDate: maybe(mostly('1980-05-10', '1980-05-11', '1980-10-05', '05/10/1980', '2008-05-10')),
  emails: some(mostly('anna.mueller@one.de', 'anna.mueller@two.de', 'family@one.de')),
  phones: some(mostly('030 12345678', '030 87654321')),
  loyalty: some(mostly('9922000123', '9922000124', '9922100123', '5500000001')).map((numbers) => numbers.slice(0, 1).map((number) => ({ program: 'LH', number }))),
  addresses: some(fc.record({ street: mostly('Hauptstr.', 'Lindenallee'), houseNumber: mostly('5', '7'), postalCode: mostly('10115', '10117', null), city: mostly('Berlin', 'Bonn') })),
});

const anyCompany: fc.Arbitrary<Party> = fc.record({
  kind: fc.constant('company' as const),
  externalId: fc.constantFrom(null, null, null, 'K-1', 'K-2'),
  companyName: maybe(mostly('Acme GmbH', 'Acme AG', 'Acme', 'Nordlicht GmbH')),
  vatId: fc.constantFrom(null, null, 'DE123456789', 'DE987654321'),
  emails: some(mostly('acme@acme.de', 'anna.mueller@one.de')),
  addresses: some(fc.record({ street: fc.constant('Hauptstr.'), houseNumber: mostly('5', '7'), postalCode: mostly('10115', '10117'), city: fc.constant('Berlin') })),
});

/** Who is known, and who books: of so few names, days, houses and contacts that they are easily taken for each other. */
export interface SmallWorld {
  readonly known: readonly Party[];
  readonly parties: readonly Party[];
}

const worldOf = (anyParty: fc.Arbitrary<Party>): fc.Arbitrary<SmallWorld> =>
  fc.record({ known: fc.array(anyParty, { minLength: 1, maxLength: 6 }), parties: fc.array(anyParty, { minLength: 1, maxLength: 4 }) });

export const smallWorld: fc.Arbitrary<SmallWorld> = fc.oneof(
  { weight: 6, arbitrary: worldOf(anyPerson) }, { weight: 2, arbitrary: worldOf(anyCompany) }, { weight: 1, arbitrary: worldOf(fc.oneof(anyPerson, anyCompany)) },
);
