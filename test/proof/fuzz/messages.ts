import type { Message } from 'kafkajs';
import type { Booking, BookingEvent, Item, Party } from '../../../schemas/booking-event.js';
import { avroBytes, avroLong, message, nonsenseEvent } from './avro-bytes.js';
import { hostileText, personalMark } from './hostile-values.js';
import { chooseKind, createRandom, type Kind, type Random } from './random.js';

/** What messages are made with. */
export interface Material {
  readonly encode: (event: BookingEvent) => Buffer;
  /** The contract's id in the registry. */
  readonly schemaId: number;
  /** Ids of schemas that other teams have registered: newer, of another scale, recursive, no record at all. */
  readonly foreignIds: readonly number[];
  /** When the first message was made. */
  readonly now: number;
}

export interface HostileMessage {
  readonly kind: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: NonNullable<Message['headers']>;
}

/** An input by its number: the same seed, number and material make the same bytes. */
export function hostileMessage(seed: number, number: number, material: Material): HostileMessage {
  const random = createRandom(seed, number);
  const { name, make } = chooseKind(kinds, random);
  const value = make(random, { ...material, number });
  return { kind: name, value, ...envelope(random, value) };
}

type Make = (random: Random, material: Material & { readonly number: number }) => Buffer | null;

const types = ['booked', 'confirmed', 'changed', 'ticketed', 'reissued', 'refunded', 'voided', 'cancelled', 'no-show', 'travelled', 'teleported'] as const;
const products = ['flight', 'hotel', 'rail', 'car', 'cruise', 'package', 'insurance', 'transfer', 'event', 'other'] as const;

function item(random: Random, id: string): Item {
  const total = `${random.int(2_000)}.${random.int(100)}`;
  return { id, product: random.pick(products), status: random.pick(['open', 'open', 'cancelled']), start: `2026-0${1 + random.int(9)}-1${random.int(10)}`, travellers: ['t1'], price: { currency: random.pick(['EUR', 'EUR', 'USD']), total } };
}

function person(random: Random, number: number): Party {
  return {
    kind: 'person', givenName: `${personalMark}a`, familyName: `${personalMark}${'abcdefgh'[random.int(8)]}`, emails: [`${personalMark}.${random.int(3_000)}@example.com`],
    birthDate: `19${50 + random.int(40)}-05-10`, phones: [`+4930${1_000_000 + (number % 3_000)}`],
  };
}

/** An event as good ones are, of one of a few bookings, so that histories are long and disordered. */
function plainEvent(random: Random, { number, now }: { readonly number: number; readonly now: number }): BookingEvent {
  const type = random.pick(types);
  const booking: Booking = {
    booker: person(random, number), travellers: [{ id: 't1', type: 'ADT', familyName: `${personalMark}b` }],
    items: Array.from({ length: 1 + random.int(4) }, (_, index) => item(random, `i${index}`)),
    ...(random.once(4) && { documents: [{ id: `D${random.int(50)}`, type: 'TICKET', item: 'i0' }] }),
    ...(random.once(9) && { sensitive: [{ kind: 'diet', traveller: 't1', text: personalMark }] }),
  };
  return {
    eventId: `H${number}`, source: `hostile-${random.int(3)}`, type, bookingRef: `HB${random.int(4_000)}`, version: random.int(20), occurredAt: now - random.int(10 ** 9),
    ...(random.once(5) && type !== 'booked' ? {} : { booking }), ...(random.once(3) && { touches: { items: ['i0', 'i9'] } }),
  };
}

/** Everything that may be broken begins as one of these. */
const plainBytes: Make = (random, material) => material.encode(plainEvent(random, material));
const plain = (random: Random, material: Parameters<Make>[1]): Buffer => plainBytes(random, material) ?? Buffer.alloc(0);

/** Some bytes in the place of others. */
const splice = (bytes: Buffer, at: number, removed: number, added: Buffer): Buffer => Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);

