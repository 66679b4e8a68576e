import type { Loyalty, Party } from '../../schemas/booking-event.js';
import type { ContactPoint } from '../../schemas/customer-event.js';
import { criteria, sameAddress, withContacts, type StoredProfile } from './customer-profile.js';
import type { CustomerKind } from './match/parties.js';

/** A customer as its rows in a file say it. */
export interface SaidInFile {
  readonly externalId: string;
  readonly source: string;
  readonly kind: CustomerKind;
  readonly party: Party;
  readonly profile: StoredProfile;
  readonly attributes: readonly { readonly name: string; /** Null: it has ended. */ readonly value: string | null; /** Null: always. */ readonly validFrom: string | null }[];
  readonly relations: readonly { readonly type: string; readonly externalId: string; readonly validFrom: string | null }[];
}

type FileRecord = Readonly<Record<string, unknown>>;

/** The rows of the customers file that say this customer, as NDJSON has them: one for who it is and what always holds, one for each day from which facts are other ones. */
export function customerRows({ externalId, source, kind, party, profile, attributes, relations }: SaidInFile): readonly FileRecord[] {
  const days = [...new Set([...attributes, ...relations].flatMap(({ validFrom }) => validFrom ?? []))].sort();
  const factsOf = (day: string | null): FileRecord => {
    const [held, belongs] = [attributes.filter(({ validFrom }) => validFrom === day), relations.filter(({ validFrom }) => validFrom === day)];
    return {
      ...Object.fromEntries(belongs.map(({ type, externalId: other }) => [type, other])),
      attributes: Object.fromEntries(held.flatMap(({ name, value }) => (value === null ? [] : [[name, value]]))),
      ended: held.flatMap(({ name, value }) => (value === null ? [name] : [])),
    };
  };
  const known = { externalId, source, kind };
  return [
    given({ ...known, ...partyFields(party), ...ownContacts(party, profile.contacts ?? []), ...profileFields(profile), ...factsOf(null) }),
    ...days.map((validFrom) => given({ ...known, ...factsOf(validFrom), validFrom })),
  ];
}

/** What a file has no place for: addresses behind the first one that are no contact points of the profile. */
export const hasMoreAddresses = ({ addresses }: Party, { contacts = [] }: StoredProfile): boolean =>
  (addresses ?? []).slice(1).some((address) => !(contacts ?? []).some((contact) => contact.address != null && sameAddress(contact.address, address)));

function partyFields({ salutation, title, givenName, familyName, fullName, companyName, birthDate, gender, language, nationality, addresses, vatId, loyalty }: Party): FileRecord {
  const { street, houseNumber, postalCode, city, region, country } = addresses?.[0] ?? {};
  return {
    salutation, title, givenName, familyName, fullName, companyName, birthDate, gender, language, nationality,
    street, houseNumber, postalCode, city, region, country, vatId, loyalty: (loyalty ?? []).map(loyaltyText),
  };
}

/** E-mail addresses and phone numbers without those that are further contact points with a label: these bring them along, so that they do not stand in a row twice. */
const ownContacts = ({ emails, phones }: Party, contacts: readonly ContactPoint[]): FileRecord => ({
  emails: ownValues(emails ?? [], labelled('email', contacts), (own) => withContacts({ emails: own }, contacts).emails),
  phones: ownValues(phones ?? [], labelled('phone', contacts), (own) => withContacts({ phones: own }, contacts).phones),
});

const labelled = (kind: string, contacts: readonly ContactPoint[]): readonly (string | null | undefined)[] => contacts.flatMap((point) => (point.kind === kind && point.label != null ? [point.value] : []));

/** The shortest beginning of a list from which reading makes all of it again, in the same order. */
function ownValues(values: readonly string[], further: readonly (string | null | undefined)[], read: (own: readonly string[]) => unknown): readonly string[] {
  const ends = values.findLastIndex((value) => !further.includes(value)) + 1;
  for (let length = ends; length < values.length; length++) if (JSON.stringify(read(values.slice(0, length))) === JSON.stringify(values)) return values.slice(0, length);
  return values;
}

const loyaltyText = ({ program, number }: Loyalty): string => `${program ?? ''}:${number ?? ''}`;

function profileFields(profile: StoredProfile): FileRecord {
  const { maritalStatus, debitorNumber, registerNumber, externalIds, contacts, ties = [], mailingBlock } = profile;
  const others = (wanted: string): readonly string[] => ties.flatMap(({ type, externalId }) => (type === wanted ? [externalId] : []));
  return {
    maritalStatus, debitorNumber, registerNumber, ...Object.fromEntries(criteria.map((field) => [field, profile[field]])), contacts,
    externalIds: (externalIds ?? []).map(({ source, externalId }) => `${source ?? ''}:${externalId ?? ''}`),
    family: ties.flatMap(({ type, role, externalId }) => (type === 'family' ? [`${role ?? ''}:${externalId}`] : [])),
    agency: others('agency'), branch: others('branch'), mediator: others('mediator'),
    ...(mailingBlock != null && { mailingBlockUntil: mailingBlock.until ?? 'always', mailingBlockReason: mailingBlock.reason }),
  };
}

/** Without what says nothing. */
const given = (record: FileRecord): FileRecord => Object.fromEntries(Object.entries(record).filter(([, value]) => value != null && value !== '' && JSON.stringify(value) !== '[]' && JSON.stringify(value) !== '{}'));
