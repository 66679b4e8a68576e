import { z } from 'zod';

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be of small letters, digits, dot, hyphen and underscore, such as hotel-pms');

const timeZone = z.string().refine(isTimeZone, 'is no time zone; write for example Europe/Berlin or UTC');

/** A field of the source, dots for depth, without the positions in lists: `travelers.documents`. It names everything below it too. */
const fieldPath = z.string().min(1);

const csvOptions = z.strictObject({
  delimiter: z.string().length(1, 'must be one character').default(','),
  quote: z.string().length(1, 'must be one character').default('"'),
  /** Texts that mean that there is no value: such fields are left out of the record. */
  missing: z.array(z.string()).default([]),
});

const jsonOptions = z.strictObject({
  /** Where the records are: names joined by dots; lists on the way and at the end are gone through. Empty: the document, or the list that it is. */
  records: z.string().default(''),
});

const xmlOptions = z.strictObject({
  /** The element that is one record, without prefix. */
  record: z.string().min(1),
});

const fetchOptions = z.strictObject({
  /** What is asked for a record: `{id}` is the record's field (dots for depth), URL-encoded; the server is always the same. */
  url: z.string().refine(isUrlTemplate, 'must be http:// or https:// with a fixed host and no login in it, such as https://crs.example/bookings/{id}'),
  /** POST sends the record as JSON. */
  method: z.enum(['GET', 'POST'], 'must be GET or POST').default('GET'),
  /** `${NAME}` in a value is the environment variable of that name. */
  headers: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'must be the name of a header'), z.string()).default({}),
  expect: z.enum(['json', 'xml'], 'must be json or xml').default('json'),
  /** What a 404 is: the end (dead letter), or too early (asked again, as often as `retries` says). */
  notFound: z.enum(['dead-letter', 'retry'], 'must be dead-letter or retry').default('dead-letter'),
  /** Seconds for one request with its answer. */
  timeout: z.number().min(0.1).max(60).default(10),
  /** Further attempts where the server is away or busy, with growing pauses; ingest begins again after the last one. */
  retries: z.int().min(0).max(20).default(4),
  /** Most requests that one process begins in a second. */
  perSecond: z.number().min(0.1).max(1_000).default(10),
});

const common = {
  /** Id of the reservation system: `source` of all its events. */
  source: name,
  name: z.string().min(1),
  description: z.string().optional(),
  /** Org unit of its bookings that name none; left out: the root. */
  orgUnit: z.string().min(1).optional(),
  /** Meaning of its times without a zone. */
  timeZone: timeZone.default('UTC'),
  /** Whose service fees count for its bookings: ours, those that it delivers, or both. */
  feePolicy: z.enum(['ours', 'theirs', 'both'], 'must be ours, theirs or both').default('ours'),
  /** Event types of its own, beside the ten. */
  kinds: z.array(name).default([]),
  encoding: z.enum(['utf-8', 'windows-1252'], 'must be utf-8 or windows-1252').default('utf-8'),
  /** Fields that are known to reach no event. */
  ignore: z.array(fieldPath).default([]),
  /** Translations of codes: each is a variable of the expression by its name. */
  tables: z.record(z.string().regex(/^[A-Za-z]\w*$/, 'must be a name of letters, digits and underscore'), z.record(z.string(), z.string())).default({}),
  /** The record only names a booking, which is fetched: the expression finds it in `$fetched`. */
  fetch: fetchOptions.optional(),
  /** JSONata: one record in, one event, several, or none out, in canonical JSON. */
  events: z.string().min(1),
};

/** A source map as its file says it: the head describes source and format, `events` is the expression. */
export const sourceMapSchema = z.discriminatedUnion('format', [
  z.strictObject({ ...common, format: z.literal('csv'), csv: csvOptions.prefault({}) }),
  z.strictObject({ ...common, format: z.literal('ndjson') }),
  z.strictObject({ ...common, format: z.literal('json'), json: jsonOptions.prefault({}) }),
  z.strictObject({ ...common, format: z.literal('xml'), xml: xmlOptions }),
], { error: 'must be csv, ndjson, json or xml' });

export type SourceMapFile = z.output<typeof sourceMapSchema>;
export type FetchOptions = z.output<typeof fetchOptions>;

function isUrlTemplate(text: string): boolean {
  return /^https?:\/\/[^/?#@{}\s]+(\/|$)/.test(text) && URL.canParse(text.replace(/\{[^{}]*\}/g, '0'));
}

function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}
