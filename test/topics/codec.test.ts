import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import avro from 'avsc';
import { bookingEventSchema } from '../../schemas/booking-event.js';
import { bookingEventsSubject, type Codec, createCodec, itemLimit, messageLimit, schemaIdOf } from '../../workers/topics/codec.js';
import { typeOf } from '../../workers/topics/avro-types.js';
import { createSchemaRegistry, SchemaRegistryError } from '../../workers/topics/schema-registry.js';
import { servers } from '../servers.js';
import { bookedEvent, smallestEvent, withoutNulls } from './events.js';

let registryUrl: string;
let codec: Codec;

beforeAll(async () => {
  ({ registryUrl } = await servers());
  codec = createCodec({ registryUrl });
  await codec.register();
});

/** A schema under a subject of its own, as another team's writer would have it; answers its id. */
async function foreignWriter(schema: unknown): Promise<number> {
  return createSchemaRegistry(registryUrl, 10_000).register(`foreign-${randomUUID()}`, JSON.stringify(schema));
}

function message(id: number, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeInt32BE(id, 1);
  return Buffer.concat([header, body]);
}

async function decode(bytes: Buffer) {
  await codec.prepare([schemaIdOf(bytes) ?? 0]);
  return codec.decode(bytes);
}

/** The contract's schema after a change of its text. */
const changedContract = (...changes: readonly (readonly [string, string])[]): unknown =>
  JSON.parse(changes.reduce((text, [from, to]) => text.replaceAll(from, to), JSON.stringify(bookingEventSchema)));

describe('an event in Avro', () => {
  test('comes back as it was', async () => {
    const bytes = codec.encodeBookingEvent(bookedEvent);
    expect(bytes[0]).toBe(0);
    const decoded = await decode(bytes);
    expect(decoded.ok && withoutNulls(decoded.event)).toEqual(bookedEvent);
  });

  test('an order event comes back as it was', async () => {
    const event = {
      orderId: randomUUID(),
      revision: 2 ** 40,
      source: 's',
      bookingRef: 'r',
      status: 'booked',
      fees: [{ currency: 'EUR', net: '42.02', vat: '7.98', gross: '50' }],
      at: Date.UTC(2026, 0, 1),
    };
    const bytes = codec.encodeOrderEvent(event);
    await codec.prepare([schemaIdOf(bytes) ?? 0]);
    const decoded = codec.decodeOrderEvent(bytes);
    expect(decoded.ok && withoutNulls(decoded.event)).toEqual(event);
  });

  test.each(['0', '82.5', '-0.0001', '99999999999999.9999', '-99999999999999.9999', '-1.28', '1.28', '327.68'])(
    'the decimal %s is exact',
    async (total) => {
      const decoded = await decode(codec.encodeBookingEvent({ ...smallestEvent, booking: { price: { currency: 'EUR', total } } }));
      expect(decoded.ok && decoded.event.booking?.price?.total).toBe(total);
    },
  );

  test('82.50 is on the wire at scale 4, in as few bytes as Java writes', () => {
    const bytes = codec.encodeBookingEvent({ ...smallestEvent, booking: { price: { currency: 'EUR', total: '82.50' } } });
    expect(bytes.includes(Buffer.from([0x06, 0x0c, 0x96, 0xa8]))).toBe(true); // 825000 in three bytes
  });

  test.each([
    [
      { ...smallestEvent, booking: { items: [{ id: '1', product: 'x', price: { currency: 'EUR', total: '1.23456' } }] } },
      'booking.items[0].price.total is "1.23456"',
    ],
    [{ ...smallestEvent, booking: { price: { currency: 'EUR', total: '100000000000000' } } }, 'booking.price.total is "100000000000000"'],
    [{ ...smallestEvent, booking: { travelFrom: '2026-02-30' } }, 'booking.travelFrom is "2026-02-30"'],
    [{ ...smallestEvent, occurredAt: 0.5 }, 'occurredAt is 0.5'],
    [{ ...smallestEvent, occurredAt: Number.NaN }, 'occurredAt is null'],
  ])('what the contract cannot hold is refused with its path (%#)', (event, problem) => {
    expect(() => codec.encodeBookingEvent(event)).toThrow(`The event does not fit the contract: ${problem}`);
  });

  test('nothing is encoded before the contracts are registered', () => {
    expect(() => createCodec({ registryUrl }).encodeBookingEvent(smallestEvent)).toThrow('must be registered');
  });
});