const impossibleNumbers = [avroLong(2n ** 62n), avroLong(-(2n ** 62n)), avroLong(2 ** 31), avroLong(-1), avroLong(-(2 ** 40)), Buffer.alloc(12, 0xff), avroLong(50_000_000), avroLong(64)];
const badTexts = [Buffer.from([0xff]), Buffer.from([0xc0, 0x80]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0]), Buffer.from([0xf5, 0x90, 0x80, 0x80]), Buffer.from([0xe2, 0x82])];

/** An event with fields of its contract replaced; what it says is possible or not. */
const saying = (change: (random: Random, event: BookingEvent, booking: Booking) => BookingEvent): Make => (random, material) => {
  const event = plainEvent(random, material);
  return material.encode(change(random, event, event.booking ?? { items: [item(random, 'i0')] }));
};

const many = <Thing>(count: number, make: (index: number) => Thing): readonly Thing[] => Array.from({ length: count }, (_, index) => make(index));
const mebibyte = 1_048_576;

/** As much as a message may hold of one thing: what is compared with everything else takes for ever. */
const large: readonly ((random: Random, booking: Booking) => Booking)[] = [
  (random, booking) => ({ ...booking, items: many(5_000, (index) => item(random, `i${index}`)) }),
  (random, booking) => ({ ...booking, items: many(5_001, (index) => item(random, `i${index}`)) }),
  (_, booking) => ({ ...booking, travellers: many(60_000, (index) => ({ id: `t${index}`, type: 'ADT', emails: [`${personalMark}${index}@example.com`] })) }),
  (random, booking) => ({ ...booking, booker: { ...person(random, 0), emails: many(90_000, (index) => `${personalMark}${index}@example.com`) } }),
  (random, booking) => ({ ...booking, booker: { ...person(random, 0), loyalty: many(90_000, (index) => ({ program: 'M', number: `${10_000_000 + index}` })) } }),
  (_, booking) => ({ ...booking, booker: { kind: 'person', emails: [`${personalMark}.1@example.com`], givenName: 'ab '.repeat(300_000), familyName: 'abcdefghij'.repeat(100_000) } }),
  (_, booking) => ({ ...booking, booker: { kind: 'person', emails: [`${personalMark}.1@example.com`], givenName: 'ba '.repeat(300_000), familyName: 'abcdefghik'.repeat(100_000) } }),
  (_, booking) => ({ ...booking, booker: { kind: 'person', emails: [`${personalMark}.1@example.com`], fullName: many(150_000, (index) => `w${index}`.replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '')).join(' ') } }),
  (_, booking) => ({ ...booking, booker: { kind: 'person', emails: [`${personalMark}.1@example.com`], fullName: many(150_000, (index) => `w${150_000 - index}`.replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '')).join(' ') } }),
  (_, booking) => ({ ...booking, payer: { kind: 'company', companyName: 'ﷺ'.repeat(300_000), emails: [`${personalMark}.2@example.com`] } }),
  (_, booking) => ({ ...booking, documents: many(80_000, (index) => ({ id: `D${index}`, type: 'TICKET' })) }),
  (_, booking) => ({ ...booking, agencyFees: many(60_000, (index) => ({ id: `F${index}`, gross: '1', currency: 'EUR' })) }),
  (_, booking) => ({ ...booking, attributes: Object.fromEntries(many(150_000, (index) => [`k${index}`, 'v'])) }),
  (_, booking) => ({ ...booking, remarks: many(300_000, () => ({ text: 'r' })) }),
  (_, booking) => ({ ...booking, remarks: [{ text: 'x'.repeat(mebibyte) }, { text: 'é'.repeat(mebibyte / 2) }] }),
  (random, booking) => ({ ...booking, items: many(60, (index) => ({ ...item(random, `i${index}`), travellers: many(4_000, (traveller) => `t${traveller}`) })) }),
  (random, booking) => ({ ...booking, items: [{ ...item(random, 'i0'), segments: many(150_000, () => ({ origin: 'FRA', destination: 'JFK' })) }] }),
  (random, booking) => ({ ...booking, items: [{ ...item(random, 'i0'), childAges: many(1_000_000, () => 1) }] }),
];

