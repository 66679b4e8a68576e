import type { MatchField, MatchModel } from '../../../schemas/match-model.js';

export type { MatchField, MatchModel } from '../../../schemas/match-model.js';

export const matchFields = ['givenName', 'familyName', 'birthDate', 'id', 'email', 'phone', 'address'] as const satisfies readonly MatchField[];

/** What two records say of each other, by field; a field of which one says nothing is left out. */
export type Levels = Readonly<Partial<Record<MatchField, string>>>;

/** How many use the very e-mail address, and the names that agree; for what is met often proves less. */
export interface Frequencies {
  readonly givenName?: string;
  readonly familyName?: string;
  readonly emailUsers?: number;
  readonly phoneUsers?: number;
}

export interface Evidence {
  readonly field: string;
  readonly level: string;
  readonly bits: number;
}

/**
 * Among so many is the person before anything is compared: the customers there are, rounded up to a power of ten, so that a few more change nothing.
 * @param count how many customers are known
 */
export const populationOf = (count: number): number => 10 ** Math.min(7, Math.max(3, Math.ceil(Math.log10(Math.max(count, 1)))));

/** The weight of what is known, and of what it consists. Bits are rounded to hundredths, so that two machines agree. */
export function weigh(model: MatchModel, levels: Levels, frequencies: Frequencies, population: number): { readonly bits: number; readonly evidence: readonly Evidence[] } {
  const evidence: Evidence[] = [];
  let bits = -Math.log2(population);
  for (const field of matchFields) {
    const level = levels[field];
    if (level === undefined) continue;
    const weight = rounded(weightOf(model, field, level, frequencies));
    bits += weight;
    evidence.push({ field, level, bits: weight });
  }
  return { bits: rounded(bits), evidence };
}

export const rounded = (bits: number): number => Math.round(bits * 100) / 100;

function weightOf(model: MatchModel, field: MatchField, level: string, frequencies: Frequencies): number {
  const known = model.fields[field][level];
  if (known === undefined) return 0;
  return Math.log2(known.m / chanceOf(model, field, level, known.u, frequencies));
}

/** How likely two people agree so by chance. */
function chanceOf(model: MatchModel, field: MatchField, level: string, u: number, { givenName, familyName, emailUsers = 1, phoneUsers = 1 }: Frequencies): number {
  if (level !== 'equal') return u;
  if (field === 'email') return u * emailUsers;
  if (field === 'phone') return u * phoneUsers;
  if (field === 'givenName' && givenName !== undefined) return Math.max(u, model.names.givenName[givenName] ?? 0);
  if (field === 'familyName' && familyName !== undefined) return Math.max(u, model.names.familyName[familyName] ?? 0);
  return u;
}

/** What agrees to the letter, and so only where the key is shared. */
const byKeyAlone: readonly string[] = ['id', 'email', 'phone'] satisfies readonly MatchField[];

/**
 * What nobody can outweigh who shares no id, e-mail address or phone number to the letter: of each of the fields that are known the best level that is left.
 * Frequencies only make less of a level.
 */
export function mostBits(model: MatchModel, known: readonly MatchField[], population: number): number {
  const bits = known.map((field) => Math.max(0, ...Object.keys(model.fields[field]).map((level) => (
    level === 'equal' && byKeyAlone.includes(field) ? 0 : rounded(weightOf(model, field, level, {}))))));
  return rounded(bits.reduce((sum, most) => sum + most, -Math.log2(population)));
}

/** The probability that a weight stands for. */
export const probabilityOf = (bits: number): number => 1 / (1 + 2 ** -bits);

/** What training begins with, and falls back to where its data says nothing of a field: shares that are usual among customers of travel companies. */
export const priorModel: MatchModel = {
  version: 'model-prior',
  link: 6,
  review: 0,
  margin: 4,
  fields: {
    givenName: {
      equal: { m: 0.8, u: 0.003 }, compatible: { m: 0.04, u: 0.001 }, swapped: { m: 0.03, u: 0.000_5 }, initial: { m: 0.02, u: 0.004 },
      near: { m: 0.06, u: 0.006 }, different: { m: 0.05, u: 0.985 },
    },
    familyName: {
      equal: { m: 0.83, u: 0.000_8 }, compatible: { m: 0.03, u: 0.000_5 }, swapped: { m: 0.03, u: 0.000_5 },
      near: { m: 0.06, u: 0.001_5 }, different: { m: 0.05, u: 0.996 },
    },
    birthDate: { equal: { m: 0.88, u: 0.000_05 }, near: { m: 0.06, u: 0.001_5 }, close: { m: 0.03, u: 0.02 }, different: { m: 0.04, u: 0.998 } },
    id: { equal: { m: 0.9, u: 0.000_000_1 }, near: { m: 0.06, u: 0.000_01 }, different: { m: 0.04, u: 0.999 } },
    email: { equal: { m: 0.6, u: 0.000_000_6 }, near: { m: 0.1, u: 0.000_1 }, different: { m: 0.3, u: 0.999 } },
    phone: { equal: { m: 0.6, u: 0.000_002 }, different: { m: 0.4, u: 0.999 } },
    address: {
      house: { m: 0.7, u: 0.000_02 }, street: { m: 0.1, u: 0.000_2 }, area: { m: 0.05, u: 0.001 }, town: { m: 0.05, u: 0.02 }, different: { m: 0.1, u: 0.97 },
    },
  },
  names: { givenName: {}, familyName: {} },
};
