import anyAscii from 'any-ascii';
import type { Party } from '../../../schemas/booking-event.js';
import { isFillerName } from './junk.js';
import { isScrambled, slips } from './slips.js';

/** A person's name as compared: lower-case ASCII words without titles; empty where nothing is known. */
export interface PersonName {
  readonly given: readonly string[];
  /** Without particles (von, de la), unless nothing else is left. */
  readonly family: readonly string[];
  /** All words of the family name together, particles included: `vonderheide`. */
  readonly familyWhole: string;
}

export type NameFields = Pick<Party, 'givenName' | 'familyName' | 'fullName'>;

/**
 * equal · swapped: given and family name change places · compatible: one has further words (second given name, double name) ·
 * initial: one has only the first letter · near: a typing slip or cut off · different · unknown: at least one says nothing.
 */
export type NameLevel = 'equal' | 'swapped' | 'compatible' | 'initial' | 'near' | 'different' | 'unknown';

const titles = new Set([
  'mr', 'mrs', 'ms', 'miss', 'mstr', 'master', 'mister', 'herr', 'hr', 'frau', 'fr', 'fraulein', 'dr', 'drs', 'prof', 'professor', 'dipl', 'ing', 'mag',
  'sir', 'madam', 'mme', 'mlle', 'monsieur', 'madame', 'sig', 'signor', 'signora', 'sra', 'srta', 'dhr', 'mevr', 'med', 'phil', 'jur', 'rer', 'nat',
  'chd', 'inf', 'adt', 'ins', 'yth',
]);

const particles = new Set([
  'von', 'van', 'vom', 'der', 'den', 'dem', 'de', 'zu', 'zum', 'zur', 'la', 'le', 'los', 'las', 'di', 'da', 'del', 'della', 'dos', 'das', 'do', 'du', 'des',
  'el', 'al', 'bin', 'ibn', 'af', 'av', 'ten', 'ter', 'te', 'und', 'y', 'e',
]);

/** Titles that reservation systems glue to the given name: `ANNAMRS`. MS is not among them: it would cut Adams and Williams. */
const gluedTitle = /^(\p{L}{2,}?)(?:MRS|MSTR|MISS|MR)$/u;

/**
 * The words of a name in one spelling: ASCII, lower-case, ae/oe/ue of longer words as a/o/u, so that Müller = Mueller = MULLER.
 * Words of four letters and less keep them: Xue and Xu are two names.
 */
