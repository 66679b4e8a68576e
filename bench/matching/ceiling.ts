// What the pairs of a set allow at most: some of them are, on paper, what nobody may link.
import type { Party } from '../../schemas/booking-event.js';
import type { Levels } from '../../workers/domain/match/model.js';
import { compareProfiles, profileOf } from '../../workers/domain/match/profile.js';

/** Pairs that differ as two people do, though a set says that they are one. */
const onPaperTwo: Readonly<Record<string, (levels: Levels) => boolean>> = {
  'twins: one birth date, another given name and another number': ({ givenName, id, birthDate }) => givenName === 'different' && id === 'different' && (birthDate === 'equal' || birthDate === 'near'),
  'namesakes: another birth date and another number': ({ birthDate, id }) => birthDate === 'different' && id === 'different',
  'one number of two: another given name and another birth date': ({ givenName, birthDate }) => givenName === 'different' && birthDate === 'different',
};

export interface Ceiling {
  readonly truePairs: number;
  /** Those of the true pairs that nothing leads to, not even over other records of the person, unless such a pair is linked. */
  readonly lost: number;
  /** Of everything else found, and nothing wrong. */
  readonly f1: number;
}

/**
 * The best that a matcher can reach that links no pair which is two people on paper: of each kind alone, and of all.
 * @param persons the records of each true person
 */
export function ceilings(persons: readonly (readonly Party[])[]): Readonly<Record<string, Ceiling>> {
  const kinds = Object.entries(onPaperTwo);
  const levels = persons.map(levelsOf);
  return Object.fromEntries([...kinds, ['all of them', (pair: Levels) => kinds.some(([, isTwo]) => isTwo(pair))] as const].map(([name, isTwo]) => [name, ceiling(levels, isTwo)]));
}

/** Of each two records of a person: their places, and how they compare. */
interface Person {
  readonly size: number;
  readonly pairs: readonly (readonly [one: number, other: number, levels: Levels])[];
}

function levelsOf(records: readonly Party[]): Person {
  const profiles = records.map(profileOf);
  const number = (at: number): string => records[at]?.loyalty?.[0]?.number ?? '';
  const pairs = profiles.flatMap((one, at) => profiles.slice(at + 1).map((other, after) => {
    const place = at + 1 + after;
    return [at, place, compareProfiles(one, other, new Set(number(at) !== '' && number(at) === number(place) ? ['loyalty'] : []))] as const;
  }));
  return { size: records.length, pairs };
}

function ceiling(persons: readonly Person[], isTwo: (levels: Levels) => boolean): Ceiling {
  let [truePairs, found] = [0, 0];
  for (const { size, pairs } of persons) {
    const group = Array.from({ length: size }, (_, at) => at);
    for (const [one, other, levels] of pairs) {
      const [kept, joined] = [group[one], group[other]];
      if (!isTwo(levels)) group.forEach((of, at) => { if (of === joined) group[at] = kept ?? at; });
    }
    truePairs += pairs.length;
    found += pairs.filter(([one, other]) => group[one] === group[other]).length;
  }
  return { truePairs, lost: truePairs - found, f1: (2 * found) / (truePairs + found) };
}
