import type { Address, Booking, CorporateAccount, Party } from '../../../schemas/booking-event.js';

/** A customer can have several roles in one order; each is matched in its own right. */
export type Role = 'payer' | 'booker' | 'traveller' | 'corporate';

export type CustomerKind = 'person' | 'company';

/** What others than its source know a customer by. */
export interface CustomerNumbers {
  /** Of the accounts. */
  readonly debitorNumber?: string | null;
  /** Of a company in its register. */
  readonly registerNumber?: string | null;
}

/** Somebody in a booking. `position` is the traveller's id within the booking, empty for the other roles. */
export interface RoleParty extends CustomerNumbers {
  readonly role: Role;
  readonly position: string;
  readonly party: Party;
}

/**
 * Everybody a booking names: payer, booker, corporate account (as a company party, its id as external id), then the travellers in their order.
 * A reference of type `debitor` is the number in the accounts of the corporate account, else of the payer, else of the booker; one of type `register` the corporate account's in its register.
 */
export function partiesOf(booking: Booking): readonly RoleParty[] {
  const { payer, booker, corporateAccount, travellers } = booking;
  const [debitorNumber, registerNumber] = [referenceOf(booking, 'debitor'), referenceOf(booking, 'register')];
  const debtor: Role = corporateAccount != null ? 'corporate' : payer != null ? 'payer' : 'booker';
  const parties: RoleParty[] = [];
  const add = (role: Role, party: Party): void => { parties.push({ role, position: '', party, ...(role === debtor && debitorNumber !== undefined && { debitorNumber }), ...(role === 'corporate' && registerNumber !== undefined && { registerNumber }) }); };
  if (payer != null) add('payer', payer);
  if (booker != null) add('booker', booker);
  if (corporateAccount != null) add('corporate', companyOf(corporateAccount));
  for (const traveller of travellers ?? []) parties.push({ role: 'traveller', position: traveller.id, party: traveller });
  return parties;
}

/** Whom a booking names at a place; undefined where it names nobody there. */
export const partyIn = (booking: Booking | null, role: Role, position: string): RoleParty | undefined =>
  (booking === null ? [] : partiesOf(booking)).find((party) => party.role === role && party.position === position);

type IdentifyingReference = 'debitor' | 'register';

const referenceOf = (booking: Booking | null, wanted: IdentifyingReference): string | undefined =>
  booking?.references?.find(({ type }) => type?.trim().toLowerCase() === wanted)?.value ?? undefined;

function companyOf({ id, name, vatId }: CorporateAccount): Party {
  return { kind: 'company', externalId: id ?? null, companyName: name ?? null, vatId: vatId ?? null };
}

/** Person or company: what the party says, else a company where it names one and no person. */
export function kindOf(party: Party): CustomerKind {
  if (party.kind != null) return party.kind === 'company' ? 'company' : 'person';
  return party.companyName != null && party.familyName == null && party.givenName == null && party.fullName == null ? 'company' : 'person';
}

/**
 * True where both bookings name the same people by the same words, so that their links need not be decided again.
 * Compares what keys and decisions read (ids, names, birth dates, contacts, addresses, loyalty numbers, debitor and register number, corporate account); consents identify nobody.
 */
export function sameIdentity(before: Booking | null, after: Booking | null): boolean {
  if (before === after) return true;
  return (
    referenceOf(before, 'debitor') === referenceOf(after, 'debitor') &&
    referenceOf(before, 'register') === referenceOf(after, 'register') &&
    sameParty(before?.payer, after?.payer) &&
    sameParty(before?.booker, after?.booker) &&
    sameAccount(before?.corporateAccount, after?.corporateAccount) &&
    sameList(before?.travellers, after?.travellers, (one, other) => one.id === other.id && sameParty(one, other))
  );
}

const identityFields = [
  'kind', 'externalId', 'givenName', 'familyName', 'fullName', 'companyName', 'vatId', 'birthDate',
] as const satisfies readonly (keyof Party)[];

function sameParty(one: Party | null | undefined, other: Party | null | undefined): boolean {
  if (one === other) return true;
  for (const field of identityFields) {
    if ((one?.[field] ?? null) !== (other?.[field] ?? null)) return false;
  }
  return (
    sameList(one?.emails, other?.emails, Object.is) &&
    sameList(one?.phones, other?.phones, Object.is) &&
    sameList(one?.addresses, other?.addresses, sameAddress) &&
    sameList(one?.loyalty, other?.loyalty, (a, b) => (a.program ?? null) === (b.program ?? null) && (a.number ?? null) === (b.number ?? null))
  );
}

const addressFields = ['street', 'houseNumber', 'postalCode', 'city'] as const satisfies readonly (keyof Address)[];

const sameAddress = (one: Address, other: Address): boolean => addressFields.every((field) => (one[field] ?? null) === (other[field] ?? null));

function sameAccount(one: CorporateAccount | null | undefined, other: CorporateAccount | null | undefined): boolean {
  return (
    (one?.id ?? null) === (other?.id ?? null) &&
    (one?.name ?? null) === (other?.name ?? null) &&
    (one?.vatId ?? null) === (other?.vatId ?? null)
  );
}

function sameList<T>(one: readonly T[] | null | undefined, other: readonly T[] | null | undefined, same: (a: T, b: T) => boolean): boolean {
  if (one === other) return true;
  if ((one?.length ?? 0) !== (other?.length ?? 0)) return false;
  return one == null || other == null || one.every((item, index) => {
    const counterpart = other[index];
    return counterpart !== undefined && same(item, counterpart);
  });
}
