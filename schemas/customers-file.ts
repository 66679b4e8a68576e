import { z } from 'zod';
import { daysOf } from './dates.js';

/** Texts that end up in an index of Postgres, or on an envelope: none is longer in earnest. */
const longestText = 500;

const text = z.string('must be a text').trim().max(longestText, `must have at most ${longestText} characters`)
  .refine((value) => !value.includes('\u0000'), 'holds the character U+0000')
  .refine((value) => !/\p{Surrogate}/u.test(value), 'holds a broken character (half of a surrogate pair)');
/** Cells of a CSV file are texts; an empty one says nothing. */
const optional = text.transform((value) => (value === '' ? undefined : value)).nullish().transform((value) => value ?? undefined);
const longestList = 100;
/** A list, in CSV as one text with `|` between, or as JSON. */
const list = z.preprocess(
  (value) => {
    const read = typeof value === 'string' && value.startsWith('[') ? fromCell(value) : value;
    return typeof read === 'string' ? read.split('|') : read;
  },
  z.array(text, 'must be a list, in CSV with | between').max(longestList, `must have at most ${longestList} entries`).nullish(),
).transform((values) => (values ?? []).filter((value) => value !== ''));

const date = optional.refine((value) => value === undefined || daysOf(value) !== undefined, 'must be a date such as 2026-05-10');
const country = optional.refine((value) => value === undefined || /^[A-Za-z]{2,3}$/.test(value), 'must be a country of ISO 3166, such as DE or DEU');
const language = optional.refine((value) => value === undefined || /^[a-z]{2,3}(?:[-_][A-Za-z]{2,4})?$/.test(value), 'must be a language such as de or en-GB');
const email = /^[^\s<>@"(),:;]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+$/u;
const emails = list.refine((values) => values.every((value) => email.test(value)), 'must be e-mail addresses such as anna@example.com');
const isPhone = (value: string): boolean => (value.match(/\d/g)?.length ?? 0) >= 4 && value.length <= 40;
const phones = list.refine((values) => values.every(isPhone), 'must be phone numbers such as +49 30 1234567');
const loyalty = list.refine((values) => values.every((value) => /^[^:]+:[^:]+$/.test(value)), 'must be programme:number, such as LH:992220001234');

const externalIds = list.refine((values) => values.every((value) => /^[^:]+:.+$/.test(value)), 'must be system:id, such as gds:K-77');

/** Who a relative is to a customer. */
export const familyRoles = ['spouse', 'partner', 'parent', 'child', 'sibling', 'guardian', 'other'] as const;
const family = list.refine((values) => values.every((value) => familyRoles.some((role) => value.startsWith(`${role}:`) && value.length > role.length + 1)), `must be role:externalId, the role one of ${familyRoles.join(', ')}`);

/** A contact point with what is known of it, as a customer event has it. */
const said = optional.transform((value) => value ?? null);
const contact = z.strictObject({
  kind: z.enum(['email', 'phone', 'address'], 'must be email, phone or address'),
  value: said,
  address: z.strictObject({ street: said, houseNumber: said, postalCode: said, city: said, region: said, country: country.transform((value) => value ?? null) }, 'must be an object').nullish().transform((value) => value ?? null),
  label: said,
  verified: z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')], 'must be true or false').nullish().transform((value) => value ?? null),
  consentHint: said,
}).refine(({ kind, value, address }) => (kind === 'address') === (address !== null) && (kind === 'address') === (value === null), 'must have an address where kind is address, else a value')
  .refine(({ kind, value }) => kind !== 'email' || email.test(value ?? ''), 'must be an e-mail address such as anna@example.com')
  .refine(({ kind, value }) => kind !== 'phone' || isPhone(value ?? ''), 'must be a phone number such as +49 30 1234567');
/** In CSV a JSON text. */
const contacts = z.preprocess(fromCell, z.array(contact, 'must be a list, in CSV as JSON').nullish()).transform((points) => points ?? []);

function fromCell(cell: unknown): unknown {
  if (typeof cell !== 'string') return cell;
  if (cell.trim() === '') return undefined;
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}

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
  maritalStatus: optional,
  /** The customer's number in the accounts, whatever the source. */
  debitorNumber: optional,
  /** Of a company in its register, with the court where each counts its own: `HRB 1234, Bonn`. */
  registerNumber: optional,
  interests: list,
  hobbies: list,
  wishes: list,
  /** Where the customer likes to go. */
  destinations: list,
  /** Types that the customer likes: hotel, camping, … */
  accommodation: list,
  /** `system:id`: what other systems know the customer by. */
  externalIds,
  /** Further contact points, and what is known of those above. */
  contacts,
  /** Of a person: `role:externalId` of relatives. */
  family,
  /** External ids of companies. */
  agency: list,
  branch: list,
  mediator: list,
  /** No advertising up to and with this day, or `always`. */
  mailingBlockUntil: optional.refine((value) => value === undefined || value === 'always' || daysOf(value) !== undefined, 'must be a date such as 2026-05-10, or always'),
  mailingBlockReason: optional,
  /** External id of the company that a person works for. */
  company: optional,
  /** External id of the company above a company. */
  parent: optional,
  /** What fee rules may read, such as status: vip. */
  attributes: z.record(text.min(1, 'must have a name'), optional, 'must be an object of texts').nullish().transform((values) => values ?? {}),
  /** Names of attributes that hold no more. */
  ended: list,
  /** The day from which company, parent and attributes of this row hold, or have ended; left out: always. A customer may have several rows with different days. */
  validFrom: date,
}).check(({ value, issues }) => {
  const refuse = (field: string, message: string): void => { issues.push({ code: 'custom', path: [field], message, input: value }); };
  if (kindOfRow(value) === 'company' && value.company !== undefined) refuse('company', 'is for persons; a company has a parent');
  if (kindOfRow(value) === 'person' && value.registerNumber !== undefined) refuse('registerNumber', 'is for companies');
  if (kindOfRow(value) === 'person' && value.parent !== undefined) refuse('parent', 'is for companies; a person has a company');
  if (kindOfRow(value) === 'company' && value.family.length > 0) refuse('family', 'is for persons');
  if (value.mailingBlockReason !== undefined && value.mailingBlockUntil === undefined) refuse('mailingBlockReason', 'needs a mailingBlockUntil: a day, or always');
  if (value.parent !== undefined && value.parent === value.externalId) refuse('parent', 'must not be the company itself');
});

