import type { Consent } from '../../schemas/booking-event.js';
import type { CustomerEvent } from '../../schemas/customer-event.js';
import type { Instant } from '../../schemas/scalars.js';
import { familyRoles } from '../../schemas/customers-file.js';
import { customerFieldFault, nameFault, within, type Fault } from './field-rules.js';
import { externalKey, type Key } from './match/keys.js';
import { kindOf } from './match/parties.js';
import type { Rejection } from './rejection.js';

/** What a decoded customer event does wrong by the contract, the first thing found; null if nothing. @param receivedAt Kafka's timestamp; null: a file */
export function validateCustomerEvent(event: CustomerEvent, receivedAt: Instant | null): Rejection | null {
  const fault = customerFieldFault(event) ?? arrivalFault(event, receivedAt) ?? partyFault(event) ?? relationFault(event) ?? profileFault(event) ?? attributeFault(event) ?? consentFault(event);
  return fault === null ? null : { code: fault.code, reason: `${fault.path} ${fault.says}` };
}

const dayLength = 86_400_000;

/** A time far ahead would make every later event an older one. */
function arrivalFault({ updatedAt }: CustomerEvent, receivedAt: Instant | null): Fault | null {
  if (receivedAt === null || updatedAt <= receivedAt + dayLength) return null;
  return { code: 'TIME', path: 'updatedAt', says: `is ${new Date(updatedAt).toISOString()}, more than a day after the message arrived` };
}

function partyFault({ party }: CustomerEvent): Fault | null {
  if (party == null) return { code: 'REQUIRED', path: 'party', says: 'is missing: an event says all about its customer' };
  if (party.kind == null || party.kind === 'person' || party.kind === 'company') return null;
  return { code: 'REQUIRED', path: 'party.kind', says: 'is neither person nor company' };
}

function relationFault(event: CustomerEvent): Fault | null {
  const own = customerKey(event).kind === 'external' ? 'company' : 'parent';
  const seen = new Set<string>();
  for (const [index, { type, externalId, role }] of (event.relations ?? []).entries()) {
    const at = `relations[${index}]`;
    const problem = typeProblem(type, role, own);
    if (problem !== null) return { code: 'RELATION', path: `${at}.${problem.field}`, says: problem.says };
    const fault = nameFault(externalId);
    if (fault !== null) return within(at, within('externalId', fault));
    if (type !== 'company' && (type === 'parent' || type === 'family' || own === 'parent') && externalId?.trim() === event.externalId.trim()) return { code: 'RELATION', path: at, says: 'names the customer itself' };
    const place = type === own ? own : `${type ?? ''} ${externalId?.trim() ?? ''}`;
    if (seen.has(place)) return { code: 'RELATION', path: at, says: type === own ? `is a second ${own} for the same day` : 'is there twice' };
    seen.add(place);
  }
  return null;
}

function typeProblem(type: string | null | undefined, role: string | null | undefined, own: 'company' | 'parent'): { readonly field: string; readonly says: string } | null {
  if (type === own || type === 'agency' || type === 'branch' || type === 'mediator') return null;
  if (type === 'family' && own === 'company') return role == null || familyRoles.some((known) => known === role) ? null : { field: 'role', says: `must be one of ${familyRoles.join(', ')}` };
  if (type === 'company' || type === 'parent') return { field: 'type', says: own === 'company' ? 'must be company: that is what a person belongs to' : 'must be parent: that is what a company belongs to' };
  return { field: 'type', says: type === 'family' ? 'is for persons' : `must be ${own}, ${own === 'company' ? 'family, ' : ''}agency, branch or mediator` };
}

/** A contact point is an address, or a value of another kind; an id of another system says which. */
function profileFault({ profile }: CustomerEvent): Fault | null {
  for (const [index, { source, externalId }] of (profile?.externalIds ?? []).entries()) {
    const fault = nameFault(source) ?? nameFault(externalId);
    if (fault !== null) return within(`profile.externalIds[${index}]`, fault);
  }
  for (const [index, { kind, value, address }] of (profile?.contacts ?? []).entries()) {
    const path = `profile.contacts[${index}]`;
    if (kind !== 'email' && kind !== 'phone' && kind !== 'address') return { code: 'REQUIRED', path: `${path}.kind`, says: 'must be email, phone or address' };
    if (kind === 'address' ? address == null : nameFault(value) !== null) return { code: 'REQUIRED', path, says: kind === 'address' ? 'has no address' : 'has no value' };
  }
  return null;
}

function attributeFault({ attributes }: CustomerEvent): Fault | null {
  for (const name of Object.keys(attributes ?? {})) {
    const fault = nameFault(name);
    if (fault !== null) return within('attributes', { ...fault, says: `has a name that ${fault.says}` });
  }
  return null;
}

function consentFault(event: CustomerEvent): Fault | null {
  for (const { purpose, channel, given } of consentsOf(event)) {
    const fault = nameFault(purpose) ?? (channel == null ? null : nameFault(channel));
    if (fault !== null) return within('consents', { ...fault, says: `has a purpose or channel that ${fault.says}` });
    if (given == null) return { code: 'REQUIRED', path: 'consents', says: 'does not say whether it is given' };
  }
  return null;
}

/** What the customer is known by: the ids of companies and of persons are apart. */
export function customerKey({ source, externalId, party }: CustomerEvent): Key {
  return { kind: kindOf(party ?? {}) === 'company' ? 'external-company' : 'external', value: externalKey(source, externalId.trim()) };
}

/** The consents of the event and of its party. */
export const consentsOf = ({ party, consents }: CustomerEvent): readonly Consent[] => [...(consents ?? []), ...(party?.consents ?? [])];

/** How new what a source said is; between two of one moment the content decides, so that the order of arrival does not. */
export interface CustomerVersion {
  readonly updatedAt: Instant;
  /** Of the whole content. */
  readonly digest: string;
}

/** Below 0: the first is older; 0: they are the same. */
export function compareVersions(one: CustomerVersion, other: CustomerVersion): number {
  if (one.updatedAt !== other.updatedAt) return one.updatedAt - other.updatedAt;
  return one.digest < other.digest ? -1 : one.digest > other.digest ? 1 : 0;
}
