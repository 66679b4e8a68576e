import anyAscii from 'any-ascii';
import type { Address } from '../../../schemas/booking-event.js';
import { isFiller } from './junk.js';
import { slips } from './slips.js';

/** An address as compared: lower-case ASCII, the street without its kind (Str., Street); empty where nothing is known. */
export interface ComparableAddress {
  readonly street: string;
  /** Digits and letter: `5a`. */
  readonly number: string;
  readonly postalCode: string;
  readonly city: string;
}

/**
 * One joint witness: street, number, postal code and town of one address are not four.
 * house: street and number, and nothing against the town · street: street or number with the town · area: postal code · town: the town alone ·
 * different · unknown: at least one says nothing.
 */
export type AddressLevel = 'house' | 'street' | 'area' | 'town' | 'different' | 'unknown';

const streetKinds = new Set([
  'street', 'st', 'str', 'strasse', 'road', 'rd', 'avenue', 'ave', 'av', 'lane', 'ln', 'drive', 'dr', 'place', 'pl', 'crescent', 'cres', 'court', 'ct', 'close', 'circuit', 'way',
  'weg', 'platz', 'gasse', 'allee', 'rue', 'via', 'calle', 'terrace', 'parade', 'boulevard', 'blvd', 'square', 'sq',
]);

/** The addresses of somebody that say more than a country. */
export function comparableAddresses(addresses: readonly Address[] | null | undefined): readonly ComparableAddress[] {
  return (addresses ?? []).map(comparableAddress).filter(({ street, postalCode, city }) => street !== '' || postalCode !== '' || city !== '');
}

function comparableAddress({ street, houseNumber, postalCode, city }: Address): ComparableAddress {
  const line = wordsOf(street);
  const numbers = line.filter((word) => /^\d/.test(word));
  const own = wordsOf(houseNumber).join('');
  return {
    street: streetOf(own === '' ? line.filter((word) => !numbers.includes(word)) : line),
    number: own !== '' ? own : (numbers.at(-1) ?? ''),
    postalCode: (postalCode ?? '').replace(/[^\p{L}\p{N}]/gu, '').toLowerCase(),
    city: wordsOf(city).join(' '),
  };
}

function wordsOf(text: string | null | undefined): readonly string[] {
  if (text == null || isFiller(text.trim())) return [];
  return anyAscii(text).toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/** `hauptstr 5`, `Haupt Street` and `Hauptstraße` are the same street; a street that is nothing but its kind keeps it. */
function streetOf(words: readonly string[]): string {
  const bare = words.map((word) => word.replace(/(.{3,})str(?:asse)?$/, '$1')).filter((word) => !streetKinds.has(word));
  return (bare.length > 0 ? bare : words).join('');
}

const rank = { unknown: 0, different: 1, town: 2, area: 3, street: 4, house: 5 } as const satisfies Record<AddressLevel, number>;

/** The best level of any address of the one with any of the other. */
export function compareAddresses(ones: readonly ComparableAddress[], others: readonly ComparableAddress[]): AddressLevel {
  let best: AddressLevel = 'unknown';
  for (const one of ones) {
    for (const other of others) {
      const level = compareAddress(one, other);
      if (rank[level] > rank[best]) best = level;
    }
  }
  return best;
}

type Part = 'equal' | 'different' | 'unknown';

function compareAddress(one: ComparableAddress, other: ComparableAddress): AddressLevel {
  const street = compareText(one.street, other.street);
  const number = comparePart(one.number, other.number);
  const postalCode = comparePart(one.postalCode, other.postalCode);
  const city = compareText(one.city, other.city);
  const place = postalCode === 'equal' || city === 'equal';
  const elsewhere = !place && (postalCode === 'different' || city === 'different');
  if (street === 'equal' && number === 'equal' && !elsewhere) return 'house';
  if (place && (street === 'equal' || (number === 'equal' && street === 'different'))) return 'street';
  if (street === 'equal' && number === 'equal') return 'street';
  if (postalCode === 'equal') return 'area';
  if (city === 'equal') return 'town';
  return [street, postalCode, city].some((part) => part === 'different') ? 'different' : 'unknown';
}

const comparePart = (one: string, other: string): Part => (one === '' || other === '' ? 'unknown' : one === other ? 'equal' : 'different');

/** equal also with a slip of the hand, or where one is cut off. */
function compareText(one: string, other: string): Part {
  if (one === '' || other === '') return 'unknown';
  if (one === other) return 'equal';
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  if (short.length >= 6 && long.startsWith(short)) return 'equal';
  return short.length >= 4 && slips(one, other, short.length >= 8 ? 2 : 1) <= (short.length >= 8 ? 2 : 1) ? 'equal' : 'different';
}
