import { isUtf8 } from 'node:buffer';
import avro, { type Type } from 'avsc';

/** What can be wrong with the bytes themselves. */
export interface WireProblem {
  readonly code: 'DECODE' | 'TEXT' | 'SIZE';
  readonly reason: string;
}

/** Looks at the bytes of one value from `start` to the end; undefined where they are sound. */
export type WireCheck = (bytes: Buffer, start: number) => WireProblem | undefined;

export const textLimit = 1024 * 1024;
const depthLimit = 64;

/**
 * A check of a writer's bytes before avsc reads them. avsc trusts its input: it allocates what a garbage count asks for, reads on
 * behind the end, and turns invalid UTF-8 into U+FFFD without a word. This walk allocates nothing and finds all of that:
 * truncation and left-over bytes, impossible counts, sizes, branches and numbers, and texts (keys of maps included) that are no UTF-8,
 * hold U+0000 or are too long. Lists may be written in sized blocks (negative counts), as Java does.
 *
 * @param writer the type that the bytes were written with
 * @throws where no bytes of it could be trusted: a list of values that take no byte has a count that nothing limits
 */
export function createWireCheck(writer: Type): WireCheck {
  const step = stepFor(writer, new Map());
  return (bytes, start) => {
    try {
      const end = step(bytes, start, 0);
      if (end < bytes.length) throw new WireFault('DECODE', `${bytes.length - end} bytes are left over behind the value`);
      return undefined;
    } catch (error) {
      if (error instanceof WireFault) return { code: error.code, reason: error.message };
      throw error;
    }
  };
}

/** Walks over one value and answers where it ends, or throws a WireFault. */
type Step = (bytes: Buffer, position: number, depth: number) => number;

class WireFault extends Error {
  override readonly name = 'WireFault';
  readonly code: WireProblem['code'];
  readonly problem: string;

  constructor(code: WireProblem['code'], problem: string, path = '') {
    super(path === '' ? problem : `${path}: ${problem}`);
    this.code = code;
    this.problem = problem;
  }
}

function stepFor(type: Type, known: Map<Type, Step>): Step {
  const before = known.get(type);
  if (before !== undefined) return before;
  // A record may contain itself: whoever meets it while it is being made calls it by this detour.
  known.set(type, (bytes, position, depth) => (known.get(type) ?? impossible)(bytes, position, depth));
  const step = newStep(type, known);
  known.set(type, step);
  return step;
}

const impossible: Step = () => {
  throw new WireFault('DECODE', 'the schema contains itself without end');
};

function newStep(type: Type, known: Map<Type, Step>): Step {
  const { types } = avro;
  if (type instanceof types.LogicalType) return stepFor(type.underlyingType, known);
  if (type instanceof types.RecordType) return recordStep(type.fields.map((field) => [field.name, stepFor(field.type, known)]));
  if (type instanceof types.UnwrappedUnionType || type instanceof types.WrappedUnionType)
    return unionStep(type.types.map((branch) => stepFor(branch, known)));
  if (type instanceof types.ArrayType) {
    if (takesNoByte(type.itemsType)) throw new Error('a list of values that take no byte is not read');
    return blocksStep(stepFor(type.itemsType, known));
  }
  if (type instanceof types.MapType) return blocksStep(entryStep(stepFor(type.valuesType, known)));
  if (type instanceof types.EnumType) return enumStep(type.symbols.length);
  if (type instanceof types.FixedType) return fixedStep(type.size);
  return primitiveStep(type.typeName);
}

function takesNoByte(type: Type): boolean {
  if (type instanceof avro.types.RecordType) return type.fields.every((field) => takesNoByte(field.type));
  return type.typeName === 'null';
}

function primitiveStep(typeName: string): Step {
  switch (typeName) {
    case 'null':
      return skipNothing;
    case 'boolean':
      return skipBoolean;
    case 'int':
      return skipInt;
    case 'long':
    case 'abstract:long':
      return skipLong;
    case 'float':
      return fixedStep(4);
    case 'double':
      return fixedStep(8);
    case 'bytes':
      return skipBytes;
    case 'string':
      return skipText;
    default:
      throw new Error(`No wire check for the type ${typeName}`);
  }
}

function recordStep(fields: readonly (readonly [name: string, step: Step])[]): Step {
  const steps = fields.map(([, step]) => step);
  return (bytes, start, depth) => {
    if (depth > depthLimit) throw new WireFault('DECODE', `records lie in each other more than ${depthLimit} deep`);
    let position = start;
    let index = 0;
    try {
      for (; index < steps.length; index++) position = (steps[index] ?? impossible)(bytes, position, depth + 1);
    } catch (error) {
      throw error instanceof WireFault ? within(fields[index]?.[0] ?? '', error) : error;
    }
    return position;
  };
}

function within(field: string, { code, message, problem }: WireFault): WireFault {
  const path = message.length > problem.length ? `.${message.slice(0, -problem.length - 2)}` : '';
  return new WireFault(code, problem, `${field}${path}`);
}

function unionStep(branches: readonly Step[]): Step {
  const nullFirst = branches[0] === skipNothing;
  return (bytes, position, depth) => {
    // The branch is a zigzag number: one byte for the two branches that all contracts have, and most often that of null.
    const first = bytes[position];
    if (nullFirst && first === 0) return position + 1;
    const usual = first === undefined || first & 0x81 ? undefined : branches[first >> 1];
    if (usual !== undefined) return usual(bytes, position + 1, depth);
    const { value, end } = readLong(bytes, position);
    const step = branches[value];
    if (step === undefined) throw new WireFault('DECODE', `there is no branch ${value} in its union`);
    return step(bytes, end, depth);
  };
}

