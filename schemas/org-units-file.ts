import { z } from 'zod';
import { daysOf } from './dates.js';

const text = z.string('must be a text').trim().max(200, 'must have at most 200 characters').refine((value) => !value.includes('\u0000'), 'holds the character U+0000');
const optional = text.transform((value) => (value === '' ? undefined : value)).nullish().transform((value) => value ?? undefined);

const timeZone = optional.refine((value) => value === undefined || isTimeZone(value), 'must be a time zone such as Europe/Berlin');
const country = optional.refine((value) => value === undefined || isCountry(value), 'must be a country of ISO 3166, such as DE');
const date = optional.refine((value) => value === undefined || daysOf(value) !== undefined, 'must be a date such as 2026-05-10');

/** A row of the file for `midline org-units import`: an org unit as it is from a day on, until its next row. */
export const orgUnitRowSchema = z.strictObject({
  id: text.min(1, 'is missing'),
  /** The unit above; exactly one unit, the root, has none. */
  parent: optional,
  name: optional,
  /** IANA name; left out: that of the unit above. */
  timeZone,
  /** ISO 3166 alpha-2; left out: that of the unit above. */
  country,
  region: optional,
  /** The day from which this row holds; left out: always. */
  validFrom: date,
});

export type OrgUnitFileRow = z.output<typeof orgUnitRowSchema>;

/** A YAML file: the list of rows, alone or under `orgUnits`. */
export const orgUnitFileSchema = z.union([z.array(z.unknown()), z.strictObject({ orgUnits: z.array(z.unknown()) }).transform(({ orgUnits }) => orgUnits)], 'must be a list of org units, alone or under orgUnits');

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const countryNames = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });
/** Codes that Unicode names and that are no countries: unions, planned and pseudo regions. */
const noCountries = new Set(['EU', 'EZ', 'UN', 'QO', 'XA', 'XB', 'ZZ', 'AC', 'CP', 'CQ', 'DG', 'EA', 'IC', 'TA']);

function isCountry(code: string): boolean {
  return /^[A-Z]{2}$/.test(code) && !noCountries.has(code) && countryNames.of(code) !== undefined;
}
