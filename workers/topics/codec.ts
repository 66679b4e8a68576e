import type { Type } from 'avsc';
import { bookingEventSchema, type BookingEvent } from '../../schemas/booking-event.js';
import { customerEventSchema, type CustomerEvent } from '../../schemas/customer-event.js';
import { orderEventSchema, type OrderEvent } from '../../schemas/order-event.js';
import { typeOf } from './avro-types.js';
import { createSchemaRegistry } from './schema-registry.js';
import { createWireCheck, type WireCheck } from './wire-check.js';

/** Why bytes are no event: the part of the closed list of rejections that is found before anybody looks at the event. */
export type DecodeCode = 'NULL_VALUE' | 'DECODE' | 'SCHEMA_UNKNOWN' | 'SCHEMA_MISMATCH' | 'TEXT' | 'SIZE';

/** What a message's bytes are. `reason` is in plain words and names the field where there is one; it holds no personal data. */
export type Decoded<E> = { readonly ok: true; readonly event: E } | { readonly ok: false; readonly code: DecodeCode; readonly reason: string };

export interface CodecOptions {
  readonly registryUrl: string;
  /** Limit of one request to the registry in milliseconds; 10 s unless told otherwise. */
  readonly timeout?: number;
  /** How long an id that the registry does not know is not asked for again, in milliseconds; 10 s unless told otherwise. */
  readonly missLifetime?: number;
  /** The time in milliseconds; `Date.now` unless told otherwise. */
  readonly clock?: () => number;
}

export interface Codec {
  /**
   * Puts the contracts into the registry, compatible in both directions with all before (FULL_TRANSITIVE), so that they can be encoded.
   * @throws SchemaRegistryError where the registry is away (retryable) or refuses a contract
   */
  readonly register: () => Promise<void>;
  /** @throws Error that names the path of each value that the contract cannot hold, e.g. a decimal of five digits after the point */
  readonly encodeBookingEvent: (event: BookingEvent) => Buffer;
  /** @throws as encodeBookingEvent */
  readonly encodeOrderEvent: (event: OrderEvent) => Buffer;
  /** @throws as encodeBookingEvent */
  readonly encodeCustomerEvent: (event: CustomerEvent) => Buffer;
  /**
   * Fetches the writers' schemas that `decode` will need; ids that are known cost nothing.
   * @throws SchemaRegistryError (retryable) where the registry is away; an id that it does not know is no error
   */
  readonly prepare: (ids: Iterable<number>) => Promise<void>;
  /**
   * Reads a message. Pure: everything it needs was prepared.
   * @throws Error where the message's schema id was not prepared
   */
  readonly decode: (bytes: Buffer | null) => Decoded<BookingEvent>;
  /** The same for customers. */
  readonly decodeCustomerEvent: (bytes: Buffer | null) => Decoded<CustomerEvent>;
  /** The same for what midline itself publishes. */
  readonly decodeOrderEvent: (bytes: Buffer | null) => Decoded<OrderEvent>;
}

/** An event of ours cannot be written: a value is beyond the contract. No server can help; whoever made the value has to be told. */
class EventDoesNotFit extends Error {
  override readonly name = 'EventDoesNotFit';
  /** Read by `faultKind`: the data of one message is at fault. */
  readonly poison = true;
}

export const messageLimit = 4 * 1024 * 1024;
export const itemLimit = 5000;
export const bookingEventsSubject = 'booking-events-value';
const orderEventsSubject = 'order-events-value';
const customerEventsSubject = 'customer-events-value';

const headerLength = 5;
const requestsAtOnce = 8;

/** The writer's schema id of a message (a zero byte, then the id in four); undefined where it names none. */
export function schemaIdOf(bytes: Buffer | null): number | undefined {
  return bytes !== null && bytes.length >= headerLength && bytes[0] === 0 ? bytes.readInt32BE(1) : undefined;
}

/**
 * Avro in the wire format of the Confluent registry: a zero byte, the writer's schema id in four bytes, the body.
 *
 * A writer's schema is fetched once and its way into the contract is made once (`readerSchema` of the registry client makes it for every
 * message, 200 times slower). Schemas never change under their id, so what is known stays known.
 */
