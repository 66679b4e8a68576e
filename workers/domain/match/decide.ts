import { birthDatesOf, compareBirthDates, type BirthDateLevel } from './birth-date.js';
import { nameOfKey, type Candidate } from './candidates.js';
import type { KeyKind, MatchKey } from './keys.js';
import { compareCompanies, compareNames, nameOf, type NameLevel } from './names.js';
import { kindOf, type CustomerKind, type RoleParty } from './parties.js';

/** Names the rules below; stored as `decided_by` of a link. Raise it with every change of a rule, a level or a list. */
export const modelVersion = 'rules-2';

/** What speaks for or against a customer: the field and how well it agrees. Holds no personal data. */
interface Evidence {
  readonly field: 'externalId' | 'loyalty' | 'vatId' | 'email' | 'phone' | 'givenName' | 'familyName' | 'companyName' | 'birthDate' | 'kind';
  readonly level: string;
}

/** A customer that was looked at. excluded: certainly somebody else. */
interface JudgedCandidate {
  readonly customerId: string;
  readonly rootId: string;
  readonly verdict: 'link' | 'review' | 'excluded';
  /** In plain words: the rule that decided. */
  readonly reason: string;
  readonly evidence: readonly Evidence[];
}

export interface MatchDecision {
  readonly decision: 'link' | 'review' | 'new' | 'none';
  /** The leaf customer that is linked; null for review, new (the draft has the id) and none. */
  readonly customerId: string | null;
  /** Of the linked customer; empty otherwise. */
  readonly evidence: readonly Evidence[];
  readonly candidates: readonly JudgedCandidate[];
}

const nobody: MatchDecision = { decision: 'none', customerId: null, evidence: [], candidates: [] };
const unknownPerson: MatchDecision = { ...nobody, decision: 'new' };

/**
 * Who is it? Deterministic, the same for any order of candidates:
 *
 * 1. Each candidate is judged on its own (`docs/customers.md` has the rules as a table): link, review or excluded, a link with a rank.
 * 2. Links of the highest rank decide. If they are one person (one root), it is that one; if several, the one whose birth date agrees; else review.
 *    Links that rest on uniqueness (an e-mail without a name, name + birth date alone) need to be the only ones.
 * 3. Without a link: review if anybody is to be looked at, else new with a strong key, else none.
 *
 * @param keys those of the party, without overflowed ones
 * @param candidates those that the keys find
 */
export function decideMatch(roleParty: RoleParty, keys: readonly MatchKey[], candidates: readonly Candidate[]): MatchDecision {
  if (keys.length === 0) return nobody;
  if (candidates.length === 0) return withoutCandidate(keys);
  const judged = judgeAll(roleParty, keys, candidates);
  const chosen = choose(judged);
  if (chosen !== undefined) return { decision: 'link', customerId: chosen.customerId, evidence: chosen.evidence, candidates: judged.map(shown) };
  if (judged.some(({ verdict }) => verdict !== 'excluded')) return { ...nobody, decision: 'review', candidates: judged.map(shown) };
  return { ...withoutCandidate(keys), candidates: judged.map(shown) };
}

const withoutCandidate = (keys: readonly MatchKey[]): MatchDecision => (keys.some(({ strong }) => strong) ? unknownPerson : nobody);

/** How much a link rests on: 3 an id that agrees, 2 a contact and the name, 1 an e-mail that only one customer has, 0 name and birth date. */
type Rank = 0 | 1 | 2 | 3;

interface Judged extends JudgedCandidate {
  readonly rank: Rank;
  readonly emailAgrees: boolean;
  readonly birthDate: BirthDateLevel;
  /** Another given name: somebody of the household, who has the contact but is not in question where name and birth date agree with somebody else. */
  readonly otherGivenName: boolean;
}

const shown = ({ customerId, rootId, verdict, reason, evidence }: Judged): JudgedCandidate => ({ customerId, rootId, verdict, reason, evidence });

