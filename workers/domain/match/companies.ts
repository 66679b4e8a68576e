import type { Party } from '../../../schemas/booking-event.js';
import { compareAddresses, comparableAddresses, type AddressLevel } from './addresses.js';
import { emailOf } from './contacts.js';
import { freeMailDomains, isFiller } from './junk.js';
import type { KeyKind } from './keys.js';
import type { Evidence } from './model.js';
import { textOf, wordsOf } from './names.js';

/** What is compared of companies. */
export type ComparedCompany = Pick<Party, 'companyName' | 'vatId' | 'emails' | 'addresses'>;

const legalForms = new Set([
  'gmbh', 'mbh', 'ag', 'kg', 'kgaa', 'ohg', 'ug', 'gbr', 'ev', 'eg', 'se', 'co', 'inc', 'corp', 'corporation', 'ltd', 'limited', 'llc', 'llp', 'plc', 'sa',
  'sas', 'sarl', 'srl', 'spa', 'bv', 'nv', 'ab', 'as', 'oy', 'aps', 'cie', 'company',
]);

const withoutForm = (words: readonly string[]): string => words.filter((word) => !legalForms.has(word)).join('');

/** The name as one word, without legal form: what a company is looked for by. Empty where there is none. */
export const plainCompanyName = (name: string | null | undefined): string => withoutForm(wordsOf(textOf(name)));

/** A VAT id as compared; undefined where it identifies nobody. */
export function vatOf(text: string | null | undefined): string | undefined {
  const value = (text ?? '').replace(/[^\p{L}\p{N}]/gu, '').toUpperCase();
  return value.length >= 6 && /\d/.test(value) && !/(\d)\1{6,}/.test(value) ? value : undefined;
}

/** Words beside a register number that say nothing: the court is told by its town. */
const registerWords = new Set(['amtsgericht', 'ag', 'handelsregister', 'registergericht', 'register', 'nr', 'no', 'number', 'nummer']);
/** Each court of Germany counts its own. */
const courtRegisters: ReadonlySet<string> = new Set(['hra', 'hrb', 'gnr', 'gsr', 'pr', 'vr']);

/**
 * A number in a register of companies as compared, whatever stands first: `Amtsgericht Bonn, HRB 1234` and `HRB1234 BONN` are one; so is `552 100 554`, with or without blanks.
 * Undefined where it identifies nobody, as a German number without its court.
 */
export function registerOf(text: string | null | undefined): string | undefined {
  const [names, digits] = [wordsOf(text ?? '').filter((word) => !registerWords.has(word)).sort(), (text ?? '').replace(/\D/g, '')];
  const needsCourt = names.some((name) => courtRegisters.has(name)) && !names.some((name) => name.length > 3);
  return digits === '' || isFiller(digits) || needsCourt || (names.length === 0 && digits.length < 6) ? undefined : [...names, digits].join(' ').toUpperCase();
}

type CompanyLevel = 'equal' | 'near' | 'different' | 'unknown';

/** equal: the same words, legal form included (a GmbH is not an AG); near: one leaves the legal form out. */
function compareNames(one: ComparedCompany, other: ComparedCompany): CompanyLevel {
  const [a, b] = [wordsOf(textOf(one.companyName)), wordsOf(textOf(other.companyName))];
  if (a.length === 0 || b.length === 0) return 'unknown';
  if (a.join('') === b.join('')) return 'equal';
  const [plainA, plainB] = [withoutForm(a), withoutForm(b)];
  const oneHasNone = plainA === a.join('') || plainB === b.join('');
  return oneHasNone && plainA === plainB ? 'near' : 'different';
}

/** What agrees of companies weighs so much: they are judged by rules, and their bits say which rule is the stronger. */
const bitsOf = {
  externalId: { equal: 24 }, debitorNumber: { equal: 24 }, registerNumber: { equal: 24 }, loyalty: { equal: 24 }, vatId: { equal: 24, different: -12 }, email: { equal: 12 }, phone: { equal: 10 },
  companyName: { equal: 10, near: 4, different: -6 }, address: { house: 8, street: 5, area: 3, town: 1, different: -2 }, domain: { equal: 3 },
} as const satisfies Readonly<Record<string, Readonly<Record<string, number>>>>;

