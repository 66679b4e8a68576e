import { z } from 'zod';
import { instantOf, daysOf } from './dates.js';

const text = z.string('must be a text').trim().refine((value) => !value.includes('\u0000'), 'holds the character U+0000').refine((value) => !/\p{Surrogate}/u.test(value), 'holds half of a surrogate pair');
const required = text.min(1, 'is missing').max(500, 'must have at most 500 characters');

/** What special-category data may be about. */
export const sensitiveKinds = ['allergy', 'diet', 'accessibility', 'medical'] as const;

export type SensitiveKind = (typeof sensitiveKinds)[number];

/** A line of the file for `midline customers sensitive import`: what a known customer needs, and by what consent it is kept. */
export const sensitiveRowSchema = z.strictObject({
  externalId: required,
  /** The system whose id it is; left out: as the command says. */
  source: text.transform((value) => (value === '' ? undefined : value)).optional(),
  kind: z.enum(sensitiveKinds, `must be one of ${sensitiveKinds.join(', ')}`),
  text: text.min(1, 'is missing').max(2000, 'must have at most 2000 characters'),
  /** When the customer agreed, explicitly. */
  consentAt: text.transform((value) => (daysOf(value) === undefined ? value : `${value}T00:00:00Z`)).refine((value) => instantOf(value) !== undefined, 'must be a day or a moment such as 2026-05-10 or 2026-05-10T12:00:00Z'),
  /** How that can be shown: a form, a recording. */
  consentProof: required,
});

export type SensitiveRow = z.output<typeof sensitiveRowSchema>;
