import { compareBirthDates, type BirthDateLevel } from './birth-date.js';
import { judgeCompany } from './companies.js';
import { nameOfKey, type Candidate, type CandidateParty } from './candidates.js';
import type { Key, KeyKind, MatchKey } from './keys.js';
import { mostBits, probabilityOf, rounded, weigh, type Evidence, type Frequencies, type Levels, type MatchModel } from './model.js';
import { kindOf, type CustomerKind, type RoleParty } from './parties.js';
import { compareProfiles, knownFields, misreadNumber, profileOf, type Profile } from './profile.js';

/** What no score outvotes: such a candidate is linked by a person or not at all. */
export type Veto =
  /** The given names are clearly others, and no id agrees. */
  | 'given-name'
  /** The birth dates differ by more than a slip of the hand, and no id with the whole name agrees. */
  | 'birth-date'
  /** Nothing tells which one of the household it is: the given name does not agree in full, nor the birth date, nor an id. */
  | 'household'
  /** Two numbers of one loyalty programme, and no birth date agrees. */
  | 'other-id'
  /** The customer is deactivated. */
  | 'inactive';

/** A customer that was looked at. excluded: certainly somebody else. */
export interface JudgedCandidate {
  readonly customerId: string;
  readonly rootId: string;
  readonly verdict: 'link' | 'review' | 'excluded';
  /** In plain words: what decided. */
  readonly reason: string;
  readonly weightBits: number;
  readonly vetoes: readonly Veto[];
  /** Fields and levels; no personal data. */
  readonly evidence: readonly Evidence[];
}

export interface MatchDecision {
  readonly decision: 'link' | 'review' | 'new' | 'none';
  /** The leaf customer that is linked; null for review, new (the draft has the id) and none. */
  readonly customerId: string | null;
  /** Of the linked customer, or of the best candidate; empty where there is none. */
  readonly evidence: readonly Evidence[];
  readonly vetoes: readonly Veto[];
  /** Of the best candidate; null where nobody was looked at. */
  readonly weightBits: number | null;
  /** What it has before the next customer; null where there is none. */
  readonly marginBits: number | null;
  readonly candidates: readonly JudgedCandidate[];
  /** Nobody else could change it who shares none of the strong keys: they need not be looked for. */
  readonly settled: boolean;
}

const nobody: MatchDecision = { decision: 'none', customerId: null, evidence: [], vetoes: [], weightBits: null, marginBits: null, candidates: [], settled: false };

/** What a decision asks of everybody who was found. */
export interface Lookup {
  readonly candidates: readonly Candidate[];
  /** How many customers have the key, as far as they were read. */
  readonly usersOf: (key: Key) => number;
  /** From `populationOf`. */
  readonly population: number;
}

/**
 * Who is it? Deterministic, the same for any order of candidates:
 *
 * 1. Each candidate is compared field by field, and weighed in bits by the model. Vetoes, ids that agree and the thresholds make of that: link, review or excluded.
 * 2. Ids outrank all else. Then the best decides, if it has enough before the next one who may be meant; the leaves of one person are one.
 * 3. Without a link: review if anybody is to be looked at, else new with a strong key, else none.
 *
 * @param keys those of the party, without overflowed ones
 */
export function decideMatch(model: MatchModel, roleParty: RoleParty, keys: readonly MatchKey[], lookup: Lookup): MatchDecision {
  if (keys.length === 0) return nobody;
  if (lookup.candidates.length === 0) return withoutCandidate(keys);
  const judged = judgeAll(model, roleParty, keys, lookup).sort(bestFirst);
  const shownCandidates = distinctCustomers(judged).map(shown);
  const chosen = choose(model, judged);
  const best = chosen ?? judged.find(({ verdict }) => verdict !== 'excluded');
  const next = best === undefined ? undefined : rivalOf(best, judged);
  const told = best === undefined ? {} : {
    evidence: best.evidence, vetoes: best.vetoes, weightBits: best.weightBits, marginBits: next === undefined ? null : rounded(best.weightBits - next.weightBits),
  };
  if (chosen !== undefined) return { ...nobody, ...told, decision: 'link', customerId: chosen.customerId, candidates: shownCandidates, settled: isSettled(model, roleParty, lookup.population, chosen, next) };
  if (best !== undefined) return { ...nobody, ...told, decision: 'review', candidates: shownCandidates };
  return { ...withoutCandidate(keys), candidates: shownCandidates };
}