describe('bytes that are no event', () => {
  const sound = () => codec.encodeBookingEvent(smallestEvent);

  test('a null value', () => {
    expect(codec.decode(null)).toMatchObject({ ok: false, code: 'NULL_VALUE' });
  });

  test.each([[Buffer.alloc(0)], [Buffer.from('garbage')], [Buffer.from([0, 0, 0, 0])], [Buffer.from([1, 0, 0, 0, 1, 0])]])(
    '%p has no header',
    (bytes) => {
      expect(codec.decode(bytes)).toMatchObject({ ok: false, code: 'DECODE' });
    },
  );

  test('truncated, with bytes left over, and empty behind the header', async () => {
    for (const bytes of [sound().subarray(0, -1), Buffer.concat([sound(), Buffer.from([1])]), sound().subarray(0, 5)]) {
      expect(await decode(bytes)).toMatchObject({ ok: false, code: 'DECODE' });
    }
  });

  test('a schema id that the registry does not know', async () => {
    for (const id of [2 ** 31 - 1, 0, -1]) expect(await decode(message(id, Buffer.from([0])))).toMatchObject({ ok: false, code: 'SCHEMA_UNKNOWN' });
  });

  /** Seen to fail when scales are not compared: 82.50 of scale 2 would be read as 0.825. */
  test.each([
    ['decimals of another scale', changedContract(['"scale":4', '"scale":2'])],
    ['amounts in bytes that name no scale', changedContract([',"logicalType":"decimal","precision":18,"scale":4', ''])],
    ['times in microseconds', changedContract(['timestamp-millis', 'timestamp-micros'])],
    ['dates as text', changedContract(['{"type":"int","logicalType":"date"}', '"string"'])],
    ['another record', { type: 'record', name: 'Other', namespace: 'midline.booking.v1', fields: [] }],
    ['no eventId', changedContract(['"name":"eventId"', '"name":"id"'])],
    ['no record', 'string'],
  ])('a writer with %s', async (_, schema) => {
    expect(await decode(message(await foreignWriter(schema), Buffer.from([0])))).toMatchObject({ ok: false, code: 'SCHEMA_MISMATCH' });
  });

  test('texts that are not UTF-8 or hold U+0000', async () => {
    const event = { ...smallestEvent, agent: 'xyz' };
    for (const byte of [0, 0xff]) {
      const bytes = codec.encodeBookingEvent(event);
      bytes[bytes.indexOf('xyz') + 1] = byte;
      expect(await decode(bytes)).toMatchObject({ ok: false, code: 'TEXT', reason: expect.stringContaining('agent') });
    }
  });

  test('a message, a text, a list of items beyond the limits', async () => {
    expect(codec.decode(Buffer.alloc(messageLimit + 1))).toMatchObject({ ok: false, code: 'SIZE' });
    expect(await decode(codec.encodeBookingEvent({ ...smallestEvent, agent: 'x'.repeat(2 ** 20 + 1) }))).toMatchObject({ ok: false, code: 'SIZE' });
    const items = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `${index}`, product: 'hotel' }));
    expect(await decode(codec.encodeBookingEvent({ ...smallestEvent, booking: { items: items(itemLimit) } }))).toMatchObject({ ok: true });
    expect(await decode(codec.encodeBookingEvent({ ...smallestEvent, booking: { items: items(itemLimit + 1) } }))).toMatchObject({
      ok: false,
      code: 'SIZE',
    });
  });
});

describe('values that the wire can carry and the contract cannot reach the validation', () => {
  /** A writer of the same wire format that knows neither dates nor decimals. */
  const raw = avro.Type.forSchema(JSON.parse(JSON.stringify(bookingEventSchema)));
  const rawEvent = async (event: object) => {
    const bytes = codec.encodeBookingEvent(smallestEvent);
    const decoded = await decode(message(schemaIdOf(bytes) ?? 0, raw.toBuffer({ ...smallestEvent, ...event })));
    if (!decoded.ok) throw new Error(decoded.reason);
    return decoded.event;
  };

  test('impossible days are texts that are no date', async () => {
    for (const days of [2 ** 31 - 1, -(2 ** 31), 2_932_897])
      expect((await rawEvent({ booking: { travelFrom: days } })).booking?.travelFrom).toBe(`day ${days}`);
  });

  test('amounts of more than 18 digits keep all of them', async () => {
    const total = (bytes: Buffer) => rawEvent({ booking: { price: { currency: 'EUR', total: bytes } } }).then((event) => event.booking?.price?.total);
    expect(await total(Buffer.from('7fffffffffffffffffffff', 'hex'))).toBe('15474250491067253436239.0527');
    expect(await total(Buffer.from('00000000000000000000000c96a8', 'hex'))).toBe('82.5');
    expect(await total(Buffer.from('fffffff36958', 'hex'))).toBe('-82.5');
    expect(await total(Buffer.alloc(0))).toBe('decimal of 0 bytes');
    expect(await total(Buffer.alloc(1_000_000, 1))).toBe('decimal of 1000000 bytes');
  });

  test('times and versions beyond 2^53 are numbers', async () => {
    const wide = avro.types.LongType.__with({
      toBuffer: (value: bigint) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(value);
        return bytes;
      },
      fromBuffer: String,
      fromJSON: BigInt,
      toJSON: String,
      isValid: (value: unknown) => typeof value === 'bigint',
      compare: () => 0,
    });
    const writer = avro.Type.forSchema(
      JSON.parse(JSON.stringify(bookingEventSchema).replaceAll('{"type":"long","logicalType":"timestamp-millis"}', '"long"')),
      { registry: { long: wide } },
    );
    const { ok, ...decoded } = await decode(
      message(
        schemaIdOf(codec.encodeBookingEvent(smallestEvent)) ?? 0,
        writer.toBuffer({ ...smallestEvent, occurredAt: 2n ** 63n - 1n, version: -(2n ** 63n) }),
      ),
    );
    expect(ok).toBe(true);
    expect(decoded).toMatchObject({ event: { occurredAt: 2 ** 63, version: -(2 ** 63) } });
  });
});

