import type { Address, Party } from '../../schemas/booking-event.js';
import type { ContactPoint, CustomerEvent, CustomerProfile, CustomerRelation } from '../../schemas/customer-event.js';
import { externalKey, type Key } from './match/keys.js';
import type { CustomerKind } from './match/parties.js';
import { contactsOf, isGiven, type Contact } from './match/new-customer.js';

/** Whom a customer belongs to besides its company: nothing is rated by it. Family are persons, all others companies, of the same source. */
export interface Tie {
  readonly type: 'family' | 'agency' | 'branch' | 'mediator';
  readonly externalId: string;
  /** Of family: who the other one is to the customer. */
  readonly role?: string;
}

/** What is kept of a customer beyond who it is, as it was said; without empty fields. */
export interface StoredProfile extends CustomerProfile {
  readonly ties?: readonly Tie[];
}

/** What marketing may choose customers by. */
export const criteria = ['interests', 'hobbies', 'wishes', 'destinations', 'accommodation'] as const satisfies readonly (keyof CustomerProfile)[];

/** Every field of a profile. */
export const profileFields = ['maritalStatus', 'debitorNumber', 'registerNumber', ...criteria, 'externalIds', 'contacts', 'mailingBlock', 'ties'] as const satisfies readonly (keyof StoredProfile)[];

const tieTypes = ['family', 'agency', 'branch', 'mediator'] as const satisfies readonly Tie['type'][];

/** A profile without what says nothing, neither as a whole nor within its lists; ties in the order of their types, as a file has them. */
export function storedProfile({ ties, ...others }: StoredProfile): StoredProfile {
  const profile = { ...others, ties: tieTypes.flatMap((type) => (ties ?? []).filter((tie) => tie.type === type)) };
  return Object.fromEntries(profileFields.flatMap((field) => {
    const value: unknown = profile[field] == null ? null : JSON.parse(JSON.stringify(profile[field], (_, each: unknown) => each ?? undefined) ?? 'null');
    return isGiven(value) ? [[field, value]] : [];
  }));
}

export const isTie = (relation: CustomerRelation): boolean => relation.type !== 'company' && relation.type !== 'parent';

/** The profile that an event says. */
export function profileOfEvent({ profile, relations }: CustomerEvent): StoredProfile {
  const ties = (relations ?? []).filter(isTie).map(({ type, externalId, role }) => (
    { type: type as Tie['type'], externalId: externalId?.trim() ?? '', ...(role != null && { role }) }));
  return storedProfile({ ...profile, ties });
}

/** The keys by which other systems know a customer. */
export const foreignKeys = ({ externalIds }: StoredProfile, kind: CustomerKind): readonly Key[] => (externalIds ?? []).flatMap(({ source, externalId }) => (
  source == null || externalId == null ? [] : [{ kind: kind === 'company' ? 'external-company' : 'external', value: externalKey(source.trim(), externalId.trim()) }]));

/** The key by which the other one of a tie is known, or will be. */
export const tieKey = ({ type, externalId }: Tie, source: string): Key => ({ kind: type === 'family' ? 'external' : 'external-company', value: externalKey(source, externalId) });

/**
 * The party with the contact points of a profile, by which its customer is found like by any other.
 * @param gone contact points of the profile before: those that are said no more are left out
 */
export function withContacts(party: Party, contacts: readonly ContactPoint[], gone: readonly ContactPoint[] = []): Party {
  const values = (kind: string, points: readonly ContactPoint[]): readonly string[] => points.flatMap((point) => (point.kind === kind && point.value != null ? [point.value] : []));
  const texts = (kind: string, known: readonly string[] = []): readonly string[] => {
    const said = values(kind, contacts);
    return [...new Set([...known.filter((value) => said.includes(value) || !values(kind, gone).includes(value)), ...said])];
  };
  const places = addressesOf(contacts);
  const left = addressesOf(gone).filter((place) => !places.some((other) => sameAddress(place, other)));
  const known = (party.addresses ?? []).filter((place) => !left.some((other) => sameAddress(place, other)));
  return {
    ...party,
    emails: texts('email', party.emails ?? []), phones: texts('phone', party.phones ?? []),
    addresses: [...known, ...places.filter((place) => !known.some((other) => sameAddress(place, other)))],
  };
}

const addressesOf = (contacts: readonly ContactPoint[]): readonly Address[] => contacts.flatMap(({ kind, address }) => (kind === 'address' && address != null ? [address] : []));

const addressFields = ['street', 'houseNumber', 'postalCode', 'city', 'region', 'country'] as const satisfies readonly (keyof Address)[];

/** Whether two addresses say the same. */
export const sameAddress = (one: Address, other: Address): boolean => addressFields.every((field) => (one[field] ?? '') === (other[field] ?? ''));

/** Every contact point of the master data, each once, with what its source knows of it. @param country what national phone numbers are read with */
export function masterContacts(party: Party, contacts: readonly ContactPoint[], source: string, country: string | null): readonly Contact[] {
  const known = new Map(contacts.flatMap((point) => contactsOf(partyOfPoint(point), country).map((contact) => [`${contact.kind} ${contact.value}`, point] as const)));
  return contactsOf(party, country).map((contact) => {
    const point = known.get(`${contact.kind} ${contact.value}`);
    return { ...contact, source, label: point?.label ?? null, verified: point?.verified === true, consentHint: point?.consentHint ?? null };
  });
}

function partyOfPoint({ kind, value, address }: ContactPoint): Party {
  if (kind === 'address') return address == null ? {} : { addresses: [address] };
  return value == null ? {} : kind === 'email' ? { emails: [value] } : { phones: [value] };
}
