import { nonNull, recordsOf, type AvroType, type LogicalSchema, type RecordField, type RecordSchema } from '../../schemas/avro.js';
import { bookingEventSchema, type BookingEvent } from '../../schemas/booking-event.js';
import { customerEventSchema, type CustomerEvent } from '../../schemas/customer-event.js';
import { daysOf } from '../../schemas/dates.js';
import { decimalProblem } from '../../schemas/decimal.js';
import type { RejectionCode } from './rejection.js';

/** What is wrong with a field, in words that follow its path. */
export interface Fault {
  readonly code: RejectionCode;
  readonly path: string;
  readonly says: string;
}

/**
 * The first field of an event whose value alone is impossible; null if every one is possible.
 * The rules follow from the contract's types, so that a field added there is looked at without being named here:
 * required texts are not blank and short enough for an index, texts can be stored, days and moments lie within 1900–2200, decimals and currencies are some.
 */
export function fieldFault(event: BookingEvent): Fault | null {
  return eventRule(event);
}

/** The same of a customer event. */
export function customerFieldFault(event: CustomerEvent): Fault | null {
  return customerRule(event);
}

type Rule = (value: unknown) => Fault | null;

const records = new Map([...recordsOf(customerEventSchema), ...recordsOf(bookingEventSchema)]);
const recordRules = new Map<string, Rule>();

function ruleOf(type: AvroType, name: string, required: boolean): Rule {
  if (typeof type === 'string') return namedRule(type, name, required);
  if (Array.isArray(type)) return ruleOf(nonNull(type).type, name, false);
  switch (type.type) {
    case 'record':
      return recordRule(type);
    case 'array':
      return listRule(ruleOf(type.items, name, false));
    case 'map':
      return mapRule(ruleOf(type.values, name, false));
    default:
      return logicalRules[type.logicalType];
  }
}

function namedRule(type: string, name: string, required: boolean): Rule {
  if (type === 'string' && name === 'currency') return required ? requiredCurrencyFault : currencyFault;
  if (type === 'string') return required ? nameFault : textFault;
  if (type === 'int') return countFault;
  const record = records.get(type.slice(type.lastIndexOf('.') + 1));
  return record === undefined ? () => null : recordRule(record);
}

function recordRule(record: RecordSchema): Rule {
  const known = recordRules.get(record.name);
  if (known !== undefined) return known;
  const fields = record.fields.map(fieldRule);
  const rule: Rule = (value) => {
    if (!isRecord(value)) return fault('REQUIRED', 'is no record');
    for (const { name, required, check } of fields) {
      const field = value[name];
      const found = field != null ? check(field) : required ? fault('REQUIRED', 'is missing') : null;
      if (found !== null) return within(name, found);
    }
    return null;
  };
  recordRules.set(record.name, rule);
  return rule;
}

function fieldRule({ name, type }: RecordField): { readonly name: string; readonly required: boolean; readonly check: Rule } {
  const required = !Array.isArray(type);
  return { name, required, check: ruleOf(type, name, required) };
}

/** No booking has so many of anything; what is compared with everything else in it would take minutes. */
const longestList = 5_000;

const listRule = (check: Rule): Rule => (list) => {
  if (!Array.isArray(list)) return null;
  if (list.length > longestList) return tooMany(list.length);
  for (let index = 0; index < list.length; index += 1) {
    const found = check(list[index]);
    if (found !== null) return within(`[${index}]`, found);
  }
  return null;
};

const mapRule = (check: Rule): Rule => (map) => {
  if (!isRecord(map)) return null;
  let count = 0;
  for (const key in map) {
    count += 1;
    if (count > longestList) return tooMany(Object.keys(map).length);
    const found = textFault(key) ?? check(map[key]);
    if (found !== null) return within(shown(key), found);
  }
  return null;
};