export type CustomerRow = z.output<typeof customerRowSchema>;

/** Person or company: what the row says, else a company where it names one and no person. */
export function kindOfRow({ kind, companyName, givenName, familyName, fullName }: Pick<CustomerRow, 'kind' | 'companyName' | 'givenName' | 'familyName' | 'fullName'>): 'person' | 'company' {
  return kind ?? (companyName !== undefined && givenName === undefined && familyName === undefined && fullName === undefined ? 'company' : 'person');
}

/** The fields of a CSV record as the schema wants them: columns `attribute.NAME` become `attributes`; `email.LABEL`, `phone.LABEL` and `address.LABEL.FIELD` further contact points. */
export function customerRecordOf(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const names = Object.keys(record);
  if (!names.some((name) => name.includes('.'))) return record;
  const plain: Record<string, unknown> = {};
  const attributes: Record<string, unknown> = {};
  const points = new Map<string, Point>();
  for (const name of names) {
    const [, prefix = '', rest = ''] = /^(attribute|email|phone|address)\.(.*)$/.exec(name) ?? [];
    const value = record[name];
    if (prefix === '') plain[name] = value;
    else if (prefix === 'attribute') attributes[rest] = value;
    else if (value !== '' && value != null) addPoint(points, prefix, rest, value);
  }
  return { ...plain, attributes, ...(points.size > 0 && { contacts: [...listOf(fromCell(plain['contacts'])), ...points.values()] }) };
}

const listOf = (value: unknown): readonly unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

interface Point {
  readonly kind: string;
  readonly label: string;
  readonly value?: unknown;
  readonly address?: Readonly<Record<string, unknown>>;
}

function addPoint(points: Map<string, Point>, kind: string, rest: string, value: unknown): void {
  const [label = '', field = ''] = kind === 'address' ? rest.split(/\.(?=[^.]*$)/) : [rest];
  const point = points.get(`${kind} ${label}`) ?? { kind, label };
  points.set(`${kind} ${label}`, kind === 'address' ? { ...point, address: { ...point.address, [field]: value } } : { ...point, value });
}
