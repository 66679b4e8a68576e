import { z } from 'zod';
import { daysOf } from './dates.js';

/** Texts that end up in an index of Postgres, or on an envelope: none is longer in earnest. */
const longestText = 500;

const text = z.string('must be a text').trim().max(longestText, `must have at most ${longestText} characters`)
  .refine((value) => !value.includes('\u0000'), 'holds the character U+0000')
  .refine((value) => !/\p{Surrogate}/u.test(value), 'holds half of a surrogate pair');
/** Cells of a CSV file are texts; an empty one says nothing. */
const optional = text.transform((value) => (value === '' ? undefined : value)).nullish().transform((value) => value ?? undefined);
/** A list, in CSV as one text with `|` between. */
const list = z.union([z.array(text), text.transform((value) => value.split('|'))], 'must be a list, in CSV with | between').nullish()
  .transform((values) => (values ?? []).map((value) => value.trim()).filter((value) => value !== ''));

const date = optional.refine((value) => value === undefined || daysOf(value) !== undefined, 'must be a date such as 2026-05-10');
const country = optional.refine((value) => value === undefined || /^[A-Za-z]{2,3}$/.test(value), 'must be a country of ISO 3166, such as DE or DEU');
const language = optional.refine((value) => value === undefined || /^[a-z]{2,3}(?:[-_][A-Za-z]{2,4})?$/.test(value), 'must be a language such as de or en-GB');
const email = /^[^\s<>@"(),:;]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+$/u;
const emails = list.refine((values) => values.every((value) => email.test(value)), 'must be e-mail addresses such as anna@example.com');
const phones = list.refine((values) => values.every((value) => (value.match(/\d/g)?.length ?? 0) >= 4 && value.length <= 40), 'must be phone numbers such as +49 30 1234567');
const loyalty = list.refine((values) => values.every((value) => /^[^:]+:[^:]+$/.test(value)), 'must be programme:number, such as LH:992220001234');

/**
 * A line of the file for `midline customers import`. In CSV the columns have these names, lists have `|` between, and attributes are columns such as
 * `attribute.status`; in NDJSON lists are lists and `attributes` is an object. The row is known by `source` and `externalId` (and `kind`: the ids
 * of companies are of a kind of their own).
 */
export const customerRowSchema = z.strictObject({
  externalId: text.min(1, 'is missing').max(200, 'must have at most 200 characters'),
  /** The reservation system or CRM whose id it is; left out: as the command says. */
  source: optional,
  /** Left out: a company where it names one and no person. */
  kind: optional.pipe(z.enum(['person', 'company'], 'must be person or company').optional()),
  salutation: optional,
  title: optional,
  givenName: optional,
  familyName: optional,
  /** The name as one text, where it is not known which is which: `MUELLER/ANNA MRS`. */
  fullName: optional,
  companyName: optional,
  birthDate: optional,
  gender: optional,
  language,
  nationality: country,
  emails,
  phones,
  street: optional,
  houseNumber: optional,
  postalCode: optional,
  city: optional,
  region: optional,
  country,
  vatId: optional,
  loyalty,
  /** External id of the company that a person works for. */
  company: optional,
  /** External id of the company above a company. */
  parent: optional,
  /** What fee rules may read, such as status: vip. */
  attributes: z.record(text.min(1), optional, 'must be an object of texts').nullish().transform((values) => values ?? {}),
  /** The day from which company, parent and attributes of this row hold; left out: always. A customer may have several rows with different days. */
  validFrom: date,
}).check(({ value, issues }) => {
  const refuse = (field: string, message: string): void => { issues.push({ code: 'custom', path: [field], message, input: value }); };
  if (kindOfRow(value) === 'company' && value.company !== undefined) refuse('company', 'is for persons; a company has a parent');
  if (kindOfRow(value) === 'person' && value.parent !== undefined) refuse('parent', 'is for companies; a person has a company');
  if (value.parent !== undefined && value.parent === value.externalId) refuse('parent', 'must not be the company itself');
});

export type CustomerRow = z.output<typeof customerRowSchema>;

/** Person or company: what the row says, else a company where it names one and no person. */
export function kindOfRow({ kind, companyName, givenName, familyName, fullName }: Pick<CustomerRow, 'kind' | 'companyName' | 'givenName' | 'familyName' | 'fullName'>): 'person' | 'company' {
  return kind ?? (companyName !== undefined && givenName === undefined && familyName === undefined && fullName === undefined ? 'company' : 'person');
}

/** The fields of a CSV record as the schema wants them: `attribute.NAME` columns become `attributes`. */
export function customerRecordOf(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const attributes = Object.entries(record).filter(([name]) => name.startsWith(attributePrefix));
  if (attributes.length === 0) return record;
  const others = Object.entries(record).filter(([name]) => !name.startsWith(attributePrefix));
  return { ...Object.fromEntries(others), attributes: Object.fromEntries(attributes.map(([name, value]) => [name.slice(attributePrefix.length), value])) };
}

const attributePrefix = 'attribute.';
