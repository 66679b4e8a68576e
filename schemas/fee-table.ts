import { z } from 'zod';

/**
 * The file in which a fee-table version is written (YAML or JSON; the rules also as CSV rows).
 * Numbers reach this schema as the text that stands in the file, so that no amount passes through a float;
 * the output is plain JSON data (decimals and codes are text) and is stored as it is.
 * The error texts say what is allowed; they end up in the column `allowed` of a problem.
 */

const decimalForm = { error: 'a decimal number such as 12.50, of at most 14 digits before the point' };
const decimal = z.union([z.string().regex(/^-?\d{1,14}(\.\d{1,8})?$/, decimalForm), z.number()], decimalForm).transform(String);
const wholeForm = { error: 'a whole number' };
const whole = z.union([z.string().regex(/^-?\d{1,9}$/, wholeForm), z.int()], wholeForm).transform(String);
const code = z
  .union([z.string().min(1), z.number(), z.boolean()], { error: 'a code' })
  .transform(String);
const name = z
  .union([z.string().min(1), z.number()], { error: 'a name' })
  .transform(String);
const date = z.string({ error: 'a day such as 2026-01-31' }).regex(/^\d{4}-\d{2}-\d{2}$/, { error: 'a day such as 2026-01-31' });
const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])], { error: 'true or false' })
  .transform((value) => value === true || value === 'true');
const currency = z.string({ error: 'a currency such as EUR' }).regex(/^[A-Z]{3}$/, { error: 'a currency such as EUR' });

const absent = z.literal('absent', { error: 'absent' });
const alone = 'a list of values without absent, which stands alone';

const codes = z.union(
  [
    code,
    z.array(code).min(1).refine((list) => !list.includes('absent'), { error: alone }),
    z.strictObject({ from: code.optional(), to: code.optional() }),
  ],
  { error: 'a code, a list of codes, { from, to } or absent' },
);
const wordsOf = (words: readonly [string, ...string[]]) =>
  z.union([z.enum(words), z.array(z.enum(words)).min(1), absent], { error: `${words.join(', ')}, a list of them or absent` });
const numbers = z.union(
  [decimal, z.array(decimal).min(1), z.strictObject({ from: decimal.optional(), to: decimal.optional() }), absent],
  { error: 'a number, a list of numbers, { from, to } or absent' },
);
const flagOrAbsent = z.union([flag, absent], { error: 'true, false or absent' });
const dateOrAbsent = z.union([date, absent], { error: 'a day such as 2026-01-31 or absent' });
const dayForm = { error: 'Mo, Tu, We, Th, Fr, Sa, Su, PH, PH-AT, a list of them or absent' };
const dayName = z.string().regex(/^(Mo|Tu|We|Th|Fr|Sa|Su|PH|PH-[A-Z]{2}(-[A-Z0-9]{1,3})?)$/, dayForm);
const days = z.union([absent, dayName, z.array(dayName).min(1)], dayForm);
const hours = z.string({ error: 'hours such as "Mo-Fr 09:00-18:00; PH off"' }).min(1, { error: 'hours such as "Mo-Fr 09:00-18:00; PH off"' });
const attributes = z.record(z.string().min(1), codes);

/** What can be asked of one item, and so stand inside `orderHas`. */
const itemConditions = {
  product: codes.optional(),
  supplier: codes.optional(),
  supplierGroup: codes.optional(),
  carrier: codes.optional(),
  bookingClass: codes.optional(),
  fareType: codes.optional(),
  tariff: codes.optional(),
  documentType: codes.optional(),
  origin: codes.optional(),
  destination: codes.optional(),
  geography: wordsOf(['domestic', 'regional', 'international']).optional(),
  tripType: codes.optional(),
  segments: numbers.optional(),
  passengerType: codes.optional(),
  travellers: numbers.optional(),
  price: numbers.optional(),
  leadDays: numbers.optional(),
  travelFrom: dateOrAbsent.optional(),
  travelUntil: dateOrAbsent.optional(),
  returnFrom: dateOrAbsent.optional(),
  returnUntil: dateOrAbsent.optional(),
  travelDays: days.optional(),
  itemStatus: codes.optional(),
  item: attributes.optional(),
};

