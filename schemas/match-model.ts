import { z } from 'zod';

const share = z.number('must be a number').gt(0, 'must be above 0').lte(1, 'must be at most 1');

/** How often a level of agreement is met among records of one person (m) and of two (u). */
const level = z.strictObject({ m: share, u: share });
const levels = z.record(z.string().min(1), level);
const names = z.record(z.string().min(1), share);

/**
 * The scoring model of Fellegi and Sunter. The weight of a level is log2(m / u), in bits; those of all fields add up, upon how likely anybody is the person
 * before anything is compared.
 */
export const matchModelSchema = z.strictObject({
  /** Names the model in decisions; begins with `model-`. */
  version: z.string().regex(/^model-[\w.-]+$/, 'must begin with model-'),
  /** Bits from which a candidate is linked, bits from which a person is asked, and how many bits the best must have before the next. */
  link: z.number(),
  review: z.number(),
  margin: z.number().min(0),
  fields: z.strictObject({ givenName: levels, familyName: levels, birthDate: levels, id: levels, email: levels, phone: levels, address: levels }),
  /** Shares of names that are met often, as words in ASCII; one that is not listed has the u of its level. */
  names: z.strictObject({ givenName: names, familyName: names }),
});

export type MatchModel = z.output<typeof matchModelSchema>;

/** id: external id or loyalty number. */
export type MatchField = keyof MatchModel['fields'];
