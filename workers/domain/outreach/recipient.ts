import type { Booking, Party } from '../../../schemas/booking-event.js';

export type Language = 'de' | 'en';

/** Who gets a message: resolved when it is claimed, never stored with it. */
export interface Recipient {
  readonly email: string;
  readonly name: string | null;
  readonly language: Language;
  /** Null: the address is the booking's. */
  readonly customerId: string | null;
}

/** The customer that the order is linked to; `emails` are the contacts, the best first. */
export interface LinkedCustomer {
  readonly id: string;
  readonly party: Party;
  readonly emails: readonly string[];
  /** E-mail addresses of the customer that reach nobody. */
  readonly undeliverable: readonly string[];
}

/**
 * A linked customer is written to at the address of the CRM, but never at one that is known to reach nobody. While the link is in review or there is none, and where the CRM knows no address,
 * the message goes to the booker's address in the booking, else to the payer's. Null: there is no address.
 */
export function resolveRecipient(customer: LinkedCustomer | null, booking: Booking | null): Recipient | null {
  const parties = [booking?.booker, booking?.payer].filter((party) => party != null);
  const language = languageOf([customer?.party, ...parties].map((party) => party?.language));
  const dead = new Set(customer?.undeliverable);
  const reachable = (emails: readonly string[]): readonly string[] => (dead.size === 0 ? emails : emails.filter((email) => !dead.has(email.trim().toLowerCase())));
  const known = customer === null ? undefined : firstAddress(reachable([...(customer.party.emails ?? []), ...customer.emails]));
  if (customer !== null && known !== undefined) return { email: known, name: nameOf(customer.party), language, customerId: customer.id };
  for (const party of parties) {
    const email = firstAddress(reachable(party.emails ?? []));
    if (email !== undefined) return { email, name: nameOf(customer?.party ?? party), language, customerId: customer?.id ?? null };
  }
  return null;
}

/** Can this be written to? One address, without spaces, list separators or line breaks: whatever else stands there never becomes a second recipient or a header. */
export const isAddress = (text: string): boolean => /^[^\s@<>(),;:\\"[\]\p{Cc}]{1,64}@[^\s@<>(),;:\\"[\]\p{Cc}]{1,255}$/u.test(text);

function firstAddress(emails: readonly string[]): string | undefined {
  const present = emails.map((email) => email.trim()).filter((email) => email !== '');
  return present.find(isAddress) ?? present[0];
}

function languageOf(languages: readonly (string | null | undefined)[]): Language {
  const first = languages.find((language) => language != null && language.trim() !== '');
  return /^(de|ger)/i.test(first?.trim() ?? '') ? 'de' : 'en';
}

function nameOf(party: Party): string | null {
  const personal = [party.title, party.givenName, party.familyName].filter((part) => part != null && part.trim() !== '').join(' ');
  return personal !== '' ? personal : party.companyName ?? party.fullName ?? null;
}
