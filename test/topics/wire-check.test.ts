import { describe, expect, test } from '@jest/globals';
import avro from 'avsc';
import fc from 'fast-check';
import { bookingEventSchema } from '../../schemas/booking-event.js';
import { typeOf } from '../../workers/topics/avro-types.js';
import { createWireCheck, textLimit, zigzag } from '../../workers/topics/wire-check.js';
import { bookedEvent, smallestEvent } from './events.js';

const type = typeOf(bookingEventSchema);
const check = createWireCheck(type);
const bytes = type.toBuffer(bookedEvent);

/** A small writer's type, and the check of it. */
const list = typeOf({
  type: 'record',
  name: 'L',
  fields: [
    { name: 'names', type: { type: 'array', items: 'string' } },
    { name: 'counts', type: { type: 'map', values: 'int' } },
  ],
});
const checkList = createWireCheck(list);
const long = (value: number): Buffer => avro.Type.forSchema('long').toBuffer(value);
const text = (value: string | Buffer): Buffer => Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)]);

describe('the bytes of a message, before avsc reads them', () => {
  test('a sound event has no problem', () => {
    expect(check(bytes, 0)).toBeUndefined();
    expect(check(type.toBuffer(smallestEvent), 0)).toBeUndefined();
  });

  test('an event that ends early is no event, wherever it ends', () => {
    for (let length = 0; length < bytes.length; length++) expect(check(bytes.subarray(0, length), 0)?.code).toBe('DECODE');
  });

  test('bytes that are left over are refused', () => {
    expect(check(Buffer.concat([bytes, Buffer.from([0])]), 0)).toEqual({ code: 'DECODE', reason: '1 bytes are left over behind the value' });
  });

  /** Seen to fail without the limit of a block's count. Without any check avsc makes a list of that length and does not come back. */
  test.each([2 ** 31, 2 ** 45, -(2 ** 45)])('a list of %d elements in a short message is garbage', (count) => {
    const hostile = Buffer.concat([long(count), ...(count < 0 ? [long(1)] : []), text('a'), long(0), long(0)]);
    expect(checkList(hostile, 0)).toMatchObject({
      code: 'DECODE',
      reason: expect.stringMatching(/^names: a block of \d+ elements is longer than the message$/),
    });
  });

  test('lists and maps may come in sized blocks, as Java writes them', () => {
    const names = Buffer.concat([text('Anna'), text('Jörg')]);
    const counts = Buffer.concat([text('ADT'), long(2)]);
    const body = Buffer.concat([long(-2), long(names.length), names, long(1), text('Eva'), long(0), long(-1), long(counts.length), counts, long(0)]);
    expect(checkList(body, 0)).toBeUndefined();
    expect(list.fromBuffer(body)).toEqual({ names: ['Anna', 'Jörg', 'Eva'], counts: { ADT: 2 } });
  });

  test('a block that lies about its size is refused: a reader that skips it would land elsewhere', () => {
    const body = Buffer.concat([long(-1), long(9), text('Anna'), long(0), long(0)]);
    expect(checkList(body, 0)).toEqual({ code: 'DECODE', reason: 'names: a block does not end where it says' });
  });

  /** Seen to fail without isUtf8: avsc reads U+FFFD. */
  test.each([
    ['a lone continuation byte', [0x61, 0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a character that is cut off', [0x61, 0xe2, 0x82]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ])('%s is no text', (_, characters) => {
    const bad = text(Buffer.from(characters));
    expect(checkList(Buffer.concat([long(1), bad, long(0), long(0)]), 0)).toEqual({ code: 'TEXT', reason: 'names: the text is not valid UTF-8' });
    expect(checkList(Buffer.concat([long(0), long(1), bad, long(2), long(0)]), 0)).toEqual({
      code: 'TEXT',
      reason: 'counts: the text is not valid UTF-8',
    });
  });

  test('a legal U+FFFD is a text like any other', () => {
    expect(check(type.toBuffer({ ...smallestEvent, agent: '\ufffd' }), 0)).toBeUndefined();
  });

  test('U+0000 is refused with the path of its field', () => {
    const event = { ...smallestEvent, booking: { travellers: [{ id: 't1', familyName: 'Mül\u0000ler' }] } };
    expect(check(type.toBuffer(event), 0)).toEqual({ code: 'TEXT', reason: 'booking.travellers.familyName: the text holds U+0000' });
    expect(check(type.toBuffer({ ...smallestEvent, booking: { attributes: { '\u0000': '' } } }), 0)?.code).toBe('TEXT');
  });

  test('a key __proto__ is refused: it would vanish from the object', () => {
    const body = Buffer.concat([long(0), long(1), text('__proto__'), long(2), long(0)]);
    expect(checkList(body, 0)).toEqual({ code: 'TEXT', reason: 'counts: a map has the key __proto__' });
  });

  test('a text may have a mebibyte and no byte more', () => {
    expect(check(type.toBuffer({ ...smallestEvent, agent: 'x'.repeat(textLimit) }), 0)).toBeUndefined();
    expect(check(type.toBuffer({ ...smallestEvent, agent: 'x'.repeat(textLimit + 1) }), 0)).toEqual({
      code: 'SIZE',
      reason: `agent: a text of ${textLimit + 1} bytes is longer than ${textLimit}`,
    });
  });

  test('numbers, branches, symbols and booleans that do not exist are refused', () => {
    const reasonOf = (schema: unknown, ...body: number[]): string | undefined => createWireCheck(typeOf(schema))(Buffer.from(body), 0)?.reason;
    expect(reasonOf('boolean', 2)).toBe('2 is no boolean');
    expect(reasonOf('int', 0xff, 0xff, 0xff, 0xff, 0x1f)).toBe('a whole number has more than 32 bits');
    expect(reasonOf('int', 0xff, 0xff, 0xff, 0xff, 0xff, 1)).toBe('a whole number is longer than 5 bytes');
    expect(reasonOf('long', ...Array<number>(10).fill(0xff), 0)).toBe('a whole number is longer than 10 bytes');
    expect(reasonOf('long', ...Array<number>(9).fill(0xff), 2)).toBe('a whole number has more than 64 bits');
    expect(reasonOf(['null', 'string'], 4)).toBe('there is no branch 2 in its union');
    expect(reasonOf(['null', 'string'], 1)).toBe('there is no branch -1 in its union');
    expect(reasonOf({ type: 'enum', name: 'E', symbols: ['A'] }, 2)).toBe('there is no symbol 1 in its enum');
    expect(reasonOf('string', 1)).toBe('a length is -1');
    expect(reasonOf('double', 1, 2, 3)).toBe('the message ends in the middle of a value');
    expect(reasonOf({ type: 'fixed', name: 'F', size: 2 }, 1)).toBe('the message ends in the middle of a value');
  });

  // Seen to fail without the look at the schema; such a list can count for ever, for no bytes limit how many nothings it holds.
  test('a list of values that take no byte is not read', () => {
    const nothings = (items: object | string) => () => createWireCheck(typeOf({ type: 'record', name: 'R', fields: [{ name: 'list', type: { type: 'array', items } }] }));
    expect(nothings('null')).toThrow('a list of values that take no byte');
    expect(nothings({ type: 'record', name: 'E', fields: [{ name: 'n', type: 'null' }] })).toThrow('a list of values that take no byte');
  });

  test('a schema that contains itself is followed, not without end', () => {
    const node = typeOf({ type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }] });
    const nested = (depth: number): Buffer => Buffer.from([...Array<number>(depth).fill(2), 0]);
    expect(createWireCheck(node)(nested(20), 0)).toBeUndefined();
    expect(createWireCheck(node)(nested(100_000), 0)?.code).toBe('DECODE');
  });

  test('whatever happens to the bytes, what the check lets pass can be read', () => {
    const damage = fc.record({ position: fc.nat(bytes.length - 1), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
        const damaged = Buffer.from(bytes);
        for (const { position, value } of damages) damaged[position] = value;
        if (check(damaged, 0) === undefined) type.fromBuffer(damaged);
      }),
      { numRuns: 3000 },
    );
  });

  test('a zigzag number is the one that was written, the nearest one beyond 2^53', () => {
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => zigzag(...varint(value)) === Number(value)));
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => zigzag(...varint(BigInt(value))) === value));
  });
});

function varint(value: bigint): [Buffer, number, number] {
  const digits: number[] = [];
  let rest = value < 0n ? value * -2n - 1n : value * 2n;
  for (; rest > 0x7fn; rest >>= 7n) digits.push(Number(rest & 0x7fn) | 0x80);
  return [Buffer.from([...digits, Number(rest)]), 0, digits.length + 1];
}