const withoutCandidate = (keys: readonly MatchKey[]): MatchDecision => ({ ...nobody, decision: keys.some(({ strong }) => strong) ? 'new' : 'none' });

/** The probability of a decision: that of its best candidate; of nobody, that it is nobody known. */
export const probabilityOfDecision = ({ weightBits }: MatchDecision): number => (weightBits === null ? 0 : Math.round(probabilityOf(weightBits) * 1_000_000) / 1_000_000);

interface Judged extends JudgedCandidate {
  /** An id agrees: it is not asked how much more than the next. */
  readonly identified: boolean;
  /** It rests on an e-mail address alone, without a name. */
  readonly byAddressAlone: boolean;
  readonly emailAgrees: boolean;
  readonly birthDate: BirthDateLevel;
}

const shown = ({ customerId, rootId, verdict, reason, weightBits, vetoes, evidence }: Judged): JudgedCandidate => ({ customerId, rootId, verdict, reason, weightBits, vetoes, evidence });

/** Of the ways in which a customer has been seen the one that agrees best. */
const distinctCustomers = (judged: readonly Judged[]): readonly Judged[] => [...new Map(judged.toReversed().map((one) => [one.customerId, one])).values()].reverse();

const bestFirst = (one: Judged, other: Judged): number => other.weightBits - one.weightBits || compareText(one.customerId, other.customerId);

/** Ids are whole numbers as text; those of drafts are words. */
const compareText = (one: string, other: string): number => one.length - other.length || (one < other ? -1 : one > other ? 1 : 0);

function choose(model: MatchModel, judged: readonly Judged[]): Judged | undefined {
  const links = judged.filter(({ verdict }) => verdict === 'link');
  const identified = links.filter((link) => link.identified);
  if (identified.length > 0) return oneOf(identified);
  const [best] = links;
  if (best === undefined) return undefined;
  if (best.byAddressAlone) return roots(judged.filter(({ emailAgrees }) => emailAgrees)) === 1 ? best : undefined;
  const rival = rivalOf(best, judged);
  return rival === undefined || best.weightBits - rival.weightBits >= model.margin ? best : oneOf(links.filter(({ birthDate }) => birthDate === 'equal'), rival);
}

/** An id outranks whoever shares none. Else the choice has to lie by the margin above the next, and above whatever could be found by weak keys alone: companies may be found by anything. */
function isSettled(model: MatchModel, { party, role }: RoleParty, population: number, chosen: Judged, next: Judged | undefined): boolean {
  if (chosen.identified) return true;
  if (role === 'corporate' || kindOf(party) === 'company') return false;
  const others = Math.max(mostBits(model, knownFields(readProfile(party)), population), next?.weightBits ?? -Infinity);
  return chosen.weightBits - others >= Math.max(model.margin, 0.01);
}

/** The best of these where they are one person, or where one alone has the same birth date. */
function oneOf(links: readonly Judged[], besides?: Judged): Judged | undefined {
  if (roots(links) === 1 && (besides === undefined || besides.birthDate !== 'equal')) return links[0];
  const sameDay = links.filter(({ birthDate }) => birthDate === 'equal');
  return roots(sameDay) === 1 ? sameDay[0] : undefined;
}

/** The next best who may be meant: another person, of whom no given name says that it is not the same. */
const rivalOf = (best: Judged, judged: readonly Judged[]): Judged | undefined =>
  judged.find(({ rootId, verdict, vetoes }) => rootId !== best.rootId && verdict !== 'excluded' && !vetoes.includes('given-name') && !vetoes.includes('birth-date'));

const roots = (judged: readonly Judged[]): number => new Set(judged.map(({ rootId }) => rootId)).size;

