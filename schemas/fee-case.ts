import { z } from 'zod';

/**
 * A case: one order with its events, the facts around it and the tables that apply, and what must come out.
 * Events are checked by the contract (`schemas/json.ts`), tables by their own schema.
 */

const text = z.union([z.string(), z.number(), z.boolean()], { error: 'a text' }).transform(String);
const optionalText = text.nullish();
const dated = { from: z.string().nullish(), until: z.string().nullish() };
const oneOrVersions = <Version extends z.ZodType>(version: Version) => z.union([z.array(version), version]);

const attributeVersions = z.array(z.strictObject({ ...dated, value: text.nullish() }));
const attributes = z.record(z.string(), z.union([text, attributeVersions]));
const orgUnit = z.strictObject({ ...dated, parent: optionalText, timeZone: optionalText, country: optionalText, region: optionalText, name: optionalText });
const company = z.strictObject({ ...dated, parent: optionalText, country: optionalText, vatId: optionalText, name: optionalText });
const customer = z.strictObject({
  ...dated,
  company: z.union([text, z.array(z.strictObject({ ...dated, company: optionalText }))]).nullish(),
  attributes: z.union([attributes, z.array(z.object({ ...dated }).catchall(text.nullish()))]).nullish(),
});
const source = z.strictObject({
  agencyFees: z.enum(['ours', 'theirs', 'both']).nullish(),
  kinds: z.array(z.string()).nullish(),
  orgUnit: optionalText,
  timeZone: optionalText,
});

const world = z.strictObject({
  ownerZone: optionalText,
  orgUnits: z.record(z.string(), oneOrVersions(orgUnit)).nullish(),
  customers: z.record(z.string(), oneOrVersions(customer)).nullish(),
  companies: z.record(z.string(), oneOrVersions(company)).nullish(),
  taxCodes: z.record(z.string(), z.strictObject({ country: optionalText, rates: z.array(z.strictObject({ from: z.string().nullish(), percent: text })) })).nullish(),
  places: z.record(z.string(), z.string()).nullish(),
  holidays: z.record(z.string(), z.array(z.string())).nullish(),
  sources: z.record(z.string(), source).nullish(),
});

const table = z.strictObject({
  version: z.int(),
  yaml: z.string().nullish(),
  json: z.string().nullish(),
  csv: z.string().nullish(),
  file: z.string().nullish(),
});
const assignment = z.strictObject({
  ...dated,
  default: z.literal(true).nullish(),
  customer: optionalText,
  company: optionalText,
  orgUnit: optionalText,
  table: text,
});
const order = z.strictObject({
  ref: text,
  source: text,
  customer: optionalText,
  company: optionalText,
  orgUnit: optionalText,
  events: z.array(z.record(z.string(), z.unknown())),
});
const manual = z.strictObject({
  id: text,
  kind: z.enum(['waiver', 'charge']),
  charge: text,
  unit: text,
  transaction: optionalText,
  by: text,
  reason: text,
  gross: optionalText,
  vat: optionalText,
  currency: optionalText,
  at: z.string().nullish(),
});
const line = z.record(z.string(), z.unknown());
const step = z.strictObject({
  events: z.array(z.union([z.string(), z.record(z.string(), z.unknown())])).nullish(),
  manual: z.array(z.union([z.string(), manual])).nullish(),
  tables: z.array(table).nullish(),
  order: order.omit({ events: true }).partial().nullish(),
  world: world.partial().nullish(),
  assignments: z.array(assignment).nullish(),
});

export const feeCaseSchema = z.strictObject({
  case: text,
  comment: optionalText,
  world: world.nullish(),
  tables: z.array(table),
  assignments: z.array(assignment).nullish(),
  order,
  manual: z.array(manual).nullish(),
  steps: z.array(step).nullish(),
  expect: z
    .strictObject({
      standing: z.array(line).nullish(),
      appended: z.array(z.array(line)).nullish(),
      refused: z.string().nullish(),
    })
    .nullish(),
});

export type FeeCase = z.output<typeof feeCaseSchema>;
export type FeeCaseWorld = z.output<typeof world>;
export type FeeCaseTable = z.output<typeof table>;
export type FeeCaseAssignment = z.output<typeof assignment>;
export type FeeCaseManual = z.output<typeof manual>;
export type FeeCaseStep = z.output<typeof step>;

/** The JSON Schema that `schemas/fee-case.schema.json` holds, for editors that complete and check. */
export function feeCaseJsonSchema(): Readonly<Record<string, unknown>> {
  return { title: 'midline fee case', ...z.toJSONSchema(feeCaseSchema, { io: 'input', reused: 'ref' }) };
}
