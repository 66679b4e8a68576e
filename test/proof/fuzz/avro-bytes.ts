import { nonNull, recordsOf, type AvroType } from '../../../schemas/avro.js';
import { bookingEventSchema } from '../../../schemas/booking-event.js';
import { hostileDecimal, hostileInt, hostileLong, hostileText } from './hostile-values.js';
import type { Random } from './random.js';

/** A whole number as Avro writes it: zigzag, seven bits a byte. */
export function avroLong(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

export const avroBytes = (bytes: Buffer): Buffer => Buffer.concat([avroLong(bytes.length), bytes]);

/** Zero byte, schema id, body. */
export function message(id: number, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeInt32BE(id, 1);
  return Buffer.concat([header, body]);
}

/** Values that a record shall have by the path of its field; all others are left to chance. */
export type Chosen = Readonly<Record<string, Buffer>>;

const records = recordsOf(bookingEventSchema);

/**
 * A booking event that the schema allows and nobody would write: every field that is not chosen is missing or some value of its type.
 * @param fill one in so many optional fields is there
 */
export function nonsenseEvent(random: Random, fill: number, chosen: Chosen): Buffer {
  function write(type: AvroType, path: string): Buffer {
    const given = chosen[path];
    if (given !== undefined) return given;
    if (Array.isArray(type)) return random.once(fill) || holdsChosen(path) ? Buffer.concat([avroLong(type.indexOf('null') === 0 ? 1 : 0), write(nonNull(type).type, path)]) : avroLong(type.indexOf('null'));
    if (typeof type === 'string') return writeNamed(type, path);
    switch (type.type) {
      case 'record':
        return Buffer.concat(type.fields.map((field) => write(field.type, path === '' ? field.name : `${path}.${field.name}`)));
      case 'array':
        return writeBlock(() => write(type.items, path));
      case 'map':
        return writeBlock(() => Buffer.concat([avroBytes(Buffer.from(hostileText(random))), write(type.values, path)]));
      default:
        return type.logicalType === 'decimal' ? avroBytes(hostileDecimal(random)) : avroLong(type.logicalType === 'date' ? hostileInt(random) : hostileLong(random));
    }
  }

  function writeNamed(type: string, path: string): Buffer {
    const record = records.get(type.slice(type.lastIndexOf('.') + 1));
    if (record !== undefined) return write(record, path);
    if (type === 'string') return avroBytes(Buffer.from(hostileText(random)));
    if (type === 'boolean') return Buffer.from([random.int(2)]);
    return avroLong(type === 'int' ? hostileInt(random) : hostileLong(random));
  }

  function writeBlock(element: () => Buffer): Buffer {
    const elements = Array.from({ length: random.int(4) }, element);
    return elements.length === 0 ? avroLong(0) : Buffer.concat([avroLong(elements.length), ...elements, avroLong(0)]);
  }

  const holdsChosen = (path: string): boolean => Object.keys(chosen).some((other) => other.startsWith(`${path}.`));
  return write(bookingEventSchema, '');
}