function judgeAll(model: MatchModel, roleParty: RoleParty, keys: readonly MatchKey[], { candidates, usersOf, population }: Lookup): Judged[] {
  const kind: CustomerKind = roleParty.role === 'corporate' ? 'company' : kindOf(roleParty.party);
  const own = new Map(keys.map((key) => [nameOfKey(key), key]));
  const judge = kind === 'company' ? companyJudge(roleParty) : personJudge(model, roleParty, keys, usersOf, population);
  return candidates.map((candidate): Judged => {
    const by = new Set(candidate.keys.flatMap((key) => own.get(nameOfKey(key))?.kind ?? []));
    if (candidate.kind !== kind) return judgedAs(candidate, by, excluded('a person is no company'), { bits: 0, evidence: [{ field: 'kind', level: 'different', bits: 0 }] });
    const judged = judge(candidate, by);
    return candidate.inactive === true && judged.verdict === 'link' ? { ...judged, ...review('the customer is deactivated'), vetoes: ['inactive'] } : judged;
  });
}

interface Verdict {
  readonly verdict: JudgedCandidate['verdict'];
  readonly reason: string;
  readonly identified?: boolean;
  readonly byAddressAlone?: boolean;
  readonly vetoes?: readonly Veto[];
}

const review = (reason: string, vetoes: readonly Veto[] = []): Verdict => ({ verdict: 'review', reason, vetoes });
const excluded = (reason: string, vetoes: readonly Veto[] = []): Verdict => ({ verdict: 'excluded', reason, vetoes });
const identified: Verdict = { verdict: 'link', reason: 'an id agrees', identified: true };

function judgedAs(candidate: Candidate, by: ReadonlySet<KeyKind>, verdict: Verdict, weight: ReturnType<typeof weigh>, birthDate: BirthDateLevel = 'unknown'): Judged {
  return {
    customerId: candidate.customerId, rootId: candidate.rootId, verdict: verdict.verdict, reason: verdict.reason, weightBits: weight.bits,
    vetoes: verdict.vetoes ?? [], evidence: weight.evidence, identified: verdict.identified ?? false, byAddressAlone: verdict.byAddressAlone ?? false,
    emailAgrees: by.has('email'), birthDate,
  };
}

type Judge = (candidate: Candidate, by: ReadonlySet<KeyKind>) => Judged;

/** Everybody is read once, however often they are compared. */
const profiles = new WeakMap<CandidateParty, Profile>();

function readProfile(party: CandidateParty): Profile {
  let profile = profiles.get(party);
  if (profile === undefined) profiles.set(party, (profile = profileOf(party)));
  return profile;
}

function personJudge(model: MatchModel, { party }: RoleParty, keys: readonly MatchKey[], usersOf: Lookup['usersOf'], population: number): Judge {
  const own = readProfile(party);
  const users = (kind: KeyKind): number => Math.min(...keys.filter((key) => key.kind === kind).map(usersOf).filter((count) => count > 0));
  const [emailUsers, phoneUsers] = [users('email'), users('phone')].map((count) => (Number.isFinite(count) ? count : 1));
  const frequencies: Frequencies = { givenName: own.name.given.join(' '), familyName: own.name.family.join(' '), emailUsers: emailUsers ?? 1, phoneUsers: phoneUsers ?? 1 };
  const nameless = own.name.given.length === 0 && own.name.family.length === 0;
  return (candidate, by) => {
    const known = readProfile(candidate.party);
    const levels = compareProfiles(own, known, by);
    const weight = weigh(model, levels, frequencies, population);
    const besides = { namelessByEmail: nameless && by.has('email'), emailTells: by.has('email') && namesOwner(own, known), idMisread: misreadNumber(own, known) };
    return judgedAs(candidate, by, personVerdict(model, levels, weight.bits, besides), weight, compareBirthDates(own.birthDates, known.birthDates));
  };
}

const agrees = (level: string | undefined): boolean => level === 'equal' || level === 'compatible' || level === 'swapped';

/** What an e-mail address that agrees, and a number that nearly does, say besides. */
interface Besides {
  readonly namelessByEmail: boolean;
  /** The address names its owner: whose it is, is told. */
  readonly emailTells: boolean;
  /** The number is the same, written down wrongly; not one of a family's. */
  readonly idMisread: boolean;
}

/** One of them has no given name, and the address that both have holds the given name of the other one: `jessica.miller@` is Jessica's, whoever else of the Millers there is. */
function namesOwner(own: Profile, known: Profile): boolean {
  const [given] = [...own.name.given, ...known.name.given];
  const emails = new Set(known.emails);
  return given !== undefined && given.length >= 4 && own.emails.some((email) => emails.has(email) && email.slice(0, email.lastIndexOf('@')).includes(given));
}

