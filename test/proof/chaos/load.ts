import { setTimeout as pause } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { BookingEvent } from '../../../schemas/booking-event.js';
import { generateEvents } from '../../../workers/domain/generate/events.js';
import { createRandom } from '../../../workers/domain/generate/random.js';
import type { Codec } from '../../../workers/topics/codec.js';
import { bookingEventsTopic, bookingKey } from '../../../workers/topics/names.js';
import { createEventProducer, type EventProducer, type OutgoingMessage } from '../../../workers/topics/producer.js';

export interface LoadOptions {
  readonly kafka: Kafka;
  /** Registered. */
  readonly codec: Codec;
  readonly seed: number;
  readonly customers: number;
  readonly companies: number;
  /** Messages a second. */
  readonly rate: number;
}

export interface Load {
  /** Messages that Kafka has acknowledged so far. */
  acknowledged(): number;
  /** Ends after what is on its way is acknowledged. */
  stop(): Promise<void>;
}

const portionEvery = 100;

/** Publishes generated messages as a steady stream, whatever happens to Kafka: a portion that fails is sent again, in the same order, until it is acknowledged. */
export function startLoad({ kafka, codec, seed, customers, companies, rate }: LoadOptions): Load {
  const messages = messagesOf(codec, seed, { customers, companies });
  const stopping = new AbortController();
  let acknowledged = 0;
  let producer: EventProducer | null = null;

  async function send(portion: readonly OutgoingMessage[]): Promise<void> {
    for (;;) {
      try {
        if (producer === null) {
          producer = createEventProducer(kafka);
          await producer.connect();
        }
        await producer.sendBatch(bookingEventsTopic, portion);
        acknowledged += portion.length;
        return;
      } catch {
        await producer?.disconnect().catch(() => undefined);
        producer = null;
        await pause(portionEvery);
      }
    }
  }

  async function run(): Promise<void> {
    let [then, owed] = [performance.now(), 0];
    while (!stopping.signal.aborted) {
      const now = performance.now();
      // What Kafka's absence has held up comes all at once, as from any sender that waits, but no more than some seconds of it.
      owed = Math.min(owed + (now - then) / 1_000 * rate, 5 * rate);
      then = now;
      const portion = next(messages, Math.floor(owed));
      owed -= portion.length;
      if (portion.length > 0) await send(portion);
      await pause(portionEvery);
    }
    await producer?.disconnect().catch(() => undefined);
  }

  const running = run();
  return {
    acknowledged: () => acknowledged,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function next(messages: Generator<OutgoingMessage, undefined>, count: number): readonly OutgoingMessage[] {
  return Array.from({ length: count }, () => messages.next().value).filter((message) => message !== undefined);
}

/** Far more bookings than any world lives to see. */
const bookings = 1_000_000;

/** The events of a travel company, with late, doubled and refused ones, and now and then a message that is no event at all. */
function* messagesOf(codec: Codec, seed: number, population: { readonly customers: number; readonly companies: number }): Generator<OutgoingMessage, undefined> {
  const random = createRandom(seed, 'rubbish');
  const now = Math.floor(Date.now() / 1_000) * 1_000;
  for (const event of generateEvents({ seed, now, bookings, ...population, late: 0.05, doubled: 0.03, shuffled: 0.1, bad: 0.01 })) {
    const key = bookingKey(event);
    yield { key, value: codec.encodeBookingEvent(event) };
    if (random.chance(0.02)) yield rubbish[random.whole(0, rubbish.length - 1)]?.(codec, event, key) ?? { key, value: null };
  }
}

type Spoil = (codec: Codec, event: BookingEvent, key: string) => OutgoingMessage;

const rubbish: readonly Spoil[] = [
  (_codec, _event, key) => ({ key, value: null }),
  () => ({ key: 'gds:JSON', value: Buffer.from('{"this":"is no Avro"}') }),
  () => ({ key: 'gds:SCHEMA', value: Buffer.from([0, 0, 0, 99, 99, 1, 2, 3]) }),
  (codec, event, key) => ({ key, value: codec.encodeBookingEvent(event).subarray(0, 40) }),
  (codec, event, key) => ({ key, value: codec.encodeBookingEvent({ ...event, eventId: `${event.eventId}-nul`, agent: 'a\u0000b' }) }),
  // The same id with another content.
  (codec, event, key) => ({ key, value: codec.encodeBookingEvent({ ...event, occurredAt: event.occurredAt + 1_000 }) }),
];
