import { createRandom } from '../generate/random.js';
import { createCandidateIndex, nameOfKey, type Candidate } from './candidates.js';
import type { KeyKind } from './keys.js';
import type { RecordToMatch } from './match-records.js';
import type { Levels, MatchField, MatchModel } from './model.js';
import { compareProfiles, profileOf, type Profile } from './profile.js';

export interface Trained {
  readonly model: MatchModel;
  /** Pairs of records with a common key that were compared. */
  readonly pairs: number;
  /** The share of them that the model holds for one person. */
  readonly matches: number;
  readonly rounds: number;
}

type Counts = Record<string, Record<string, number>>;

/** A way in which two records agree, and how many pairs do. */
interface Pattern {
  readonly levels: Levels;
  count: number;
}

const mostPairs = 300_000;
/** By chance so many pairs for each record, and no more in all. */
const [pairsPerRecord, randomPairs] = [20, 200_000];
/** What the prior model counts against the data: so many pairs of one person, and so many of two. */
const [priorMatches, priorOthers] = [200, 100_000];
/** Nothing is impossible: no level weighs more than the rarest that was ever needed. */
const smallest = 1e-8;

/**
 * Learns from records, of which nobody says who is who, how often the levels are met among records of one person and of two (EM of Fellegi–Sunter models, as in
 * Winkler 1988): u from pairs of records by chance, m from pairs that share a key. Where the records say nothing of a field, the prior stands. Thresholds stay.
 * The same records and seed give the same model.
 */
export function train(prior: MatchModel, records: readonly RecordToMatch[], seed: number): Trained {
  const profiles = records.map(({ party }) => profileOf(party));
  const u = learnByChance(prior, records, profiles, seed);
  const patterns = candidatePatterns(records, profiles, seed);
  const pairs = patterns.reduce((sum, { count }) => sum + count, 0);

  let m = sharesOf(prior, (field, level) => prior.fields[field][level]?.m ?? smallest);
  let others = u; // among pairs that share a key two persons agree more often than by chance
  let matches = 0.2;
  let rounds = 0;
  for (let moved = 1; pairs > 0 && rounds < 100 && moved > 1e-6; rounds++) {
    const [own, foreign] = [emptyCounts(), emptyCounts()];
    let expected = 0;
    for (const { levels, count } of patterns) {
      const probability = probabilityOfMatch(levels, m, others, matches);
      expected += probability * count;
      addTo(own, levels, probability * count);
      addTo(foreign, levels, (1 - probability) * count);
    }
    const next = blended(prior, own, 'm', priorMatches);
    moved = distance(m, next) + Math.abs(expected / pairs - matches);
    m = next;
    others = blended(prior, foreign, 'u', priorMatches);
    matches = expected / pairs;
  }

  const fields = Object.fromEntries(fieldsOf(prior).map((field) => [field, Object.fromEntries(Object.keys(prior.fields[field]).map((level) =>
    [level, { m: rounded(m[field]?.[level]), u: rounded(u[field]?.[level]) }]))])) as MatchModel['fields'];
  return { model: { ...prior, fields, names: namesIn(profiles) }, pairs, matches: pairs === 0 ? 0 : matches, rounds };
}

const fieldsOf = (model: MatchModel): readonly MatchField[] => Object.keys(model.fields) as MatchField[];
const rounded = (share = smallest): number => Number(Math.min(1, Math.max(share, smallest)).toPrecision(6));

function learnByChance(prior: MatchModel, records: readonly RecordToMatch[], profiles: readonly Profile[], seed: number): Counts {
  const counts = emptyCounts();
  const random = createRandom(seed, 'chance');
  const [m, u] = (['m', 'u'] as const).map((of) => sharesOf(prior, (field, level) => prior.fields[field][level]?.[of] ?? smallest));
  if (m === undefined || u === undefined) return counts;
  for (let n = 0; n < Math.min(randomPairs, pairsPerRecord * records.length) && records.length > 1; n++) {
    const [a, b] = [random.whole(0, records.length - 1), random.whole(0, records.length - 1)];
    if (a === b) continue;
    // In a small file one person meets itself by chance, too.
    const levels = levelsOf(records, profiles, a, b);
    addTo(counts, levels, 1 - probabilityOfMatch(levels, m, u, 1 / records.length));
  }
  return blended(prior, counts, 'u', priorOthers);
}

