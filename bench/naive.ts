import { randomUUID } from 'node:crypto';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';
import knex, { type Knex } from 'knex';

export interface NaiveOptions {
  readonly brokers: readonly string[];
  readonly registryUrl: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly topic: string;
  readonly group: string;
  readonly partitionsAtOnce: number;
  /** Told after every event: how many this consumer has handled. */
  readonly onHandled: (events: number) => void;
}

/** What it reads of an event. */
interface NaiveEvent {
  readonly eventId: string;
  readonly source: string;
  readonly type: string;
  readonly bookingRef: string;
  readonly occurredAt: number;
  readonly booking: {
    readonly booker: { readonly externalId: string | null; readonly emails: readonly string[] | null } | null;
    readonly items: readonly NaiveItem[];
    readonly price: { readonly currency: string; readonly total: number };
  };
}

interface NaiveItem {
  readonly id: string;
  readonly product: string;
  readonly status: string | null;
  readonly supplier: string | null;
  readonly start: string | null;
  readonly end: string | null;
  readonly price: { readonly total: number } | null;
}

/**
 * The consumer that a competent team writes in a hurry: one message, one transaction, then one job.
 * It knows repeated events by their id, and has no answer to late ones, bad ones, ones from before a merge, or a crash between transaction and job.
 */
export async function startNaive(options: NaiveOptions): Promise<{ stop(): Promise<void> }> {
  const db = knex({ client: 'pg', connection: { connectionString: options.databaseUrl }, pool: { min: 1, max: Math.max(2, options.partitionsAtOnce) } });
  const redis = new Redis(options.redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue<{ readonly messageId: string }>('naive', { connection: redis, defaultJobOptions: { removeOnComplete: true } });
  const registry = new SchemaRegistry({ host: options.registryUrl }, { [SchemaType.AVRO]: { logicalTypes: { decimal: DecimalType, date: DateType } } });
  const kafka = new kafkajs.Kafka({ brokers: [...options.brokers], clientId: 'naive', logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: options.group });
  let handled = 0;

  await consumer.connect();
  await consumer.subscribe({ topics: [options.topic], fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: options.partitionsAtOnce,
    eachMessage: async ({ message }) => {
      const payload = message.value;
      if (payload === null) return;
      const event: NaiveEvent = await registry.decode(payload);
      const messageId = await db.transaction((tx) => handle(tx, event, payload));
      if (messageId !== null) await queue.add('message', { messageId }, { jobId: messageId });
      handled += 1;
      options.onHandled(handled);
    },
  });
  return {
    async stop() {
      await consumer.disconnect();
      await queue.close();
      redis.disconnect();
      await db.destroy();
    },
  };
}

/** @returns the id of the message that is due; null: the event was here before */
async function handle(tx: Knex.Transaction, event: NaiveEvent, payload: Buffer): Promise<string | null> {
  const { booking } = event;
  const inserted = await tx('naive.event')
    .insert({ source: event.source, event_id: event.eventId, type: event.type, occurred_at: new Date(event.occurredAt), payload })
    .onConflict(['source', 'event_id']).ignore().returning('event_id');
  if (inserted.length === 0) return null;

  const { total } = booking.price;
  const [order] = await tx('naive.orders')
    .insert({
      source: event.source, booking_ref: event.bookingRef, status: event.type === 'cancelled' ? 'cancelled' : 'booked', customer_id: await customerOf(tx, event),
      currency: booking.price.currency, total, travel_from: firstDay(booking.items), travel_until: lastDay(booking.items), updated_at: new Date(),
    })
    .onConflict(['source', 'booking_ref']).merge().returning<{ readonly id: string }[]>('id');
  if (order === undefined) throw new Error('the order was not saved');

  await tx('naive.order_item')
    .insert(booking.items.map((item) => ({
      order_id: order.id, item_id: item.id, product: item.product, status: item.status, supplier: item.supplier,
      start_date: item.start, end_date: item.end, total: item.price?.total ?? null,
    })))
    .onConflict(['order_id', 'item_id']).merge();
  await tx('naive.fee_entry').insert(feesOf(event.type, total).map((fee) => ({ order_id: order.id, event_id: event.eventId, currency: booking.price.currency, ...fee })));

  const messageId = randomUUID();
  await tx('naive.message').insert({ id: messageId, order_id: order.id, trigger: `order-${event.type}`, state: 'queued' });
  await tx('naive.outbox').insert({ topic: 'order-events', key: order.id, payload: JSON.stringify({ orderId: order.id, type: event.type, bookingRef: event.bookingRef, total }) });
  return messageId;
}

async function customerOf(tx: Knex.Transaction, { booking: { booker } }: NaiveEvent): Promise<string | null> {
  if (booker === null) return null;
  const byId = tx('naive.customer').select<{ readonly id: string }[]>('id');
  const [found] = booker.externalId === null
    ? await byId.where('email', booker.emails?.[0]?.toLowerCase() ?? '').limit(1)
    : await byId.where('external_id', booker.externalId);
  return found?.id ?? null;
}

interface Fee {
  readonly charge: string;
  readonly net: number;
  readonly vat: number;
  readonly gross: number;
}

const fixedFees: Readonly<Record<string, { readonly charge: string; readonly gross: number }>> = {
  booked: { charge: 'booking-fee', gross: 15 },
  changed: { charge: 'change-fee', gross: 10 },
  cancelled: { charge: 'cancellation-fee', gross: 20 },
};

/** The rules of fee-table.ts, as a few lines. */
function feesOf(type: string, total: number): readonly Fee[] {
  const fixed = fixedFees[type];
  const handling = { charge: 'handling', gross: Math.min(12, Math.max(2.5, Math.round(total) / 100)) };
  return [...(fixed === undefined ? [] : [fixed]), handling].map(({ charge, gross }) => {
    const vat = Math.round((gross * 100 * 19) / 119) / 100;
    return { charge, gross, vat, net: Math.round((gross - vat) * 100) / 100 };
  });
}

const uncancelled = (items: readonly NaiveItem[]): readonly NaiveItem[] => items.filter(({ status }) => status !== 'cancelled');

const firstDay = (items: readonly NaiveItem[]): string | null => uncancelled(items).flatMap(({ start }) => start ?? []).sort()[0] ?? null;

const lastDay = (items: readonly NaiveItem[]): string | null => uncancelled(items).flatMap(({ end }) => end ?? []).sort().at(-1) ?? null;

/** Ten-thousandths, as a number; a hurry knows no exact decimals. */
class DecimalType extends avro.types.LogicalType {
  protected override _fromValue(bytes: Buffer): number {
    return bytes.readIntBE(0, bytes.length) / 10_000;
  }
}

class DateType extends avro.types.LogicalType {
  protected override _fromValue(days: number): string {
    return new Date(days * 86_400_000).toISOString().slice(0, 10);
  }
}