function choose(judged: readonly Judged[]): Judged | undefined {
  const links = judged.filter(({ verdict }) => verdict === 'link');
  const rank = Math.max(...links.map((link) => link.rank));
  const best = links.filter((link) => link.rank === rank);
  if (best.length === 0) return undefined;
  if (rank === 1 && roots(judged.filter(({ emailAgrees }) => emailAgrees)) > 1) return undefined;
  if (rank === 0 && roots(judged.filter(({ verdict, otherGivenName }) => verdict !== 'excluded' && !otherGivenName)) > 1) return undefined;
  if (roots(best) === 1) return mostEvidence(best);
  const sameDay = best.filter(({ birthDate }) => birthDate === 'equal');
  return roots(sameDay) === 1 ? mostEvidence(sameDay) : undefined;
}

const roots = (judged: readonly Judged[]): number => new Set(judged.map(({ rootId }) => rootId)).size;

/** Of the leaves of one person; candidates come in the order of their ids, so the lowest wins a tie. */
const mostEvidence = (judged: readonly Judged[]): Judged | undefined =>
  judged.reduce<Judged | undefined>((best, other) => (best === undefined || agreeing(other) > agreeing(best) ? other : best), undefined);

const agreeing = ({ evidence }: Judged): number => evidence.filter(({ level }) => level === 'exact' || level === 'equal').length;

function judgeAll(roleParty: RoleParty, keys: readonly MatchKey[], candidates: readonly Candidate[]): readonly Judged[] {
  const kind: CustomerKind = roleParty.role === 'corporate' ? 'company' : kindOf(roleParty.party);
  const judge = kind === 'company' ? companyJudge(roleParty) : personJudge(roleParty);
  const own = new Set(keys.map(nameOfKey));
  return candidates.map((candidate) => {
    const by = new Set(candidate.keys.filter((key) => own.has(nameOfKey(key))).map((key) => key.kind));
    if (candidate.kind !== kind) return otherKind(candidate);
    const judged = judge(candidate, by);
    return candidate.inactive === true && judged.verdict === 'link' ? { ...judged, ...review('the customer is deactivated') } : judged;
  });
}

type Judge = (candidate: Candidate, by: ReadonlySet<KeyKind>) => Judged;

interface Verdict {
  readonly verdict: JudgedCandidate['verdict'];
  readonly reason: string;
  readonly rank?: Rank;
}

const link = (rank: Rank, reason: string): Verdict => ({ verdict: 'link', rank, reason });
const review = (reason: string): Verdict => ({ verdict: 'review', reason });
const excluded = (reason: string): Verdict => ({ verdict: 'excluded', reason });

function judgedAs(candidate: Candidate, by: ReadonlySet<KeyKind>, verdict: Verdict, birthDate: BirthDateLevel, evidence: readonly Evidence[]): Judged {
  return {
    customerId: candidate.customerId,
    rootId: candidate.rootId,
    verdict: verdict.verdict,
    reason: verdict.reason,
    evidence,
    rank: verdict.rank ?? 0,
    emailAgrees: by.has('email'),
    birthDate,
    otherGivenName: evidence.some(({ field, level }) => field === 'givenName' && level === 'different'),
  };
}

function otherKind(candidate: Candidate): Judged {
  return judgedAs(candidate, new Set(), excluded('a person is no company'), 'unknown', [{ field: 'kind', level: 'different' }]);
}

const idFields = { external: 'externalId', 'external-company': 'externalId', loyalty: 'loyalty', vat: 'vatId', email: 'email', phone: 'phone' } as const;

function exactEvidence(by: ReadonlySet<KeyKind>): Evidence[] {
  return [...by].flatMap((kind): Evidence[] => (kind === 'name-birth' ? [] : [{ field: idFields[kind], level: 'exact' }]));
}