const plainItemConditions = z.strictObject(itemConditions);
interface ItemConditionsInput extends z.input<typeof plainItemConditions> {
  not?: ItemConditionsInput | undefined;
}
interface ItemConditionsOutput extends z.output<typeof plainItemConditions> {
  not?: ItemConditionsOutput | undefined;
}
const itemConditionsSchema: z.ZodType<ItemConditionsOutput, ItemConditionsInput> = plainItemConditions.extend({
  not: z.lazy(() => itemConditionsSchema).optional(),
});

const plainConditions = z.strictObject({
  ...itemConditions,
  source: codes.optional(),
  office: codes.optional(),
  orgUnit: codes.optional(),
  agent: codes.optional(),
  channel: codes.optional(),
  bookedFrom: dateOrAbsent.optional(),
  bookedUntil: dateOrAbsent.optional(),
  hours: hours.optional(),
  outsideHours: hours.optional(),
  days: days.optional(),
  sameDay: flagOrAbsent.optional(),
  previousDay: flagOrAbsent.optional(),
  nth: numbers.optional(),
  payment: codes.optional(),
  isOption: flagOrAbsent.optional(),
  isRequest: flagOrAbsent.optional(),
  changed: wordsOf(['dates', 'route', 'class', 'price', 'travellers', 'other']).optional(),
  initiator: codes.optional(),
  customer: attributes.optional(),
  order: attributes.optional(),
  orderHas: itemConditionsSchema.optional(),
});
interface ConditionsInput extends z.input<typeof plainConditions> {
  not?: ConditionsInput | undefined;
}
interface ConditionsOutput extends z.output<typeof plainConditions> {
  not?: ConditionsOutput | undefined;
}
const conditionsSchema: z.ZodType<ConditionsOutput, ConditionsInput> = plainConditions.extend({
  not: z.lazy(() => conditionsSchema).optional(),
});

const rounding = z.strictObject({
  to: decimal.optional(),
  mode: z.enum(['half-away', 'half-even', 'up', 'down'], { error: 'half-away, half-even, up or down' }).optional(),
});
const money = z.union([decimal, z.record(currency, decimal)], { error: 'an amount such as 12.50, or one per currency: { EUR: 12.50, CHF: 12 }' });
const percentOf = z.union(
  [
    z.enum(['unit-total', 'unit-base', 'order-total', 'taxes', 'commission', 'payment', 'refund', 'penalty']),
    z.strictObject({ charge: name }),
  ],
  { error: 'unit-total, unit-base, order-total, taxes, commission, payment, refund, penalty or { charge: NAME }' },
);
const timesForm = { error: 'travellers, segments, nights, rooms, room-nights, documents or a list of them' };
const times = z.enum(['travellers', 'segments', 'nights', 'rooms', 'room-nights', 'documents'], timesForm);
const bandSchema = z.strictObject({
  upTo: decimal.optional(),
  fixed: money.optional(),
  percent: decimal.optional(),
  of: percentOf.optional(),
});
const amountSchema = z.strictObject({
  fixed: money.optional(),
  percent: decimal.optional(),
  of: percentOf.optional(),
  bands: z.array(bandSchema).min(1).optional(),
  over: z.enum(['nights', 'leadDays', 'per-night'], { error: 'nights, leadDays or per-night (missing: the price)' }).optional(),
  then: z
    .strictObject({
      each: money,
      per: z.literal('started-hour', { error: 'started-hour' }),
      after: decimal.optional(),
    })
    .optional(),
  times: z.union([times, z.array(times).min(1)], timesForm).optional(),
  timesMax: whole.optional(),
  min: decimal.optional(),
  max: decimal.optional(),
  rounding: rounding.optional(),
});

