import type { Party } from '../../../schemas/booking-event.js';
import type { LocalDate } from '../../../schemas/scalars.js';
import { compareAddresses, comparableAddresses, type ComparableAddress } from './addresses.js';
import { birthDatesOf, compareBirthDates } from './birth-date.js';
import { emailKeyOf } from './contacts.js';
import { loyaltyOf, type KeyKind } from './keys.js';
import { matchFields, type Levels, type MatchField } from './model.js';
import { compareNames, nameOf, type PersonName } from './names.js';
import { slips } from './slips.js';

/** A person as compared: what a party says, read once. */
export interface Profile {
  readonly name: PersonName;
  readonly birthDates: readonly LocalDate[];
  /** Loyalty numbers by programme. */
  readonly loyalty: ReadonlyMap<string, string>;
  /** As keys; without portals and desks. */
  readonly emails: readonly string[];
  readonly hasPhone: boolean;
  readonly addresses: readonly ComparableAddress[];
}

export type ComparedParty = Pick<Party, 'givenName' | 'familyName' | 'fullName' | 'birthDate' | 'loyalty' | 'emails' | 'phones' | 'addresses'>;

export function profileOf(party: ComparedParty): Profile {
  return {
    name: nameOf(party),
    birthDates: birthDatesOf(party.birthDate),
    loyalty: new Map((party.loyalty ?? []).flatMap(({ program, number }) => {
      const [name, value] = loyaltyOf(program, number) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    })),
    emails: (party.emails ?? []).flatMap((text) => emailKeyOf(text) ?? []),
    hasPhone: (party.phones ?? []).length > 0,
    addresses: comparableAddresses(party.addresses),
  };
}

/** What somebody can be compared by. */
export function knownFields({ name, birthDates, loyalty, emails, hasPhone, addresses }: Profile): readonly MatchField[] {
  const known: Readonly<Record<MatchField, boolean>> = {
    givenName: name.given.length > 0, familyName: name.family.length > 0, birthDate: birthDates.length > 0, id: loyalty.size > 0,
    email: emails.length > 0, phone: hasPhone, address: addresses.length > 0,
  };
  return matchFields.filter((field) => known[field]);
}

/** Compares two persons. @param by the kinds of keys by which the other one was found: what agrees to the letter */
export function compareProfiles(one: Profile, other: Profile, by: ReadonlySet<KeyKind>): Levels {
  const { givenName, familyName } = compareNames(one.name, other.name);
  const birthDate = compareBirthDates(one.birthDates, other.birthDates);
  const address = compareAddresses(one.addresses, other.addresses);
  const id = idLevel(one, other, by);
  const email = by.has('email') ? 'equal' : emailLevel(one.emails, other.emails);
  const phone = by.has('phone') ? 'equal' : one.hasPhone && other.hasPhone ? 'different' : undefined;
  // Filled, not spread from parts: a batch compares thousands.
  const levels: { -readonly [field in keyof Levels]: Levels[field] } = {};
  if (givenName !== 'unknown') levels.givenName = givenName;
  if (familyName !== 'unknown') levels.familyName = familyName;
  if (birthDate !== 'unknown') levels.birthDate = birthDate;
  if (id !== undefined) levels.id = id;
  if (email !== undefined) levels.email = email;
  if (phone !== undefined) levels.phone = phone;
  if (address !== 'unknown') levels.address = address;
  return levels;
}

/** Two numbers of one programme speak against each other; two external ids do not: a source may know somebody twice. */
function idLevel(one: Profile, other: Profile, by: ReadonlySet<KeyKind>): string | undefined {
  if (by.has('external') || by.has('debitor') || by.has('loyalty')) return 'equal';
  let level: string | undefined;
  for (const [program, number] of one.loyalty) {
    const known = other.loyalty.get(program);
    if (known === undefined) continue;
    if (slips(number, known, 2) <= (number.length >= 7 ? 2 : 1)) return 'near';
    level = 'different';
  }
  return level;
}

/** Numbers that are given out together lie closer than this. */
const neighbours = 100n;

/** Whether a loyalty number of both is one number, with one digit wrong, too much or missing, or two swapped; and not two that were given out together, to a family. */
export function misreadNumber(one: Profile, other: Profile): boolean {
  return [...one.loyalty].some(([program, number]) => {
    const known = other.loyalty.get(program);
    if (known === undefined || number === known || slips(number, known, 1) > 1) return false;
    const apart = digitsOf(number) - digitsOf(known);
    return apart >= neighbours || apart <= -neighbours;
  });
}

const digitsOf = (number: string): bigint => BigInt(number.replace(/\D/g, '') || '0');

/** near: the mailbox is the same and the domain another one, or the whole differs by a slip or two. */
function emailLevel(ones: readonly string[], others: readonly string[]): string | undefined {
  if (ones.length === 0 || others.length === 0) return undefined;
  return ones.some((one) => others.some((other) => isNearEmail(one, other))) ? 'near' : 'different';
}

function isNearEmail(one: string, other: string): boolean {
  const mailbox = one.slice(0, one.lastIndexOf('@'));
  return (mailbox.length >= 6 && other.startsWith(`${mailbox}@`)) || slips(one, other, 2) <= 2;
}