function personJudge({ party }: RoleParty): Judge {
  const name = nameOf(party);
  const birthDates = birthDatesOf(party.birthDate);
  return (candidate, by) => {
    const names = compareNames(name, nameOf(candidate.party));
    const birthDate = compareBirthDates(birthDates, birthDatesOf(candidate.party.birthDate));
    const evidence = [...exactEvidence(by)];
    if (names.familyName !== 'unknown') evidence.push({ field: 'familyName', level: names.familyName });
    if (names.givenName !== 'unknown') evidence.push({ field: 'givenName', level: names.givenName });
    if (birthDate !== 'unknown') evidence.push({ field: 'birthDate', level: birthDate });
    return judgedAs(candidate, by, personVerdict(by, names.givenName, names.familyName, birthDate), birthDate, evidence);
  };
}

const agrees = (level: NameLevel): boolean => level === 'equal' || level === 'compatible' || level === 'swapped';

/** The rules for a person, top to bottom, the first that fits. */
function personVerdict(by: ReadonlySet<KeyKind>, given: NameLevel, family: NameLevel, birthDate: BirthDateLevel): Verdict {
  const id = by.has('external') || by.has('loyalty');
  const contact = by.has('email') || by.has('phone');
  if (given === 'different' && family === 'different' && !id && birthDate !== 'equal') return excluded('another name: a contact that two people share');
  if (birthDate === 'different') return review('the birth dates differ by more than a slip');
  if (id) return link(3, 'an id agrees');
  if (!contact) return nameBirthVerdict(given, family, birthDate);
  if (given === 'different') return review('another given name: somebody of the household, or another name of the same person');
  if (agrees(given) && agrees(family)) return link(2, 'contact and name agree');
  if (given === 'equal' && family === 'near') return link(2, 'contact and given name agree, the family name but for a slip');
  if (birthDate === 'equal' && agrees(given)) return link(2, 'contact, given name and birth date agree');
  if (birthDate === 'equal' && given === 'near' && agrees(family)) return link(2, 'contact, family name and birth date agree, the given name but for a slip');
  return uniqueEmailVerdict(by, given, family);
}

function nameBirthVerdict(given: NameLevel, family: NameLevel, birthDate: BirthDateLevel): Verdict {
  return agrees(given) && agrees(family) && birthDate === 'equal' ? link(0, 'name and birth date agree') : review('name and birth date agree in part');
}

/** An incomplete name contradicts nobody: whoever alone has the e-mail address is meant. A phone is shared too often for that. */
function uniqueEmailVerdict(by: ReadonlySet<KeyKind>, given: NameLevel, family: NameLevel): Verdict {
  const incomplete = given === 'unknown' || family === 'unknown' || given === 'initial';
  const fits = (given === 'unknown' || given === 'initial' || agrees(given)) && (family === 'unknown' || agrees(family));
  return by.has('email') && incomplete && fits ? link(1, 'the e-mail address is that of one customer alone') : review('the contact agrees, the name does not quite');
}

function companyJudge({ party }: RoleParty): Judge {
  return (candidate, by) => {
    const name = compareCompanies(party.companyName, candidate.party.companyName);
    const evidence = [...exactEvidence(by), ...(name === 'unknown' ? [] : [{ field: 'companyName' as const, level: name }])];
    return judgedAs(candidate, by, companyVerdict(by, name), 'unknown', evidence);
  };
}

function companyVerdict(by: ReadonlySet<KeyKind>, name: ReturnType<typeof compareCompanies>): Verdict {
  if (by.has('external-company') || by.has('vat') || by.has('loyalty')) return link(3, 'an id agrees');
  if (name === 'equal') return link(2, 'contact and name agree');
  if (name === 'different') return excluded('another company: a contact that two companies share');
  if (name === 'unknown' && by.has('email')) return link(1, 'the e-mail address is that of one customer alone');
  return review('the contact agrees, the name does not quite');
}