export function wordsOf(text: string): readonly string[] {
  const ascii = isAscii(text) ? text : anyAscii(text);
  const words = ascii.toLowerCase().replace(/['`]/g, '').match(/[a-z]+/g) ?? [];
  return words.map((word) => (word.length > 4 ? word.replace(/([aou])e/g, '$1') : word));
}

const isAscii = (text: string): boolean => /^[ -~]*$/.test(text);

const noWords: readonly string[] = [];

/** Reads the name of a party: its two fields, else its full name in the order of reservation systems (`MUELLER/ANNA MRS`), of lists (`Müller, Anna`) or of speech. */
export function nameOf(party: NameFields): PersonName {
  const given = textOf(party.givenName);
  const family = textOf(party.familyName);
  if (given === '' && family.includes('/')) return nameOfText(family);
  if (given === '' && family === '') return nameOfText(textOf(party.fullName));
  if (given === '' || family === '') {
    const whole = nameOfText(textOf(party.fullName));
    const known = nameFrom(given, family);
    return { given: given === '' ? whole.given : known.given, ...(family === '' ? familyFrom(whole) : familyFrom(known)) };
  }
  return nameFrom(given, family);
}

const familyFrom = ({ family, familyWhole }: PersonName): Pick<PersonName, 'family' | 'familyWhole'> => ({ family, familyWhole });

export function textOf(text: string | null | undefined): string {
  const trimmed = text?.trim() ?? '';
  return isFillerName(trimmed) ? '' : trimmed;
}

function nameOfText(text: string): PersonName {
  if (text === '') return { given: noWords, family: noWords, familyWhole: '' };
  const slash = text.indexOf('/');
  if (slash >= 0) return nameFrom(text.slice(slash + 1).replace(/[(*/].*$/, ''), text.slice(0, slash));
  const comma = text.indexOf(',');
  if (comma >= 0) return nameFrom(text.slice(comma + 1), text.slice(0, comma));
  const words = text.split(/\s+/).filter((word) => !titles.has(word.toLowerCase().replace('.', '')));
  let start = words.length - 1;
  while (start > 1 && particles.has((words[start - 1] ?? '').toLowerCase())) start -= 1;
  return words.length < 2 ? nameFrom('', text) : nameFrom(words.slice(0, start).join(' '), words.slice(start).join(' '));
}

function nameFrom(given: string, family: string): PersonName {
  const familyWords = withoutTitles(wordsOf(family));
  const core = familyWords.filter((word) => !particles.has(word));
  return {
    given: withoutTitles(wordsOf(given.replace(/\S+/g, (word) => gluedTitle.exec(word)?.[1] ?? word))),
    family: core.length > 0 ? core : familyWords,
    familyWhole: familyWords.join(''),
  };
}

function withoutTitles(words: readonly string[]): readonly string[] {
  const rest = words.filter((word) => !titles.has(word));
  return rest.length > 0 ? rest : noWords;
}

/** Compares two names; the levels of given and family name. */
export function compareNames(one: PersonName, other: PersonName): { readonly givenName: NameLevel; readonly familyName: NameLevel } {
  const family = compareFamilyNames(one, other);
  const given = compareGivenNames(one.given, other.given);
  const differ = family === 'different' || given === 'different';
  return differ && isSwapped(one, other) ? { givenName: 'swapped', familyName: 'swapped' } : { givenName: given, familyName: family };
}

/** Given and family name change places; one of them may have a slip of the hand. */
function isSwapped(one: PersonName, other: PersonName): boolean {
  if (one.given.length === 0 || other.given.length === 0 || one.familyWhole === '' || other.familyWhole === '') return false;
  const crossed = [[one.given.join(''), other.familyWhole], [other.given.join(''), one.familyWhole]] as const;
  const equal = crossed.filter(([a, b]) => a === b).length;
  return equal === 2 || (crossed.every(([a, b]) => a === b || (isSlip(a.length < b.length ? a : b, a.length < b.length ? b : a))));
}

function compareFamilyNames(one: PersonName, other: PersonName): NameLevel {
  if (one.familyWhole === '' || other.familyWhole === '') return 'unknown';
  const [a, b] = [one.family.join(''), other.family.join('')];
  if (one.familyWhole === other.familyWhole || a === b) return 'equal';
  if (isPart(one.family, other.family)) return 'compatible';
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  if (short.length >= 6 && long.startsWith(short)) return 'near';
  const distance = slips(a, b, 2);
  return (short.length >= 5 && distance <= 1) || (short.length >= 9 && distance <= 2) || isScrambled(a, b, 2) ? 'near' : 'different';
}

function compareGivenNames(one: readonly string[], other: readonly string[]): NameLevel {
  if (one.length === 0 || other.length === 0) return 'unknown';
  const [a, b] = [one.join(''), other.join('')];
  if (a === b) return 'equal';
  if (isPart(one, other)) return 'compatible';
  if (isInitial(one, other) || isInitial(other, one)) return 'initial';
  if (one[0] === other[0]) return 'near';
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  if (isGenderPair(short, long)) return 'different';
  if (short.length >= 3 && long.length >= short.length + 2 && long.startsWith(short)) return 'near';
  return isSlip(short, long) ? 'near' : 'different';
}

function isSlip(short: string, long: string): boolean {
  if (short.length === 3 && long.length === 4) return short[0] === long[0] && slips(short, long, 1) <= 1; // Ran for Ryan
  const allowed = short.length >= 6 ? 2 : short.length >= 4 ? 1 : 0;
  return slips(short, long, allowed) <= allowed || isScrambled(short, long, 1);
}

/** Daniel and Daniela, Christian and Christiane, Mario and Maria are brother and sister, not a slip of the hand. */
function isGenderPair(short: string, long: string): boolean {
  if (long === `${short}a` || long === `${short}e` || long === `${short}in`) return true;
  return short.length === long.length && short.slice(0, -1) === long.slice(0, -1) && /[oae]$/.test(short) && /[oae]$/.test(long);
}

function isPart(one: readonly string[], other: readonly string[]): boolean {
  const [fewer, more] = one.length <= other.length ? [one, other] : [other, one];
  const words = new Set(more);
  return fewer.every((word) => word.length > 1 && words.has(word));
}

/** `a` or `a m` for `anna maria`: letters only, in order. */
function isInitial(letters: readonly string[], words: readonly string[]): boolean {
  return letters.length <= words.length && letters.every((letter, index) => letter === (words[index] ?? '') || (letter.length === 1 && (words[index] ?? '').startsWith(letter)));
}