describe('evolution', () => {
  const withField = changedContract(['{"name":"traceparent"', '{"name":"weather","type":["null","string"],"default":null},{"name":"traceparent"']);
  const withoutField = changedContract(['{"name":"workMinutes","type":["null","int"],"default":null,"doc":"work that is charged by time"},', '']);

  test('a new message with fields that the reader does not know is read', async () => {
    const id = await foreignWriter(withField);
    const decoded = await decode(message(id, typeOf(withField).toBuffer({ ...bookedEvent, weather: 'sunny' })));
    expect(decoded.ok && withoutNulls(decoded.event)).toEqual(bookedEvent);
  });

  test('an old message without fields that the reader knows is read', async () => {
    const id = await foreignWriter(withoutField);
    const decoded = await decode(message(id, typeOf(withoutField).toBuffer(bookedEvent)));
    const { workMinutes: _, ...rest } = bookedEvent;
    expect(decoded.ok && withoutNulls(decoded.event)).toEqual(rest);
  });

  test('a message of a newer contract with a text that is no UTF-8 in a field that the reader skips is refused', async () => {
    const bytes = message(await foreignWriter(withField), typeOf(withField).toBuffer({ ...smallestEvent, weather: 'xyz' }));
    bytes[bytes.indexOf('xyz')] = 0xff;
    expect(await decode(bytes)).toMatchObject({ ok: false, code: 'TEXT', reason: expect.stringContaining('weather') });
  });

  test('the registry takes compatible versions of the contract and refuses others', async () => {
    const registry = createSchemaRegistry(registryUrl, 10_000);
    const subject = `evolution-${randomUUID()}`;
    const first = await registry.register(subject, JSON.stringify(withoutField));
    expect(await registry.register(subject, JSON.stringify(bookingEventSchema))).not.toBe(first);
    expect(await registry.register(subject, JSON.stringify(withField))).not.toBe(first);
    expect(await registry.register(subject, JSON.stringify(withoutField))).toBe(first);
    const required = changedContract(['"name":"bookingRef"', '"name":"locator"']);
    await expect(registry.register(subject, JSON.stringify(required))).rejects.toMatchObject({ name: 'SchemaRegistryError', retryable: false });
  });

  test('the contract is under its subject with full transitive compatibility', async () => {
    const answer = await fetch(`${registryUrl}/config/${bookingEventsSubject}`);
    expect(await answer.json()).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' });
  });

  test('registering again changes no id', async () => {
    const again = createCodec({ registryUrl });
    await again.register();
    expect(schemaIdOf(again.encodeBookingEvent(smallestEvent))).toBe(schemaIdOf(codec.encodeBookingEvent(smallestEvent)));
  });

  // Seen to fail (409, "already exists") without the second look after a refused rule.
  test('processes that register a new contract at the same moment all get the same id', async () => {
    const schema = JSON.stringify(bookingEventSchema);
    for (let round = 0; round < 5; round += 1) {
      const subject = `at-once-${randomUUID()}`;
      const ids = await Promise.all(Array.from({ length: 6 }, () => createSchemaRegistry(registryUrl, 10_000).register(subject, schema)));
      expect(new Set(ids).size).toBe(1);
    }
  });

  test('sized blocks as Java writes them are read', async () => {
    const bytes = codec.encodeBookingEvent({ ...smallestEvent, touches: { items: ['1', '2'] } });
    const list = Buffer.from([4, 2, 0x31, 2, 0x32, 0]); // two elements "1" and "2", end
    const at = bytes.indexOf(list);
    const sized = Buffer.concat([bytes.subarray(0, at), Buffer.from([3, 8, 2, 0x31, 2, 0x32, 0]), bytes.subarray(at + list.length)]);
    const decoded = await decode(sized);
    expect(decoded.ok && decoded.event.touches?.items).toEqual(['1', '2']);
  });
});

