import type { Party } from '../../../schemas/booking-event.js';
import { comparableAddresses, type ComparableAddress } from './addresses.js';
import { birthDatesOf } from './birth-date.js';
import { plainCompanyName, registerOf, vatOf } from './companies.js';
import { emailKeyOf, phoneOfParty } from './contacts.js';
import { isFiller } from './junk.js';
import { nameOf } from './names.js';
import { kindOf, type CustomerNumbers, type Role } from './parties.js';
import { cologneCode } from './phonetic.js';

/** What customers are found by. Values of a kind are compared as they are. */
export type KeyKind =
  | 'external' | 'external-company' | 'debitor' | 'loyalty' | 'vat' | 'register' | 'email' | 'phone' | 'name-birth'
  // What several people may share: these only find candidates.
  | 'name-year' | 'name-day' | 'word-birth' | 'sound-birth' | 'birth-postal' | 'birth-city' | 'name-postal' | 'name-city' | 'house' | 'street' | 'mailbox' | 'company-name';

export interface Key {
  readonly kind: KeyKind;
  readonly value: string;
}

export interface MatchKey extends Key {
  /** Enough to make a customer of an unknown party, and claimed before that is done. */
  readonly strong: boolean;
}

export interface KeyContext {
  /** Id of the reservation system: its ids mean nothing elsewhere. */
  readonly source: string;
  /** ISO 3166 alpha-2 or alpha-3 of the org unit: what a national phone number is read with, unless the party's address says another country. */
  readonly country: string | null;
}

/** Longer texts identify nobody, and would not fit into an index of Postgres (2,704 bytes). */
const longestKey = 500;

/**
 * The keys of a party, each once: external id (`source:id`; a company's is of a kind of its own), debitor number, loyalty (`PROGRAM:NUMBER`), VAT id and register number of companies,
 * e-mail, phone, name + birth date of persons. A birth date that can mean two days makes two keys, neither of them strong.
 * Weak ones: of companies the name without legal form; of persons the birth date with a name (whichever field it stands in), the sound of the family name, postal code or town; name + postal code or town; street, number and postal code.
 * Fillers, role accounts and portal aliases make none. Costs nothing where a party says nothing.
 *
 * @param numbers of the party, as far as they are known
 */
export function matchKeys(party: Party, role: Role, context: KeyContext, { debitorNumber, registerNumber }: CustomerNumbers = {}): readonly MatchKey[] {
  const keys = new Map<string, MatchKey>();
  const add = (kind: KeyKind, value: string, strong = true): void => {
    const name = `${kind} ${value}`;
    if (value.length <= longestKey && !keys.has(name)) keys.set(name, { kind, value, strong });
  };
  const company = role === 'corporate' || kindOf(party) === 'company';
  const externalId = party.externalId?.trim() ?? '';
  if (externalId !== '' && !isFiller(externalId)) add(company ? 'external-company' : 'external', externalKey(context.source, externalId));
  const debitor = debitorKey(debitorNumber);
  if (debitor !== undefined) add(debitor.kind, debitor.value);
  for (const { program, number } of party.loyalty ?? []) {
    const read = loyaltyOf(program, number);
    if (read !== undefined) add('loyalty', read.join(':'));
  }
  if (company) {
    const [vat, register, name] = [vatOf(party.vatId), registerKey(registerNumber), plainCompanyName(party.companyName)];
    if (vat !== undefined) add('vat', vat);
    if (register !== undefined) add(register.kind, register.value);
    if (name.length >= 3) add('company-name', name, false);
  }
  for (const text of party.emails ?? []) {
    const email = emailKeyOf(text);
    if (email !== undefined) add('email', email);
  }
  for (const text of party.phones ?? []) {
    const phone = phoneOfParty(party, text, context.country);
    if (phone !== undefined) add('phone', phone);
  }
  if (!company) addPerson(party, add);
  return [...keys.values()];
}

/** The value under which an external id is found; the colon after the source is the first one. */
export function externalKey(source: string, externalId: string): string {
  return `${source.includes(':') ? source.replaceAll(':', '%3A') : source}:${externalId}`;
}

/** The key of a number in the accounts; undefined where it is none. */
export function debitorKey(number: string | null | undefined): Key | undefined {
  const value = number?.replace(/\s/g, '').toUpperCase() ?? '';
  return value === '' || value.length > longestKey || isFiller(value) ? undefined : { kind: 'debitor', value };
}

/** The key of a company's number in its register; undefined where it is none. */
export function registerKey(number: string | null | undefined): Key | undefined {
  const value = registerOf(number);
  return value === undefined || value.length > longestKey ? undefined : { kind: 'register', value };
}

/** Programme and number as compared; undefined where they identify nobody. */
export function loyaltyOf(program: string | null | undefined, number: string | null | undefined): readonly [program: string, number: string] | undefined {
  const digits = number?.replace(/[\s.-]/g, '').toUpperCase() ?? '';
  const name = program?.trim().toUpperCase() ?? '';
  return name === '' || digits.length < 4 || isFiller(digits) || isFiller(name) ? undefined : [name, digits];
}

type AddKey = (kind: KeyKind, value: string, strong?: boolean) => void;

function addPerson(party: Party, add: AddKey): void {
  const dates = party.birthDate == null ? [] : birthDatesOf(party.birthDate);
  const addresses = comparableAddresses(party.addresses);
  const name = nameOf(party);
  const given = (name.given[0] ?? '').length < 2 ? '' : (name.given[0] ?? '');
  const family = name.family.join('');
  for (const text of party.emails ?? []) {
    const email = emailKeyOf(text);
    const mailbox = email?.slice(0, email.lastIndexOf('@')) ?? '';
    if (mailbox.length >= 6) add('mailbox', mailbox, false);
  }
  for (const date of dates) addBirth(given, family, date, dates.length === 1, addresses, add);
  for (const { street, number, postalCode, city } of addresses) {
    if (given !== '' && family !== '' && postalCode !== '') add('name-postal', `${family} ${given} ${postalCode}`, false);
    if (given !== '' && family !== '' && city !== '') add('name-city', `${family} ${given} ${city}`, false);
    const town = postalCode === '' ? city : postalCode;
    if (street !== '' && town !== '') add('street', `${street} ${town}`, false);
    if (street !== '' && number !== '' && town !== '') add('house', `${street} ${number} ${town}`, false);
  }
}

function addBirth(given: string, family: string, date: string, unambiguous: boolean, addresses: readonly ComparableAddress[], add: AddKey): void {
  if (given !== '' && family !== '') {
    add('name-birth', `${family} ${given} ${date}`, unambiguous);
    add('name-year', `${family} ${given} ${date.slice(0, 4)}`, false);
    add('name-day', `${family} ${given} ${date.slice(5)}`, false);
  }
  for (const word of [given, family]) if (word !== '') add('word-birth', `${word} ${date}`, false);
  if (family !== '') add('sound-birth', `${cologneCode(family)} ${date}`, false);
  for (const { postalCode, city } of addresses) {
    if (postalCode !== '') add('birth-postal', `${date} ${postalCode}`, false);
    if (city !== '') add('birth-city', `${date} ${city}`, false);
  }
}