function candidatePatterns(records: readonly RecordToMatch[], profiles: readonly Profile[], seed: number): readonly Pattern[] {
  const places = new Map<Candidate, number>();
  const index = createCandidateIndex([]);
  const pairs: [number, number][] = [];
  const random = createRandom(seed, 'pairs');
  let met = 0;
  records.forEach(({ id, party, keys }, place) => {
    for (const candidate of index.find(keys.filter((key) => index.overflowed([key]).length === 0))) {
      const pair: [number, number] = [places.get(candidate) ?? place, place];
      // Of more pairs than can be held each has the same chance to stay.
      if (pairs.length < mostPairs) pairs.push(pair);
      else {
        const at = random.whole(0, met);
        if (at < mostPairs) pairs[at] = pair;
      }
      met += 1;
    }
    const own: Candidate = { customerId: id, rootId: id, kind: 'person', party, keys };
    places.set(own, place);
    index.add(own);
  });
  const patterns = new Map<string, Pattern>();
  for (const [a, b] of pairs) {
    const levels = levelsOf(records, profiles, a, b);
    const name = JSON.stringify(levels);
    const pattern = patterns.get(name);
    if (pattern === undefined) patterns.set(name, { levels, count: 1 });
    else pattern.count += 1;
  }
  return [...patterns.values()];
}

function levelsOf(records: readonly RecordToMatch[], profiles: readonly Profile[], a: number, b: number): Levels {
  const [one, other] = [profiles[a], profiles[b]];
  if (one === undefined || other === undefined) return {};
  const keys = new Set((records[b]?.keys ?? []).map(nameOfKey));
  const by = new Set<KeyKind>((records[a]?.keys ?? []).filter((key) => keys.has(nameOfKey(key))).map(({ kind }) => kind));
  return compareProfiles(one, other, by);
}

const emptyCounts = (): Counts => ({});

function addTo(counts: Counts, levels: Levels, weight: number): void {
  for (const [field, level] of Object.entries(levels)) {
    const own = (counts[field] ??= {});
    own[level] = (own[level] ?? 0) + weight;
  }
}

/** Shares of the levels of each field: what was counted, and the prior as so many pairs more. */
const blended = (prior: MatchModel, counts: Counts, of: 'm' | 'u', weight: number): Counts =>
  sharesOf(prior, (field, level) => (counts[field]?.[level] ?? 0) + (prior.fields[field][level]?.[of] ?? 0) * weight);

function sharesOf(prior: MatchModel, weightOf: (field: MatchField, level: string) => number): Counts {
  return Object.fromEntries(fieldsOf(prior).map((field) => {
    const weights = Object.keys(prior.fields[field]).map((level) => [level, weightOf(field, level)] as const);
    const sum = weights.reduce((total, [, weight]) => total + weight, 0);
    return [field, Object.fromEntries(weights.map(([level, weight]) => [level, weight / sum]))];
  }));
}

function probabilityOfMatch(levels: Levels, m: Counts, others: Counts, matches: number): number {
  let odds = matches / Math.max(1 - matches, smallest);
  for (const [field, level] of Object.entries(levels)) odds *= (m[field]?.[level] ?? smallest) / Math.max(others[field]?.[level] ?? smallest, smallest);
  return odds / (1 + odds);
}

function distance(one: Counts, other: Counts): number {
  return Math.max(...Object.entries(one).flatMap(([field, levels]) => Object.entries(levels).map(([level, share]) => Math.abs(share - (other[field]?.[level] ?? 0)))));
}

/** The names that at least five, and one in a thousand, have. */
function namesIn(profiles: readonly Profile[]): MatchModel['names'] {
  const shares = (nameOf: (profile: Profile) => string): Record<string, number> => {
    const counts = new Map<string, number>();
    let all = 0;
    for (const profile of profiles) {
      const name = nameOf(profile);
      if (name === '') continue;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      all += 1;
    }
    return Object.fromEntries([...counts].filter(([, count]) => count >= 5 && count / all >= 0.001).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => [name, rounded(count / all)]));
  };
  return { givenName: shares(({ name }) => name.given.join(' ')), familyName: shares(({ name }) => name.family.join(' ')) };
}
