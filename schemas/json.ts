import { type AvroType, nonNull, type RecordSchema, recordsOf } from './avro.js';
import { bookingEventSchema, type BookingEventRecords } from './booking-event.js';
import { customerEventSchema, type CustomerEventRecords } from './customer-event.js';
import { daysOf, instantOf, instantText } from './dates.js';
import { decimalOf, decimalProblem, unscaledOf } from './decimal.js';
import { orderEventSchema, type OrderEventRecords } from './order-event.js';

type Contracts = BookingEventRecords & OrderEventRecords & CustomerEventRecords;

/** The records of the contracts that have a JSON form, e.g. `BookingEvent`, `Booking`, `Party`, `OrderEvent`, `CustomerEvent`. */
export type RecordName = keyof Contracts;

/** Something in a JSON value that the contract does not allow: `{ path: 'booking.items[0].id', problem: 'is missing' }`. */
export interface JsonProblem {
  readonly path: string;
  readonly problem: string;
}

export type FromJson<N extends RecordName> = { readonly value: Contracts[N] } | { readonly problems: readonly JsonProblem[] };

const records = new Map<string, RecordSchema>([...recordsOf(bookingEventSchema), ...recordsOf(orderEventSchema), ...recordsOf(customerEventSchema)]);

/**
 * Reads the canonical JSON form of a record: decimals as text (a JSON number counts as its shortest text), days as `2026-05-10`,
 * instants as ISO 8601 with offset. Missing and null mean the same and are left out of the value.
 * All problems are reported at once; a field that the contract does not know is one of them.
 *
 * @param value what `JSON.parse` gave
 */
export function fromJson<N extends RecordName>(name: N, value: unknown): FromJson<N> {
  const problems: JsonProblem[] = [];
  const read = readType(name, value, '', (path, problem) => problems.push({ path, problem }));
  // The walk has seen every field of the contract; where it met none that is wrong, this is the type that is generated from it.
  return problems.length > 0 ? { problems } : { value: read as Contracts[N] };
}

/**
 * Writes the canonical JSON form of a record, ready for `JSON.stringify`: keys in the contract's order, nothing for null and missing,
 * instants as ISO 8601 in UTC (a moment that no calendar has stays a number).
 */
export function toJson<N extends RecordName>(name: N, value: Contracts[N]): Readonly<Record<string, unknown>> {
  return writeRecord(recordNamed(name), value);
}

type Report = (path: string, problem: string) => void;

function readType(type: AvroType, value: unknown, path: string, report: Report): unknown {
  if (typeof type === 'string') return readNamed(type, value, path, report);
  if (Array.isArray(type)) return readType(nonNull(type).type, value, path, report);
  switch (type.type) {
    case 'record':
      return readRecord(type, value, path, report);
    case 'array':
      return readArray(type.items, value, path, report);
    case 'map':
      return readMap(type.values, value, path, report);
    default:
      return readLogical(type.logicalType, value, path, report);
  }
}

function readNamed(type: string, value: unknown, path: string, report: Report): unknown {
  switch (type) {
    case 'string':
      return readText(value, path, report);
    case 'boolean':
      return typeof value === 'boolean' ? value : report(path, 'is not true or false');
    case 'int':
      return isInt(value) ? value : report(path, 'is not a whole number of 32 bits');
    case 'long':
      return Number.isSafeInteger(value) ? value : report(path, 'is not a whole number up to 2^53');
    default:
      return readRecord(recordNamed(type), value, path, report);
  }
}

const isInt = (value: unknown): boolean => typeof value === 'number' && (value | 0) === value;

function readText(value: unknown, path: string, report: Report): unknown {
  if (typeof value !== 'string') return report(path, 'is not a text');
  if (value.includes('\u0000')) return report(path, 'holds the character U+0000');
  if (/\p{Surrogate}/u.test(value)) return report(path, 'holds half of a surrogate pair');
  return value;
}

function readRecord(schema: RecordSchema, value: unknown, path: string, report: Report): unknown {
  if (!isObject(value)) return report(path, `is not an object (${schema.name})`);
  const names = schema.fields.map((field) => field.name);
  for (const key of Object.keys(value)) {
    if (!names.includes(key)) report(join(path, key), `is unknown; the nearest field is ${nearest(key, names)}`);
  }
  const entries = schema.fields.flatMap(({ name, type }): readonly (readonly [string, unknown])[] => {
    const { type: inner, optional } = nonNull(type);
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    if (given != null) return [[name, readType(inner, given, join(path, name), report)]];
    if (!optional) report(join(path, name), 'is missing');
    return [];
  });
  return Object.fromEntries(entries);
}

function readArray(items: AvroType, value: unknown, path: string, report: Report): unknown {
  if (!Array.isArray(value)) return report(path, 'is not a list');
  return value.map((item: unknown, index) => readType(items, item, `${path}[${index}]`, report));
}

function readMap(values: AvroType, value: unknown, path: string, report: Report): unknown {
  if (!isObject(value)) return report(path, 'is not an object');
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      readText(key, join(path, key), report);
      return [key, readType(values, item, join(path, key), report)];
    }),
  );
}

function readLogical(logicalType: string, value: unknown, path: string, report: Report): unknown {
  switch (logicalType) {
    case 'decimal':
      return readDecimal(value, path, report);
    case 'date':
      return typeof value === 'string' && daysOf(value) !== undefined ? value : report(path, 'is not a date such as 2026-05-10');
    default: {
      const instant = typeof value === 'string' ? instantOf(value) : undefined;
      return instant ?? report(path, 'is not an instant with offset such as 2026-05-10T12:00:00Z');
    }
  }
}

function readDecimal(value: unknown, path: string, report: Report): unknown {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return report(path, 'is not a decimal such as "82.50"');
  const unscaled = unscaledOf(text);
  return unscaled === undefined ? report(path, decimalProblem(text) ?? 'is not a decimal') : decimalOf(unscaled);
}

function writeRecord(schema: RecordSchema, value: object): Readonly<Record<string, unknown>> {
  const given: ReadonlyMap<string, unknown> = new Map(Object.entries(value));
  return Object.fromEntries(
    schema.fields.flatMap(({ name, type }): readonly (readonly [string, unknown])[] => {
      const field = given.get(name);
      return field == null ? [] : [[name, writeType(nonNull(type).type, field)]];
    }),
  );
}

function writeType(type: AvroType, value: unknown): unknown {
  if (typeof type === 'string') {
    const record = records.get(type);
    return record && isObject(value) ? writeRecord(record, value) : value;
  }
  if (Array.isArray(type)) return writeType(nonNull(type).type, value);
  switch (type.type) {
    case 'record':
      return isObject(value) ? writeRecord(type, value) : value;
    case 'array':
      return Array.isArray(value) ? value.map((item: unknown) => writeType(type.items, item)) : value;
    case 'map':
      return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, writeType(type.values, item)])) : value;
    default:
      return type.logicalType === 'timestamp-millis' && typeof value === 'number' ? (instantText(value) ?? value) : value;
  }
}

function recordNamed(name: string): RecordSchema {
  const record = records.get(name);
  if (record === undefined) throw new Error(`No contract has a record ${name}`);
  return record;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** The name that differs from a key by the fewest letters. */
export function nearest(key: string, names: readonly string[]): string {
  const distances = names.map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }));
  return distances.reduce((best, other) => (other.distance < best.distance ? other : best)).name;
}

/** Levenshtein's distance: the number of letters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 0; i < Math.min(a.length, 64); i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
