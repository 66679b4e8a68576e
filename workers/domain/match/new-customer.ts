import type { Address, Party } from '../../../schemas/booking-event.js';
import type { Candidate } from './candidates.js';
import { emailOf, phoneOfParty } from './contacts.js';
import type { KeyContext, MatchKey } from './keys.js';
import { kindOf, type CustomerKind, type RoleParty } from './parties.js';

/** A way to reach somebody. */
export interface Contact {
  readonly kind: 'email' | 'phone' | 'address';
  /** E-mail in lower case, phone as E.164 where it can be read so, an address as one line. */
  readonly value: string;
  /** What the master data knows of it; left out: a booking has shown it. */
  readonly source?: string;
  readonly label?: string | null;
  readonly verified?: boolean;
  /** What the source noted about being allowed to write there; no consent. */
  readonly consentHint?: string | null;
}

/** Who wrote a customer that came with a file or a customer event: the master data. */
export const masterOrigin = 'import';

/** A customer as it is inserted. */
export interface CustomerDraft {
  readonly id: string;
  readonly kind: CustomerKind;
  /** Names, ids, contacts and language; without consents, which are history of their own, and without what a traveller is within the booking. */
  readonly party: Party;
  readonly keys: readonly MatchKey[];
  readonly contacts: readonly Contact[];
  /** Who knows it: `import` or the source. */
  readonly origin: string;
  /** Of the master data: what is known beyond that. */
  readonly profile?: object;
}

/** The customer that an unknown party becomes. @param id from `allocateCustomerIds` */
export function newCustomer({ role, party }: RoleParty, keys: readonly MatchKey[], context: KeyContext, id: string): CustomerDraft {
  const kind = role === 'corporate' ? 'company' : kindOf(party);
  return { id, kind, party: masterOf(party, kind), keys, contacts: contactsOf(party, context.country), origin: context.source };
}

/** How the draft is met by the rest of its batch. */
export function candidateOf({ id, kind, party, keys }: CustomerDraft): Candidate {
  return { customerId: id, rootId: id, kind, party, keys };
}

/** What is kept of a party. */
export const masterFields = [
  'externalId', 'salutation', 'title', 'givenName', 'familyName', 'fullName', 'companyName', 'vatId', 'birthDate', 'gender', 'language', 'nationality',
  'emails', 'phones', 'addresses', 'loyalty',
] as const satisfies readonly (keyof Party)[];

/** What is kept of a party, without empty fields. */
export function masterOf(party: Party, kind: CustomerKind): Party {
  return Object.fromEntries([['kind', kind], ...masterFields.flatMap((field) => (isGiven(party[field]) ? [[field, party[field]]] : []))]);
}

/** Says something. */
export const isGiven = (value: unknown): boolean => value != null && value !== '' && !(Array.isArray(value) && value.length === 0);

/** Longer texts are no contact points, and would not fit into an index of Postgres (2,704 bytes). */
const longestContact = 500;

/** Every contact point of a party, each once; text that is no e-mail address is dropped, a phone number that cannot be read is kept as written. */
export function contactsOf(party: Party, country: string | null): readonly Contact[] {
  const contacts: readonly Contact[] = [
    ...(party.emails ?? []).flatMap((text): Contact[] => {
      const value = emailOf(text);
      return value === undefined ? [] : [{ kind: 'email', value }];
    }),
    ...(party.phones ?? []).map((text): Contact => ({ kind: 'phone', value: phoneOfParty(party, text, country) ?? text.trim() })),
    ...(party.addresses ?? []).map((address): Contact => ({ kind: 'address', value: addressLine(address) })),
  ];
  return contacts.filter(({ kind, value }, index) => value !== '' && value.length <= longestContact && contacts.findIndex((other) => other.kind === kind && other.value === value) === index);
}

/** `Hauptstr. 5, 10115 Berlin, DE`; empty where there is no more than a country or region. */
function addressLine({ street, houseNumber, postalCode, city, region, country }: Address): string {
  if (street == null && postalCode == null && city == null) return '';
  const parts = [join(street, houseNumber), join(postalCode, city), region ?? '', country ?? ''];
  return parts.filter((part) => part !== '').join(', ');
}

const join = (...words: readonly (string | null | undefined)[]): string => words.filter((word) => word != null && word !== '').join(' ');