const keyFields: Readonly<Partial<Record<KeyKind, keyof typeof bitsOf>>> = {
  'external-company': 'externalId', debitor: 'debitorNumber', register: 'registerNumber', loyalty: 'loyalty', vat: 'vatId', email: 'email', phone: 'phone',
};

export interface CompanyVerdict {
  readonly verdict: 'link' | 'review' | 'excluded';
  /** In plain words: what decided. */
  readonly reason: string;
  /** An id agrees. */
  readonly identified?: boolean;
  /** It rests on an e-mail address alone. */
  readonly byAddressAlone?: boolean;
}

/**
 * Is it this company? Ids first; then the name, which needs a contact or an address beside it: companies of one name there are in every town.
 * The domain of its e-mail addresses is shown as a hint and decides nothing.
 * @param by the kinds of keys by which the other one was found
 */
export function judgeCompany(one: ComparedCompany, other: ComparedCompany, by: ReadonlySet<KeyKind>): CompanyVerdict & { readonly evidence: readonly Evidence[] } {
  const name = compareNames(one, other);
  const address = compareAddresses(comparableAddresses(one.addresses), comparableAddresses(other.addresses));
  const vat = by.has('vat') ? 'equal' : vatOf(one.vatId) !== undefined && vatOf(other.vatId) !== undefined ? 'different' : 'unknown';
  const levels: readonly (readonly [keyof typeof bitsOf, string])[] = [
    ...[...by].flatMap((kind) => { const field = keyFields[kind]; return field === undefined || field === 'vatId' ? [] : [[field, 'equal'] as const]; }),
    ['vatId', vat], ['companyName', name], ['address', address], ...(shareDomain(one, other) ? [['domain', 'equal'] as const] : []),
  ];
  const evidence = levels.flatMap(([field, level]): readonly Evidence[] => {
    const bits = new Map<string, number>(Object.entries(bitsOf[field])).get(level);
    return bits === undefined ? [] : [{ field, level, bits }];
  });
  return { ...verdictOf(by, name, vat, address), evidence };
}

function verdictOf(by: ReadonlySet<KeyKind>, name: CompanyLevel, vat: 'equal' | 'different' | 'unknown', address: AddressLevel): CompanyVerdict {
  const sameId = by.has('external-company') || by.has('debitor') || by.has('register') || by.has('loyalty');
  if (sameId && vat === 'different') return { verdict: 'review', reason: 'an id agrees, the VAT id does not' };
  if (sameId || vat === 'equal') return { verdict: 'link', reason: 'an id agrees', identified: true };
  if (vat === 'different') return { verdict: 'excluded', reason: 'another VAT id' };
  const [sameContact, samePlace] = [by.has('email') || by.has('phone'), address === 'house' || address === 'street' || address === 'area'];
  if (name === 'equal' && sameContact) return { verdict: 'link', reason: 'contact and name agree' };
  if (name === 'equal' && samePlace) return { verdict: 'link', reason: 'name and address agree' };
  if (name === 'near' && address === 'house') return { verdict: 'link', reason: 'name and address agree; one leaves the legal form out' };
  if (name === 'different') return { verdict: 'excluded', reason: 'another company: what agrees is shared by two companies' };
  if (name === 'unknown') return by.has('email') ? { verdict: 'link', reason: 'the e-mail address is that of one customer alone', byAddressAlone: true } : { verdict: 'review', reason: 'the contact agrees, a name is missing' };
  if (sameContact) return { verdict: 'review', reason: 'the contact agrees, the name does not quite' };
  return { verdict: 'review', reason: address === 'different' || address === 'town' ? 'the name agrees, the address does not' : 'the name agrees, and nothing else is known' };
}

function shareDomain(one: ComparedCompany, other: ComparedCompany): boolean {
  const [domains, others] = [one, other].map(({ emails }) => new Set((emails ?? []).flatMap((text) => {
    const domain = emailOf(text)?.replace(/^.*@/, '');
    return domain === undefined || freeMailDomains.has(domain) ? [] : [domain];
  })));
  return domains !== undefined && others !== undefined && [...domains].some((domain) => others.has(domain));
}