const eventTypes = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)], { error: 'a transaction type or a list of them' });

/** One rule: what it is for, when it holds, what it costs. */
export const feeRuleSchema = z.strictObject({
  id: z.union([z.string().min(1), z.number()], { error: 'a text, unique in the table' }).transform(String),
  name: z.string().optional(),
  charge: name,
  on: eventTypes,
  priority: whole.optional(),
  from: date.optional(),
  until: date.optional(),
  when: conditionsSchema.optional(),
  amount: z.union([z.literal('none'), amountSchema], { error: 'none, or { fixed }, { percent, of } or { bands }' }),
});

/** A kind of fee. `scope` may be missing only where a base table says it. */
const feeChargeSchema = z.strictObject({
  name: z.string().optional(),
  scope: z.enum(['order', 'transaction', 'item', 'traveller', 'document'], { error: 'order, transaction, item, traveller or document' }).optional(),
  vat: name.optional(),
  vatIncluded: flag.optional(),
  rounding: rounding.optional(),
  once: z
    .union(
      [z.enum(['order', 'day']), z.strictObject({ within: z.string().regex(/^\d{1,6}[smhd]$/, { error: 'a duration such as 30s, 10m, 2h or 1d' }) })],
      { error: 'order, day or { within: 10m }' },
    )
    .optional(),
  capPerOrder: decimal.optional(),
  inherit: z.enum(['never', 'when-unmatched'], { error: 'never or when-unmatched' }).optional(),
  waive: z.strictObject({ upTo: decimal, role: name.optional() }).optional(),
  account: code.optional(),
});

const validFromError = { error: 'a day such as 2026-01-01, or an instant with offset such as 2026-01-01T00:00:00+01:00' };

/** Everything of a table but its rules. */
export const feeTableHeadSchema = z.strictObject({
  feeTable: name,
  name: z.string().optional(),
  owner: name.optional(),
  currency,
  validFrom: z.string(validFromError).regex(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:?\d{2}))?$/, validFromError),
  vatIncluded: flag.optional(),
  rounding: rounding.optional(),
  extends: name.optional(),
  remove: z.array(name).optional(),
  zones: z.record(z.string().min(1), z.array(code).min(1)).optional(),
  pairs: z
    .array(
      z.strictObject({
        between: z.tuple([code, code], { error: 'two places: [SIN, KUL]' }),
        as: z.enum(['domestic', 'regional', 'international'], { error: 'domestic, regional or international' }),
      }),
    )
    .optional(),
  charges: z.record(z.string().min(1), feeChargeSchema).optional(),
});

/** The whole file. */
export const feeTableSchema = feeTableHeadSchema.extend({ rules: z.array(feeRuleSchema).optional() });

type Readonlies<T> = T extends object ? { readonly [K in keyof T]: Readonlies<T[K]> } : T;

export type FeeTable = Readonlies<z.output<typeof feeTableSchema>>;
export type FeeRule = Readonlies<z.output<typeof feeRuleSchema>>;
export type FeeCharge = Readonlies<z.output<typeof feeChargeSchema>>;
export type FeeConditions = Readonlies<z.output<typeof conditionsSchema>>;
export type FeeAmount = Readonlies<z.output<typeof amountSchema>>;
export type FeeBand = Readonlies<z.output<typeof bandSchema>>;
export type FeeRounding = Readonlies<z.output<typeof rounding>>;
export type FeeScope = NonNullable<FeeCharge['scope']>;
export type FeePercentOf = Readonlies<z.output<typeof percentOf>>;
export type FeeMultiplier = z.output<typeof times>;

/** The JSON Schema that `schemas/fee-table.schema.json` holds, for editors that complete and check. */
export function feeTableJsonSchema(): Readonly<Record<string, unknown>> {
  return { title: 'midline fee table', ...z.toJSONSchema(feeTableSchema, { io: 'input', reused: 'ref' }) };
}