const longestText = 1_048_576;
/** Names are parts of index keys, several of which share a row of at most 2,704 bytes. */
const longestName = 512;
/** A quick look that most texts pass, and the exact one: with the flag `u` only half a pair is a surrogate. */
const suspicious = /[\0\ud800-\udfff]/;
const unstorable = /[\0\p{Surrogate}]/u;

/** U+0000 and lone surrogates are no text that Postgres can keep. */
function textFault(text: unknown): Fault | null {
  if (typeof text !== 'string') return null;
  if (suspicious.test(text) && unstorable.test(text)) return fault('TEXT', 'holds U+0000 or half of a surrogate pair');
  return isLongerThan(text, longestText) ? fault('SIZE', `is longer than ${longestText} bytes`) : null;
}

/** Whether a text is one that can be part of a key. */
export function nameFault(text: unknown): Fault | null {
  if (typeof text !== 'string' || text.trim() === '') return fault('REQUIRED', 'is empty');
  return isLongerThan(text, longestName) ? fault('SIZE', `is longer than ${longestName} bytes`) : textFault(text);
}

/** No character has more than three bytes a UTF-16 unit, so most texts need no counting. */
const isLongerThan = (text: string, bytes: number): boolean => text.length * 3 > bytes && (text.length > bytes || new TextEncoder().encode(text).length > bytes);

const requiredCurrencyFault: Rule = (text) => nameFault(text) ?? currencyFault(text);

function currencyFault(text: unknown): Fault | null {
  if (typeof text === 'string' && /^[A-Z]{3}$/.test(text)) return null;
  return textFault(text) ?? fault('AMOUNT', `is ${shown(String(text))}; a currency is three capital letters such as EUR`);
}

/** Nights, quantities, persons, ages, minutes: there are no fewer than none. */
const countFault: Rule = (count) => (typeof count === 'number' && Number.isInteger(count) && count >= 0 ? null : fault('AMOUNT', `is ${String(count)}; it must be a whole number, 0 or more`));

/** Most amounts and days are seen to be some by their form; the others are looked at closely. */
const plainDecimal = /^-?\d{1,14}(?:\.\d{1,4})?$/;
const dayInEveryMonth = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])$/;
const isDay = (day: string): boolean => dayInEveryMonth.test(day) || daysOf(day) !== undefined;

const earliest = Date.UTC(1900, 0, 1);
const latest = Date.UTC(2201, 0, 1);

const logicalRules: Readonly<Record<LogicalSchema['logicalType'], Rule>> = {
  'timestamp-millis': (time) =>
    typeof time === 'number' && time >= earliest && time < latest ? null : fault('TIME', `is ${String(time)} ms after 1970; a time lies in the years 1900 to 2200`),
  date: (day) =>
    typeof day === 'string' && day >= '1900-01-01' && day <= '2200-12-31' && isDay(day) ? null : fault('DATE', `is ${shown(String(day))}; a date is a day such as 2026-05-10 in the years 1900 to 2200`),
  decimal: (amount) => {
    if (typeof amount !== 'string') return fault('AMOUNT', 'is no decimal');
    const problem = plainDecimal.test(amount) ? undefined : decimalProblem(amount);
    return problem === undefined ? null : fault('AMOUNT', problem);
  },
};

const tooMany = (count: number): Fault => fault('SIZE', `holds ${count} entries; at most ${longestList} are allowed`);

const fault = (code: RejectionCode, says: string): Fault => ({ code, path: '', says });

/** Paths are put together on the way out, so that a good event pays for none. */
export function within(name: string, { code, path, says }: Fault): Fault {
  return { code, path: path === '' || path.startsWith('[') ? `${name}${path}` : `${name}.${path}`, says };
}

/** A value as a reason may show it: cut, and escaped so that the reason itself can be stored. */
export const shown = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

/** Made once, after everything that they are made of. */
const eventRule = recordRule(bookingEventSchema);
const customerRule = recordRule(customerEventSchema);
