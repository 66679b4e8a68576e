import { expect, test } from '@jest/globals';
import { personOf, type GeneratedPerson } from '../../../workers/domain/generate/people.js';

const count = 50_000;
const people = Array.from({ length: count }, (_, index) => personOf({ seed: 7, customers: count, companies: 50 }, index));

/** How many others share something with somebody, on average. */
function othersWith(what: (person: GeneratedPerson) => string): number {
  const groups = new Map<string, number>();
  for (const person of people) groups.set(what(person), (groups.get(what(person)) ?? 0) + 1);
  return [...groups.values()].reduce((sum, size) => sum + size * (size - 1), 0) / count;
}

// Seen to fail with ten streets, nine towns and forty given names: what is measured with such people measures crowds that no real master has.
test.each<[string, (person: GeneratedPerson) => string, number]>([
  ['a street', ({ street, postalCode, city }) => `${street} ${postalCode} ${city}`, 0.3],
  ['name and town', ({ givenName, familyName, city }) => `${givenName} ${familyName} ${city}`, 0.5],
  ['birth date and given name', ({ givenName, birthDate }) => `${givenName} ${birthDate}`, 0.05],
  ['birth date and town', ({ city, birthDate }) => `${city} ${birthDate}`, 0.2],
])('of 50,000 people few share %s', (_, what, most) => {
  expect(othersWith(what)).toBeLessThan(most);
});
