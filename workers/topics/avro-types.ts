import avro, { type Type } from 'avsc';
import { dateOf, daysOf } from '../../schemas/dates.js';
import { decimalOf, decimalOfNumber, unscaledOf } from '../../schemas/decimal.js';
import { zigzag } from './wire-check.js';

/**
 * The type of a schema with the contracts' logical types: decimals and days are texts, instants are milliseconds.
 *
 * What the wire can carry and the contract cannot is no crash here but a value that a validation refuses: a decimal of more than
 * 18 digits keeps them all, a day beyond the years 1 to 9999 becomes a text that is no date, a long beyond 2^53 the nearest number.
 *
 * @throws where the schema is no Avro schema
 */
export function typeOf(schema: unknown): Type {
  if (!isSchema(schema)) throw new Error('is no Avro schema');
  return avro.Type.forSchema(schema, { logicalTypes, registry: { long: wideLong }, wrapUnions: 'auto', omitRecordMethods: true });
}

type Schema = Parameters<typeof avro.Type.forSchema>[0];

/** Only the outermost shape: avsc itself looks at the rest. */
const isSchema = (schema: unknown): schema is Schema => typeof schema === 'string' || (typeof schema === 'object' && schema !== null);

/** avsc's own long throws beyond 2^53 and would turn an impossible time into bytes that nobody can read. */
const wideLong = avro.types.LongType.__with(
  {
    fromBuffer: (bytes: Buffer) => zigzag(bytes, 0, bytes.length),
    toBuffer: zigzagBytes,
    fromJSON: (value: number) => value,
    toJSON: (value: number) => value,
    isValid: Number.isSafeInteger,
    compare: (a: number, b: number) => a - b,
  },
  true,
);

function zigzagBytes(value: number): Buffer {
  return Math.abs(value) < exactlyDoubled ? smallZigzagBytes(value < 0 ? value * -2 - 1 : value * 2) : largeZigzagBytes(BigInt(value));
}

/** Below it twice the number is exact too. */
const exactlyDoubled = 2 ** 52;

function smallZigzagBytes(zigzagged: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  let length = 0;
  let rest = zigzagged;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes[length++] = (rest % 0x80) | 0x80;
  bytes[length++] = rest;
  return bytes.subarray(0, length);
}

function largeZigzagBytes(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value < 0n ? value * -2n - 1n : value * 2n;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

class DecimalType extends avro.types.LogicalType {
  readonly scale: number;

  constructor(schema: Schema, options?: unknown) {
    super(schema, options);
    this.scale = scaleOf(schema);
  }

  protected override _fromValue(bytes: Buffer): string {
    return decimalText(bytes);
  }

  /** Undefined tells avsc that the value cannot be written. */
  protected override _toValue(text: unknown): Buffer | undefined {
    return typeof text === 'string' ? bytesOfDecimal(text) : undefined;
  }

  /** A decimal of another scale, or bytes that name none, would be read as another amount. */
  protected override _resolve(writer: Type): ((text: string) => string) | undefined {
    return writer instanceof DecimalType && writer.scale === this.scale ? asItIs : undefined;
  }
}

class DateType extends avro.types.LogicalType {
  protected override _fromValue(days: number): string {
    return dayText(days);
  }

  protected override _toValue(date: unknown): number | undefined {
    return typeof date === 'string' ? daysOfText(date) : undefined;
  }

  protected override _resolve(writer: Type): unknown {
    if (writer instanceof DateType) return asItIs;
    return writer.typeName === 'int' ? dayText : undefined;
  }
}

class InstantType extends avro.types.LogicalType {
  /** By its name alone: only then avsc looks into the registry, where our long is. */
  constructor(_schema: Schema, options?: unknown) {
    super('long', options);
  }

  protected override _fromValue(milliseconds: number): number {
    return milliseconds;
  }

  protected override _toValue(milliseconds: unknown): unknown {
    return milliseconds;
  }

  protected override _resolve(writer: Type): unknown {
    return writer instanceof InstantType || writer.typeName === 'long' || writer.typeName === 'abstract:long' ? asItIs : undefined;
  }
}

/** Times in another unit: known, so that nobody reads microseconds as milliseconds. */
class OtherTimeType extends avro.types.LogicalType {
  protected override _fromValue(value: unknown): unknown {
    return value;
  }

  protected override _toValue(value: unknown): unknown {
    return value;
  }

  protected override _resolve(): undefined {
    return undefined;
  }
}

const logicalTypes = {
  decimal: DecimalType,
  date: DateType,
  'timestamp-millis': InstantType,
  'timestamp-micros': OtherTimeType,
  'timestamp-nanos': OtherTimeType,
  'local-timestamp-millis': OtherTimeType,
  'local-timestamp-micros': OtherTimeType,
  'local-timestamp-nanos': OtherTimeType,
  'time-millis': OtherTimeType,
  'time-micros': OtherTimeType,
};

const asItIs = <T>(value: T): T => value;

function scaleOf(schema: unknown): number {
  const scale = typeof schema === 'object' && schema !== null && 'scale' in schema ? schema.scale : 0;
  return typeof scale === 'number' ? scale : Number.NaN;
}

const safeBytes = 6;
const longestDecimal = 64;

/** The shortest exact text of a big-endian two's complement number of ten-thousandths. */
function decimalText(bytes: Buffer): string {
  if (bytes.length === 0 || bytes.length > longestDecimal) return `decimal of ${bytes.length} bytes`;
  if (bytes.length <= safeBytes) return decimalOfNumber(bytes.readIntBE(0, bytes.length));
  return decimalOf(BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`)));
}

/** Prices repeat: their bytes are worth remembering. They are only read. */
const decimalsWritten = new Map<string, Buffer>();
const mostDecimals = 20_000;

function bytesOfDecimal(text: string): Buffer | undefined {
  const known = decimalsWritten.get(text);
  if (known !== undefined) return known;
  const unscaled = unscaledOf(text);
  if (unscaled === undefined) return undefined;
  const bytes = decimalBytes(unscaled);
  if (decimalsWritten.size >= mostDecimals) decimalsWritten.clear();
  decimalsWritten.set(text, bytes);
  return bytes;
}

/** The fewest bytes that hold the number, as Java's BigInteger writes it. */
function decimalBytes(unscaled: bigint): Buffer {
  const eight = Buffer.allocUnsafe(8);
  eight.writeBigInt64BE(unscaled);
  const sign = unscaled < 0n ? 0xff : 0;
  let start = 0;
  while (start < 7 && eight[start] === sign && ((eight[start + 1] ?? 0) & 0x80) === (sign & 0x80)) start++;
  return eight.subarray(start);
}

/** Bookings lie within some years: their days are worth remembering, both ways. */
const dayTexts = new Map<number, string>();
const dayNumbers = new Map<string, number>();
const mostDays = 10_000;

function dayText(days: number): string {
  const known = dayTexts.get(days);
  if (known !== undefined) return known;
  const text = dateOf(days);
  if (dayTexts.size < mostDays) dayTexts.set(days, text);
  return text;
}

function daysOfText(date: string): number | undefined {
  const known = dayNumbers.get(date);
  if (known !== undefined) return known;
  const days = daysOf(date);
  if (days !== undefined && dayNumbers.size < mostDays) dayNumbers.set(date, days);
  return days;
}
