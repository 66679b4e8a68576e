import type { BookingEvent } from '../../../schemas/booking-event.js';
import { generateEvents } from '../../../workers/domain/generate/events.js';
import { createRandom } from '../../../workers/domain/generate/random.js';
import type { Codec } from '../../../workers/topics/codec.js';
import { bookingKey } from '../../../workers/topics/names.js';

export interface ChaosMessage {
  readonly key: string;
  readonly value: Buffer | null;
}

export interface ChaosMessagesOptions {
  readonly seed: number;
  readonly bookings: number;
  /** Everything has happened by then, in milliseconds. */
  readonly now: number;
  /** People and companies that travel. */
  readonly customers: number;
  readonly companies: number;
}

/** An id that no registry has given. */
const unknownSchema = 2_000_000_000;

/**
 * Generated bookings as a stream of messages: late, doubled and shuffled ones, cancellations and rebookings, and in between what nobody may apply: used event ids with
 * other content, impossible values, a fee beyond the contract, foreign bytes. All messages of a booking have its key: they come in the order in which they were sent.
 */
export function* chaosMessages({ seed, bookings, now, customers, companies }: ChaosMessagesOptions, codec: Codec): Generator<ChaosMessage> {
  const random = createRandom(seed, 'rubbish');
  let [number, spoiled] = [0, 0];
  for (const event of generateEvents({ seed, bookings, now, customers, companies, late: 0.06, doubled: 0.04, shuffled: 0.1, bad: 0.015 })) {
    yield { key: bookingKey(event), value: codec.encodeBookingEvent(event) };
    number += 1;
    if (!random.chance(0.03)) continue;
    const spoil = spoils[spoiled++ % spoils.length];
    if (spoil !== undefined) yield spoil(event, codec, number, now);
  }
}

type Spoil = (event: BookingEvent, codec: Codec, number: number, now: number) => ChaosMessage;

/** One after another, so that none is missing. */
const spoils: readonly Spoil[] = [
  (event, codec) => ({ key: bookingKey(event), value: codec.encodeBookingEvent({ ...event, agent: 'somebody else' }) }),
  (_event, codec, number, now) => dear(number, now, codec),
  (event) => ({ key: bookingKey(event), value: null }),
  (event, codec) => ({ key: bookingKey(event), value: codec.encodeBookingEvent(event).subarray(0, 40) }),
  (event, codec) => ({ key: bookingKey(event), value: underSchema(unknownSchema, codec.encodeBookingEvent(event)) }),
  (event, codec) => ({ key: bookingKey(event), value: codec.encodeBookingEvent({ ...event, eventId: `${event.eventId}-zero`, agent: 'a\u0000b' }) }),
  (event, codec) => ({ key: bookingKey(event), value: codec.encodeBookingEvent({ ...event, eventId: `${event.eventId}-blank`, bookingRef: ' ' }) }),
  (event, _codec, number) => ({ key: bookingKey(event), value: Buffer.from(`{"no":"Avro","number":${number}}`) }),
];

/** A cruise whose fee no order event can hold: found only by trying. */
function dear(number: number, now: number, codec: Codec): ChaosMessage {
  const event: BookingEvent = {
    eventId: `DEAR${number}-1`, source: 'tours', type: 'booked', bookingRef: `DEAR${number}`, version: 1, occurredAt: now - 3_600_000,
    booking: { items: [{ id: '1', product: 'cruise', status: 'open', price: { currency: 'EUR', total: '99999999999999.99' } }] },
  };
  return { key: bookingKey(event), value: codec.encodeBookingEvent(event) };
}

function underSchema(id: number, bytes: Buffer): Buffer {
  const other = Buffer.from(bytes);
  other.writeInt32BE(id, 1);
  return other;
}
