import type { Party } from '../../../schemas/booking-event.js';
import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/core';
import metadata from 'libphonenumber-js/min/metadata';
import { alpha2Country } from '../countries.js';
import { fillerMailboxes, portalDomains, roleAccounts } from './junk.js';

/** An address as people write it, with or without a name around it; quoted local parts and address literals are not read. */
const address = /^(?:mailto:|[^<>]*<)?([^\s<>@"(),:;]+)@([\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+)>?$/iu;

/** The e-mail address in lower case, without the name around it; undefined where there is none. */
export function emailOf(text: string): string | undefined {
  const parts = text.length <= 320 ? address.exec(text.trim()) : null;
  return parts === null ? undefined : `${parts[1]}@${parts[2]}`.normalize('NFC').toLowerCase();
}

/**
 * What an e-mail address is found by: lower case, without plus tag, for Google's without dots.
 * Undefined for aliases of portals, role accounts and fillers: they belong to nobody, or to everybody.
 */
export function emailKeyOf(text: string): string | undefined {
  const email = emailOf(text);
  if (email === undefined) return undefined;
  const at = email.lastIndexOf('@');
  const domain = email.slice(at + 1);
  const mailbox = withoutTag(email.slice(0, at));
  if (roleAccounts.has(mailbox) || isFillerMailbox(mailbox, domain) || isPortal(domain)) return undefined;
  return domain === 'gmail.com' || domain === 'googlemail.com' ? `${mailbox.replaceAll('.', '')}@gmail.com` : `${mailbox}@${domain}`;
}

function withoutTag(mailbox: string): string {
  const plus = mailbox.indexOf('+');
  return plus > 0 ? mailbox.slice(0, plus) : mailbox;
}

function isPortal(domain: string): boolean {
  return portalDomains.some((portal) => domain.endsWith(portal) && (domain.length === portal.length || domain[domain.length - portal.length - 1] === '.'));
}

/** `none@none.de`, `xx@xx.de`, `test@…`. */
function isFillerMailbox(mailbox: string, domain: string): boolean {
  return fillerMailboxes.has(mailbox) || /^(.)\1+$/su.test(mailbox) || domain === 'none.com' || domain === 'test.com' || domain === 'noemail.com';
}

const remembered = new Map<string, string>();
const mostRemembered = 20_000;

/**
 * The E.164 form (`+4930123456`) of a phone number; undefined where it is none, or is national and no country says whose.
 * Results are remembered (reading one costs some 10 µs): the answer for the same text and country never changes.
 *
 * @param country ISO 3166 alpha-2 or alpha-3: what national numbers are read with
 */
export function phoneOf(text: string, country: string | null): string | undefined {
  if (text.length > 40) return undefined;
  const question = `${country ?? ''} ${text}`;
  let answer = remembered.get(question);
  if (answer === undefined) {
    answer = readPhone(text, country) ?? '';
    if (remembered.size >= mostRemembered) remembered.clear();
    remembered.set(question, answer);
  }
  return answer === '' ? undefined : answer;
}

/** The digits of a phone number (E.164) behind the prefix of its country; undefined where it is none. */
export const nationalDigits = (e164: string): string | undefined => parsePhoneNumberFromString(e164, { extract: false }, metadata)?.nationalNumber;

/** The same of a number that a party names: read with the country of its own address, if it has one there, else with the one given. */
export const phoneOfParty = ({ addresses }: Pick<Party, 'addresses'>, text: string, country: string | null): string | undefined =>
  phoneOf(text, addresses?.[0]?.country ?? country) ?? phoneOf(text, country);

const isCountry = (text: string): text is CountryCode => Object.hasOwn(metadata.countries, text);

function readPhone(text: string, country: string | null): string | undefined {
  const alpha2 = country === null ? '' : alpha2Country(country.toUpperCase());
  const region = isCountry(alpha2) ? alpha2 : undefined;
  const phone = parsePhoneNumberFromString(text, { extract: false, ...(region === undefined ? {} : { defaultCountry: region }) }, metadata);
  return phone?.isValid() === true && !/(\d)\1{5,}$/.test(phone.number) ? phone.number : undefined;
}
