import { setTimeout as pause } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { Codec } from '../../../workers/topics/codec.js';
import { bookingEventsTopic } from '../../../workers/topics/names.js';
import { createEventProducer, type EventProducer, type OutgoingMessage } from '../../../workers/topics/producer.js';
import { chaosMessages } from './messages.js';

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
  /** Ends after what is on its way is acknowledged. Rejects when that takes longer than a minute. */
  stop(): Promise<void>;
}

const portionEvery = 100;
/** How long, after the end, Kafka may take to acknowledge what is on its way. Milliseconds. */
const patience = 60_000;

/** Publishes generated messages as a steady stream, whatever happens to Kafka: a portion that fails is sent again, in the same order, until it is acknowledged. */
export function startLoad({ kafka, codec, seed, customers, companies, rate }: LoadOptions): Load {
  const now = Math.floor(Date.now() / 1_000) * 1_000;
  const messages = chaosMessages({ seed, bookings, now, customers, companies }, codec);
  const stopping = new AbortController();
  let acknowledged = 0;
  let producer: EventProducer | null = null;
  let giveUpAt = Infinity;

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
      } catch (error) {
        await producer?.disconnect().catch(() => undefined);
        producer = null;
        if (performance.now() > giveUpAt) throw error;
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
  running.catch(() => undefined); // told to whoever stops it
  return {
    acknowledged: () => acknowledged,
    async stop() {
      stopping.abort();
      giveUpAt = Math.min(giveUpAt, performance.now() + patience);
      await running;
    },
  };
}

function next(messages: Generator<OutgoingMessage, undefined>, count: number): readonly OutgoingMessage[] {
  return Array.from({ length: count }, () => messages.next().value).filter((message) => message !== undefined);
}

/** Far more bookings than any world lives to see. */
const bookings = 1_000_000;