const kinds: readonly Kind<Make>[] = [
  { name: 'no value', weight: 1, make: () => null },
  { name: 'random bytes', weight: 8, make: (random) => random.bytes(random.int(300)) },
  { name: 'random body', weight: 8, make: (random, { schemaId }) => message(schemaId, random.bytes(random.int(300))) },
  { name: 'flipped', weight: 16, make: (random, material) => {
    const bytes = plain(random, material);
    for (let times = 1 + random.int(4); times > 0; times -= 1) bytes[5 + random.int(bytes.length - 5)] = random.int(256);
    return bytes;
  } },
  { name: 'cut', weight: 5, make: (random, material) => { const bytes = plain(random, material); return bytes.subarray(0, random.int(bytes.length)); } },
  { name: 'spliced', weight: 6, make: (random, material) => {
    const [one, other] = [plain(random, material), plain(random, material)];
    return Buffer.concat([one.subarray(0, random.int(one.length)), other.subarray(random.int(other.length))]);
  } },
  { name: 'grown', weight: 5, make: (random, material) => { const bytes = plain(random, material); return splice(bytes, 5 + random.int(bytes.length - 5), 0, random.bytes(1 + random.int(40))); } },
  { name: 'impossible number', weight: 10, make: (random, material) => { const bytes = plain(random, material); return splice(bytes, 5 + random.int(bytes.length - 5), 1, random.pick(impossibleNumbers)); } },
  { name: 'endless branches', weight: 2, make: (random, { schemaId }) => message(schemaId, Buffer.alloc(random.int(5_000), random.pick([2, 4, 1, 0x81, 0]))) },
  { name: 'no text', weight: 6, make: (random, material) => {
    const bytes = plain(random, material);
    const bad = random.pick(badTexts);
    bad.copy(bytes, Math.max(5, Math.min(bytes.indexOf(random.pick([personalMark, 'hostile-', 'HB', 'i0', 'EUR'])) + random.int(2), bytes.length - bad.length)));
    return bytes;
  } },
  { name: 'wrong magic', weight: 2, make: (random, material) => { const bytes = plain(random, material); bytes[0] = 1 + random.int(255); return bytes; } },
  { name: 'random schema', weight: 3, make: (random, material) => {
    const bytes = plain(random, material);
    bytes.writeInt32BE(random.pick([0, -1, 2 ** 31 - 1, -(2 ** 31), 1_000_000 + random.int(40), random.int(2 ** 31)]), 1);
    return bytes;
  } },
  { name: "another team's schema", weight: 4, make: (random, material) => {
    const id = random.pick(material.foreignIds);
    const bytes = random.once(2) ? plain(random, material) : message(id, random.once(2) ? Buffer.alloc(random.int(2_000), random.int(8)) : random.bytes(random.int(200)));
    bytes.writeInt32BE(id, 1);
    return bytes;
  } },
  { name: 'nonsense', weight: 12, make: (random, { schemaId, number, now }) => {
    const text = (value: string): Buffer => avroBytes(Buffer.from(value));
    const named = { eventId: text(`H${number}`), bookingRef: text(`HB${random.int(4_000)}`), type: text(random.pick(types)), source: text(`hostile-${random.int(3)}`), occurredAt: avroLong(now - random.int(10 ** 9)) };
    return message(schemaId, nonsenseEvent(random, 1 + random.int(12), random.once(4) ? {} : named));
  } },
  { name: 'hostile texts', weight: 14, make: saying((random, event, booking) => {
    const text = (): string => hostileText(random).replaceAll('\u0000', '');
    return {
      ...event, type: random.once(8) ? text() : event.type, agent: text(), office: text(), channel: text(), traceparent: text(),
      ...(random.once(6) && { bookingRef: text() }), ...(random.once(6) && { source: text() }), ...(random.once(9) && { eventId: text() }),
      booking: {
        ...booking, orgUnit: text(), corporateAccount: { id: text(), name: text(), vatId: text() },
        booker: { ...booking.booker, givenName: text(), familyName: text(), fullName: text(), birthDate: text(), emails: [text(), text()], phones: [text(), text()], externalId: text(), loyalty: [{ program: text(), number: text() }], addresses: [{ country: text(), city: text() }] },
        attributes: { [text()]: text(), [text()]: text() }, references: [{ type: text(), value: text() }], remarks: [{ text: text() }],
        items: [{ ...item(random, 'i0'), id: random.once(3) ? text() : 'i0', carrier: text(), bookingClass: text(), destination: text(), country: text(), product: random.once(2) ? text() : 'hotel', travellers: [text()], attributes: { [text()]: text() } }],
      },
    };
  }) },
  { name: 'hostile amounts and days', weight: 10, make: saying((random, event, booking) => {
    const amount = (): string => random.pick(['0', '-0.0001', '99999999999999.9999', '-99999999999999.9999', '12345678901234.5678', '0.0001', '1']);
    const day = (): string => random.pick(['1900-01-01', '2200-12-31', '2024-02-29', '0001-01-01', '9999-12-31', '2026-05-10']);
    return {
      ...event, occurredAt: random.pick([0, -1, 2 ** 53 - 1, Date.UTC(1900, 0, 1), event.occurredAt, event.occurredAt + 5 * 86_400_000]), version: random.pick([0, -1, 2 ** 53 - 1, 7]), workMinutes: random.pick([0, -1, 2 ** 31 - 1, 30]),
      refund: { amount: amount(), penalty: amount(), currency: random.pick(['EUR', 'eur', 'XXX', '']) },
      booking: {
        ...booking, travelFrom: day(), travelUntil: day(), payments: [{ type: 'card', amount: amount(), currency: 'EUR' }], agencyFees: [{ id: 'f', gross: amount(), vat: amount(), currency: 'EUR' }],
        items: many(1 + random.int(6), (index) => ({
          ...item(random, random.once(20) ? 'i0' : `i${index}`), start: day(), end: random.once(3) ? day() : '2200-12-31', nights: random.pick([0, 1, 2 ** 31 - 1, -1]), quantity: random.pick([0, 1, 2 ** 31 - 1]),
          commissionPercent: amount(), price: { currency: random.pick(['EUR', 'USD', 'JPY']), total: amount(), base: amount(), taxes: amount(), commission: amount() },
        })),
      },
    };
  }) },
  { name: 'id used again', weight: 4, make: saying((random, event) => ({ ...event, eventId: `R${random.int(40)}`, agent: `${random.int(5)}` })) },
  { name: 'disordered history', weight: 14, make: plainBytes },
  { name: 'large', weight: 1, make: (random, material) => (random.once(4) ? largeBytes(random, material) : plainBytes(random, material)) },
];