export function createCodec({ registryUrl, timeout = 10_000, missLifetime = 10_000, clock = Date.now }: CodecOptions): Codec {
  const registry = createSchemaRegistry(registryUrl, timeout);
  const writers = new Map<number, Writer>();
  const pending = new Map<number, Promise<void>>();
  const misses = new Map<number, number>();
  /** The calls of `prepare` that have not ended, and when they began. */
  const underway = new Set<{ readonly since: number }>();
  const bookingEvents = createContract<BookingEvent>(bookingEventSchema);
  const orderEvents = createContract<OrderEvent>(orderEventSchema);
  const customerEvents = createContract<CustomerEvent>(customerEventSchema);

  async function register(): Promise<void> {
    bookingEvents.writeAs(await registry.register(bookingEventsSubject, JSON.stringify(bookingEventSchema)));
    orderEvents.writeAs(await registry.register(orderEventsSubject, JSON.stringify(orderEventSchema)));
    customerEvents.writeAs(await registry.register(customerEventsSubject, JSON.stringify(customerEventSchema)));
  }

  async function prepare(ids: Iterable<number>): Promise<void> {
    const visit = { since: clock() };
    underway.add(visit);
    forgetMisses();
    try {
      const unknown = [...new Set(ids)].filter((id) => id > 0 && !writers.has(id) && (misses.get(id) ?? 0) <= visit.since);
      for (let next = 0; next < unknown.length; next += requestsAtOnce) {
        await Promise.all(unknown.slice(next, next + requestsAtOnce).map(fetchOnce));
      }
    } finally {
      underway.delete(visit);
    }
  }

  /** A miss whose time is over is asked for again by whoever needs it. It is forgotten when nobody can be about to decode with it: another lane may wait for other ids meanwhile. */
  function forgetMisses(): void {
    const oldest = Math.min(...[...underway].map(({ since }) => since));
    for (const [id, until] of misses) if (until + missLifetime <= oldest) misses.delete(id);
  }

  /** Two lanes that need the same schema share one request. */
  function fetchOnce(id: number): Promise<void> {
    const running = pending.get(id) ?? fetchWriter(id).finally(() => pending.delete(id));
    pending.set(id, running);
    return running;
  }

  async function fetchWriter(id: number): Promise<void> {
    const schema = await registry.schemaById(id);
    if (schema === undefined) misses.set(id, clock() + missLifetime);
    else writers.set(id, writerOf(schema));
  }

  function decodeAs<E>({ read }: Contract<E>, bytes: Buffer | null): Decoded<E> {
    if (bytes === null) return refuse('NULL_VALUE', 'the message has no value');
    if (bytes.length > messageLimit) return refuse('SIZE', `the message has ${bytes.length} bytes; ${messageLimit} are allowed`);
    const id = schemaIdOf(bytes);
    if (id === undefined) return refuse('DECODE', 'the message does not begin with a zero byte and the id of its schema');
    const writer = writers.get(id);
    if (writer !== undefined) return read(writer, id, bytes);
    if (id > 0 && !misses.has(id)) throw new Error(`The schema ${id} was not prepared`);
    return refuse('SCHEMA_UNKNOWN', `the registry knows no schema with the id ${id}`);
  }

  return {
    register,
    prepare,
    encodeBookingEvent: bookingEvents.write,
    encodeOrderEvent: orderEvents.write,
    encodeCustomerEvent: customerEvents.write,
    decode: (bytes) => limitItems(decodeAs(bookingEvents, bytes)),
    decodeCustomerEvent: (bytes) => decodeAs(customerEvents, bytes),
    decodeOrderEvent: (bytes) => decodeAs(orderEvents, bytes),
  };
}

/** A schema that messages were written with; a text where it is no Avro that can be read. */
type Writer = { readonly type: Type; readonly check: WireCheck } | { readonly problem: string };

function writerOf(schema: string): Writer {
  try {
    const type = typeOf(JSON.parse(schema));
    return { type, check: createWireCheck(type) };
  } catch (error) {
    return { problem: `the writer's schema cannot be understood: ${messageOf(error)}` };
  }
}

/** One of our own contracts: the reader of all its writers, and the writer of its messages. */
interface Contract<E> {
  readonly read: (writer: Writer, id: number, bytes: Buffer) => Decoded<E>;
  readonly write: (event: E) => Buffer;
  readonly writeAs: (id: number) => void;
}

/** Reads a body that was checked. */
type Reader = (body: Buffer) => unknown;

function createContract<E>(schema: unknown): Contract<E> {
  const type = typeOf(schema);
  const readers = new Map<number, Reader | { readonly problem: string }>();
  const header = Buffer.alloc(headerLength);

  function read(writer: Writer, id: number, bytes: Buffer): Decoded<E> {
    if ('problem' in writer) return refuse('SCHEMA_MISMATCH', writer.problem);
    const reader = readers.get(id) ?? createReader(type, writer.type);
    readers.set(id, reader);
    if ('problem' in reader) return refuse('SCHEMA_MISMATCH', reader.problem);
    const problem = writer.check(bytes, headerLength);
    if (problem !== undefined) return { ok: false, ...problem };
    try {
      // The reader's type is made from the schema that E is generated from.
      return { ok: true, event: reader(bytes.subarray(headerLength)) as E };
    } catch (error) {
      return refuse('DECODE', messageOf(error));
    }
  }

  function write(event: E): Buffer {
    if (header.readInt32BE(1) === 0) throw new Error('The contracts must be registered before anything is encoded');
    try {
      return Buffer.concat([header, type.toBuffer(event)]);
    } catch (error) {
      throw new EventDoesNotFit(`The event does not fit the contract: ${invalidPaths(type, event)}`, { cause: error });
    }
  }

  return { read, write, writeAs: (id) => void header.writeInt32BE(id, 1) };
}

function createReader(reader: Type, writer: Type): Reader | { readonly problem: string } {
  try {
    const resolver = reader.createResolver(writer);
    // The check has proven that the body ends where the value ends. Equal types (the resolver has compared what `equals` does not
    // look at: the logical types) read each other without the resolver, which is faster.
    return reader.equals(writer) ? (body) => reader.fromBuffer(body, undefined, true) : (body) => reader.fromBuffer(body, resolver, true);
  } catch (error) {
    return { problem: `the writer's schema cannot be read as the contract: ${messageOf(error)}` };
  }
}

function invalidPaths(type: Type, event: unknown): string {
  const problems: string[] = [];
  type.isValid(event, { errorHook: (path, value) => problems.push(`${pathText(path)} is ${shortened(value)}`) });
  return problems.join('; ');
}

const pathText = (path: readonly string[]): string => path.join('.').replace(/\.(\d+)(?=\.|$)/g, '[$1]');

function shortened(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function limitItems(decoded: Decoded<BookingEvent>): Decoded<BookingEvent> {
  const items = decoded.ok ? (decoded.event.booking?.items?.length ?? 0) : 0;
  return items > itemLimit ? refuse('SIZE', `the booking has ${items} items; ${itemLimit} are allowed`) : decoded;
}

const refuse = (code: DecodeCode, reason: string): { readonly ok: false; readonly code: DecodeCode; readonly reason: string } => ({
  ok: false,
  code,
  reason,
});

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300);
