// People who are easily taken for another, and the many ways to write down one person: made from the persons of any list, by a seed.
import { createRandom, type Random } from '../../workers/domain/generate/random.js';

/** A person as the files of the traps have it; empty texts say nothing. */
export interface TrapRecord {
  readonly id: string;
  readonly given: string;
  readonly family: string;
  readonly full: string;
  /** ISO in the list; as it is written in noise. */
  readonly birth: string;
  readonly street: string;
  readonly number: string;
  readonly postal: string;
  readonly city: string;
  readonly email: string;
  readonly phone: string;
  /** A loyalty number. */
  readonly loyalty: string;
}

export const trapColumns = ['id', 'given', 'family', 'full', 'birth', 'street', 'number', 'postal', 'city', 'email', 'phone', 'loyalty'] as const satisfies readonly (keyof TrapRecord)[];

/** Gives every person of a list contacts of its own. */
export function withContacts(persons: readonly TrapRecord[]): readonly TrapRecord[] {
  return persons.map((person, n) => ({ ...person, email: `${person.given}.${person.family}${n}@mail.example`.replace(/[^a-z0-9.@]/g, ''), phone: `+49 30 ${2_000_000 + n * 7}` }));
}

export type People = readonly [TrapRecord, ...TrapRecord[]];

type Variation = (person: TrapRecord, random: Random, all: People) => TrapRecord;

const otherOf = (all: People, random: Random, field: 'given' | 'family', than: string): string => {
  for (;;) {
    const name = random.pick(all)[field];
    if (name !== than) return name;
  }
};

const otherBirth = (random: Random): string => `${random.whole(1930, 2005)}-${two(random.whole(1, 12))}-${two(random.whole(1, 28))}`;
const two = (part: number): string => String(part).padStart(2, '0');
const nowhere = { street: '', number: '', postal: '', city: '' };

/** Each makes another person who shares much with one of the list. */
export const traps: Readonly<Record<string, Variation>> = {
  household: (person, random, all) => ({ ...person, given: otherOf(all, random, 'given', person.given), birth: otherBirth(random) }),
  'household, no birth date': (person, random, all) => ({ ...person, given: otherOf(all, random, 'given', person.given), birth: '' }),
  twins: (person, random, all) => ({ ...person, given: otherOf(all, random, 'given', person.given) }),
  'father and son of one name': (person, random) => ({ ...person, birth: `${Number(person.birth.slice(0, 4)) + random.whole(18, 40)}${random.chance(0.5) ? person.birth.slice(4) : otherBirth(random).slice(4)}` }),
  'same name': (person, random, all) => ({ ...person, ...addressOf(random.pick(all)), birth: otherBirth(random), email: '', phone: '' }),
  'shared e-mail of a family': (person, random, all) => ({ ...person, ...nowhere, given: otherOf(all, random, 'given', person.given), birth: '', phone: '' }),
  'shared phone of a family': (person, random, all) => ({ ...person, ...nowhere, given: otherOf(all, random, 'given', person.given), birth: '', email: '' }),
  'e-mail and phone of an assistant': (person, random, all) => ({ ...person, ...addressOf(random.pick(all)), given: otherOf(all, random, 'given', person.given), family: otherOf(all, random, 'family', person.family), birth: random.chance(0.5) ? '' : otherBirth(random) }),
  'first name of the family only as a letter': (person, random, all) => ({ ...person, given: otherOf(all, random, 'given', person.given).slice(0, 1), birth: '' }),
  'twins, each with a number': (person, random, all) => ({ ...person, given: otherOf(all, random, 'given', person.given), loyalty: String(random.whole(1_000_000, 9_999_999)) }),
  'numbers of a family side by side': (person, random, all) => ({ ...person, given: otherOf(all, random, 'given', person.given), birth: random.chance(0.5) ? '' : otherBirth(random), loyalty: String(Number(person.loyalty) + random.whole(1, 30)) }),
  'one number of a couple': (person, random, all) => ({ ...person, given: otherOf(all, random, 'given', person.given), birth: otherBirth(random) }),
  'alias of a portal': (person, random, all) => ({ ...person, ...nowhere, given: otherOf(all, random, 'given', person.given), family: otherOf(all, random, 'family', person.family), birth: '', phone: '', email: 'guest-7781@guest.booking.com' }),
  'role account': (person, random, all) => ({ ...person, ...nowhere, given: otherOf(all, random, 'given', person.given), family: otherOf(all, random, 'family', person.family), birth: '', phone: '', email: 'reservations@hotel.example' }),
};

const addressOf = ({ street, number, postal, city }: TrapRecord) => ({ street, number, postal, city });

/** Traps of people with loyalty numbers. */
export const numberTraps: ReadonlySet<string> = new Set(['twins, each with a number', 'numbers of a family side by side', 'one number of a couple']);

/** A loyalty number for each, none near another. */
export const numberOf = (person: number): string => String(1_000_000 + person * 7_919);

/** Traps that need something in the list, too: what everybody there has. */
export const trapContacts: Readonly<Record<string, Partial<TrapRecord>>> = {
  'alias of a portal': { email: 'guest-7781@guest.booking.com' },
  'role account': { email: 'reservations@hotel.example' },
};

/** Each writes the same person down in another way; without the e-mail address, which would tell at once. */
export const noise: Readonly<Record<string, Variation>> = {
  none: (person) => person,
  'swapped names': (person) => ({ ...person, given: person.family, family: person.given }),
  'umlauts in three spellings': (person, random) => ({ ...person, family: random.pick([(text: string) => text, (text: string) => text.replaceAll('ü', 'ue').replaceAll('ö', 'oe').replaceAll('ä', 'ae'), (text: string) => text.replaceAll('ü', 'u').replaceAll('ö', 'o').replaceAll('ä', 'a').toUpperCase()])(person.family) }),
  'names as reservation systems write them': (person, random) => ({ ...person, given: '', family: '', full: `${person.family}/${person.given} ${random.pick(['MR', 'MRS', 'MS', 'DR'])}`.toUpperCase() }),
  'two-digit years': (person) => ({ ...person, birth: `${person.birth.slice(8)}.${person.birth.slice(5, 7)}.${person.birth.slice(2, 4)}` }),
  'phone formats': (person, random) => ({ ...person, phone: random.pick([person.phone.replace('+49 ', '0'), person.phone.replace('+49 30 ', '(030) '), person.phone.replace('+49 ', '0049'), person.phone.replaceAll(' ', '-')]) }),
};

/** What the umlauts stand in. */
export const umlautNames = ['Müller', 'Schröder', 'Krämer', 'Böttcher', 'Jäger', 'Lüdemann', 'Österle', 'Käßmann', 'Dürr', 'Vögele', 'Grünwald', 'Königs', 'Hänel', 'Büchner'] as const;

/** The persons and, after each, its variation: `<id>-x`. */
export function varied(persons: People, variation: Variation, seed: number, name: string): readonly TrapRecord[] {
  return persons.map((person, n) => ({ ...variation(person, createRandom(seed, name, n), persons), id: `${person.id}-x` }));
}