const largeBytes: Make = (random, material) => {
  const event = plainEvent(random, material);
  return material.encode({ ...event, type: 'booked', bookingRef: `HL${random.int(6)}`, booking: random.pick(large)(random, event.booking ?? {}) });
};

/** Keys and headers as no producer of ours writes them: ids of dead letters that do not exist, the same header a thousand times. */
function envelope(random: Random, value: Buffer | null): Pick<HostileMessage, 'key' | 'headers'> {
  const key = random.pick([null, Buffer.alloc(0), random.bytes(8), Buffer.from(hostileText(random)), Buffer.from('hostile-0:HB1'), random.once(50) ? Buffer.alloc(100_000, 65) : null]);
  if (!random.once(4)) return { key, headers: {} };
  const headers = random.pick<NonNullable<Message['headers']>>([
    { 'midline-dead-letter': random.pick(['1', '0', '-1', '999999999999999999', '1e9', 'null', hostileText(random)]) },
    { 'midline-dead-letter': ['1', '2'], traceparent: hostileText(random) },
    { [hostileText(random)]: random.bytes(20), constructor: '1', ['__proto__']: 'x' },
    { many: Array.from({ length: 1_000 }, () => 'x') },
    { empty: '', value: value?.subarray(0, 100) ?? '' },
  ]);
  return { key, headers };
}