function personVerdict(model: MatchModel, levels: Levels, bits: number, besides: Besides): Verdict {
  const { givenName, familyName, birthDate, id, email, phone } = levels;
  const sameId = id === 'equal';
  if (givenName === 'different' && familyName === 'different' && !sameId && birthDate !== 'equal') return excluded('another name: a contact or address that two people share', ['given-name']);
  if (givenName === 'different' && id === 'different') return excluded('another given name and another number of the same loyalty programme: somebody of the household at most', ['given-name']);
  const vetoes = vetoesOf(levels, besides);
  if (sameId) return vetoes.length === 0 ? identified : review(vetoText(vetoes), vetoes);
  if (vetoes.length === 0 && bits >= model.link) return { verdict: 'link', reason: 'what agrees proves it' };
  if (vetoes.length === 0 && besides.namelessByEmail && birthDate !== 'near' && birthDate !== 'close') return { verdict: 'link', reason: 'the e-mail address is that of one customer alone', byAddressAlone: true };
  // A contact of somebody with a like name is for a person to look at, however little it proves.
  const shared = (email === 'equal' || phone === 'equal') && givenName !== 'different';
  if (bits < model.review && !shared) return excluded('too little agrees', vetoes);
  return review(vetoes.length > 0 ? vetoText(vetoes) : 'likely, but not certain', vetoes);
}

function vetoesOf({ givenName, familyName, birthDate, id, email, address }: Levels, { emailTells, idMisread }: Besides): readonly Veto[] {
  const vetoes: Veto[] = [];
  const sameDay = birthDate === 'equal' || birthDate === 'near';
  const sameHouse = address === 'house';
  const [sameGiven, sameFamily] = [givenName, familyName].map((level) => agrees(level) || level === 'near');
  const wholeName = sameGiven === true && sameFamily === true;
  // Families have numbers of a programme that lie side by side: one that is nearly the same proves little alone.
  const nearId = id === 'near';
  const misreadAtHome = nearId && idMisread && sameFamily === true && sameHouse;
  if (givenName === 'different' && !(id === 'equal' && birthDate !== 'close') && !(nearId && sameDay) && !misreadAtHome) vetoes.push('given-name');
  const somewhereNear = address !== undefined && address !== 'different';
  const idExplains = (id === 'equal' && givenName !== 'different' && (wholeName || sameHouse || address === 'street' || (agrees(givenName) && somewhereNear)))
    || (nearId && wholeName) || (misreadAtHome && givenName !== 'different');
  if (birthDate === 'different' && !idExplains) vetoes.push('birth-date');
  // A slip in the given name and one in the birth date: of brothers and sisters who share an address for mail hardly two are so close.
  const slipsAlone = givenName === 'near' && birthDate === 'close' && email === 'equal' && (familyName === undefined || sameFamily === true);
  const oneOfHousehold = givenName === undefined ? familyName !== undefined && birthDate !== 'equal' && !(emailTells && (birthDate === 'near' || birthDate === 'close')) : givenName !== 'different' && !agrees(givenName) && !sameDay && !slipsAlone;
  if (oneOfHousehold && id !== 'equal' && !(nearId && (sameHouse || (idMisread && address === 'street')))) vetoes.push('household');
  if (id === 'different' && !sameDay) vetoes.push('other-id');
  return vetoes;
}

/** What a veto means, in plain words. */
export const vetoTexts: Readonly<Record<Veto, string>> = {
  'given-name': 'another given name: somebody of the household, or another name of the same person',
  'birth-date': 'the birth dates differ by more than a slip',
  household: 'nothing tells which one of the household it is',
  'other-id': 'another number of the same loyalty programme',
  inactive: 'the customer is deactivated',
};

const vetoText = (vetoes: readonly Veto[]): string => vetoes.map((veto) => vetoTexts[veto]).join('; ');

function companyJudge({ party }: RoleParty): Judge {
  return (candidate, by) => {
    const { evidence, ...verdict } = judgeCompany(party, candidate.party, by);
    return judgedAs(candidate, by, verdict, { bits: evidence.reduce((sum, { bits }) => sum + bits, 0), evidence });
  };
}