/** Lists and maps: blocks of a count and so many elements; a negative count is followed by the size of its block; 0 ends them. */
function blocksStep(element: Step): Step {
  return (bytes, start, depth) => {
    let block = readLong(bytes, start);
    while (block.value !== 0) {
      const size = block.value < 0 ? readLong(bytes, block.end) : undefined;
      const first = size?.end ?? block.end;
      const end = skipElements(element, Math.abs(block.value), bytes, first, depth);
      if (size !== undefined && first + size.value !== end) throw new WireFault('DECODE', 'a block does not end where it says');
      block = readLong(bytes, end);
    }
    return block.end;
  };
}

function skipElements(element: Step, count: number, bytes: Buffer, start: number, depth: number): number {
  // Every element takes a byte at least; a count beyond that is garbage, and avsc would allocate it.
  if (count > bytes.length - start) throw new WireFault('DECODE', `a block of ${count} elements is longer than the message`);
  let position = start;
  for (let index = 0; index < count; index++) position = element(bytes, position, depth);
  return position;
}

function entryStep(value: Step): Step {
  return (bytes, position, depth) => {
    const end = skipText(bytes, position);
    // avsc fills plain objects, where this key would vanish.
    const length = end - skipVarint(bytes, position, 10);
    if (length === 9 && bytes.toString('latin1', end - length, end) === '__proto__') throw new WireFault('TEXT', 'a map has the key __proto__');
    return value(bytes, end, depth);
  };
}

function enumStep(symbols: number): Step {
  return (bytes, position) => {
    const { value, end } = readLong(bytes, position);
    if (value < 0 || value >= symbols) throw new WireFault('DECODE', `there is no symbol ${value} in its enum`);
    return end;
  };
}

function fixedStep(size: number): Step {
  return (bytes, position) => inside(bytes, position + size);
}

function skipNothing(_: Buffer, position: number): number {
  return position;
}

function skipBoolean(bytes: Buffer, position: number): number {
  const value = bytes[position];
  if (value === undefined) throw truncated();
  if (value > 1) throw new WireFault('DECODE', `${value} is no boolean`);
  return position + 1;
}

function skipInt(bytes: Buffer, start: number): number {
  const end = skipVarint(bytes, start, 5);
  if (end - start === 5 && (bytes[end - 1] ?? 0) > 0x0f) throw new WireFault('DECODE', 'a whole number has more than 32 bits');
  return end;
}

function skipLong(bytes: Buffer, start: number): number {
  const end = skipVarint(bytes, start, 10);
  if (end - start === 10 && (bytes[end - 1] ?? 0) > 1) throw new WireFault('DECODE', 'a whole number has more than 64 bits');
  return end;
}

function skipVarint(bytes: Buffer, start: number, longest: number): number {
  for (let position = start; position < start + longest; position++) {
    const byte = bytes[position];
    if (byte === undefined) throw truncated();
    if (byte < 0x80) return position + 1;
  }
  throw new WireFault('DECODE', `a whole number is longer than ${longest} bytes`);
}

function skipBytes(bytes: Buffer, start: number): number {
  const first = bytes[start];
  if (first !== undefined && (first & 0x81) === 0) return inside(bytes, start + 1 + (first >> 1));
  const { value, end } = readLong(bytes, start);
  if (value < 0) throw new WireFault('DECODE', `a length is ${value}`);
  return inside(bytes, end + value);
}

function skipText(bytes: Buffer, start: number): number {
  const end = skipBytes(bytes, start);
  const first = (bytes[start] ?? 0) < 0x80 ? start + 1 : skipVarint(bytes, start, 10);
  if (end - first > textLimit) throw new WireFault('SIZE', `a text of ${end - first} bytes is longer than ${textLimit}`);
  let anyHigh = 0;
  for (let position = first; position < end; position++) {
    const byte = bytes[position] ?? 0;
    if (byte === 0) throw new WireFault('TEXT', 'the text holds U+0000');
    anyHigh |= byte;
  }
  if (anyHigh >= 0x80 && !isUtf8(bytes.subarray(first, end))) throw new WireFault('TEXT', 'the text is not valid UTF-8');
  return end;
}

function inside(bytes: Buffer, end: number): number {
  if (end > bytes.length) throw truncated();
  return end;
}

const truncated = (): WireFault => new WireFault('DECODE', 'the message ends in the middle of a value');

/** A zigzag number. Beyond 2^53 it is rounded: as a count, length or branch it is refused anyway. */
function readLong(bytes: Buffer, start: number): { readonly value: number; readonly end: number } {
  const end = skipLong(bytes, start);
  return { value: zigzag(bytes, start, end), end };
}

/** The number of the zigzag varint from `start` to `end`; exact up to 2^53, the nearest number beyond. */
export function zigzag(bytes: Buffer, start: number, end: number): number {
  if (end - start <= 4) {
    let bits = 0;
    for (let position = end - 1; position >= start; position--) bits = (bits << 7) | ((bytes[position] ?? 0) & 0x7f);
    return (bits >>> 1) ^ -(bits & 1);
  }
  if (end - start <= 7) {
    let bits = 0;
    for (let position = end - 1; position >= start; position--) bits = bits * 128 + ((bytes[position] ?? 0) & 0x7f);
    return bits % 2 === 1 ? -(bits + 1) / 2 : bits / 2;
  }
  let bits = 0n;
  for (let position = end - 1; position >= start; position--) bits = (bits << 7n) | BigInt((bytes[position] ?? 0) & 0x7f);
  return Number(BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n)));
}