describe('a registry in trouble', () => {
  const running: Server[] = [];
  afterAll(() => running.forEach((server) => server.close().closeAllConnections()));

  /** A registry that answers as it is told and counts its requests. */
  async function troubled(answer: (count: number) => { readonly status: number; readonly body: string } | undefined) {
    let count = 0;
    const server = createServer((_, response) => {
      const told = answer(++count);
      if (told !== undefined) response.writeHead(told.status).end(told.body);
    }).listen(0, '127.0.0.1');
    running.push(server);
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, requests: () => count };
  }

  const unknown = { status: 404, body: '{"error_code":40403,"message":"Schema not found"}' };
  const string = { status: 200, body: '{"schema":"\\"string\\""}' };

  test.each([
    ['answers 500', { status: 500, body: '{"error_code":50001}' }],
    ['answers 503 without JSON', { status: 503, body: 'busy' }],
    ["answers with a proxy's 404", { status: 404, body: '<html>' }],
    ['answers without a schema', { status: 200, body: '{}' }],
    ['never answers', undefined],
  ])('one that %s is asked again, and nothing is dead-lettered', async (_, trouble) => {
    const { url } = await troubled((count) => (count === 1 ? trouble : string));
    const waiting = createCodec({ registryUrl: url, timeout: 300 });
    await expect(waiting.prepare([7])).rejects.toMatchObject({ name: 'SchemaRegistryError', retryable: true });
    await waiting.prepare([7]);
    expect(waiting.decode(message(7, Buffer.from([0])))).toMatchObject({ code: 'SCHEMA_MISMATCH' });
  });

  test('one that is down is a retryable error', async () => {
    const failure = createCodec({ registryUrl: 'http://127.0.0.1:9' }).prepare([1]);
    await expect(failure).rejects.toBeInstanceOf(SchemaRegistryError);
    await expect(failure).rejects.toMatchObject({ retryable: true });
  });

  test('one that wants a password is not retryable', async () => {
    const { url } = await troubled(() => ({ status: 401, body: '{}' }));
    await expect(createCodec({ registryUrl: url }).prepare([1])).rejects.toMatchObject({ retryable: false });
  });

  /** Seen to fail without the map of misses: every message asked again. */
  test('an unknown id is asked for once in its lifetime, a known one once for ever, by lanes at once too', async () => {
    let now = 0;
    const { url, requests } = await troubled((count) => (count === 3 ? string : unknown));
    const waiting = createCodec({ registryUrl: url, missLifetime: 1000, clock: () => now });
    await Promise.all([waiting.prepare([7, 7]), waiting.prepare([7])]);
    expect(requests()).toBe(1);
    now = 999;
    await waiting.prepare([7]);
    expect(requests()).toBe(1);
    now = 1000;
    await waiting.prepare([7]);
    expect(requests()).toBe(2);
    expect(waiting.decode(message(7, Buffer.from([0])))).toMatchObject({ code: 'SCHEMA_UNKNOWN' });
    now = 2000;
    await waiting.prepare([7]);
    now = 10 ** 9;
    await waiting.prepare([7]);
    expect(requests()).toBe(3);
  });

  /** Seen to fail (the schema was not prepared: the process stops) when a miss was forgotten as soon as it was over. */
  test('a miss that ends while its lane waits for another id is still known to the lane', async () => {
    let now = 0;
    let release = (): void => undefined;
    const answered = new Promise<void>((resolve) => { release = resolve; });
    const server = createServer((request, response) => {
      const answer = (): void => { response.writeHead(404).end(unknown.body); };
      if (request.url?.endsWith('/8') === true) void answered.then(answer);
      else answer();
    });
    running.push(server);
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const waiting = createCodec({ registryUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, missLifetime: 1000, clock: () => now });
    await waiting.prepare([7]);
    now = 999;
    const lane = waiting.prepare([7, 8]);
    now = 1001;
    await waiting.prepare([9]);
    release();
    await lane;
    expect(waiting.decode(message(7, Buffer.from([0])))).toMatchObject({ code: 'SCHEMA_UNKNOWN' });
  });

  test('a schema that was not prepared is a fault of the caller, not of the message', () => {
    expect(() => createCodec({ registryUrl }).decode(message(1, Buffer.from([0])))).toThrow('The schema 1 was not prepared');
  });
});
