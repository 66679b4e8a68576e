import type { OrderEvent } from '../../../schemas/order-event.js';
import type { CaughtMail } from '../../../services/mail-catcher.js';
import type { Queryable } from '../../../workers/store/database.js';
import { schemaIdOf, type Codec } from '../../../workers/topics/codec.js';
import type { PublishedMessage } from './oracle.js';

/** What stands in the tables, in Kafka and in the mailboxes. Orders are named `source:bookingRef`, amounts and dates are text. */
export interface Found {
  /** When it was read, in milliseconds. */
  readonly at: number;
  readonly fences: readonly { readonly group: string; readonly topic: string; readonly partition: number; readonly next: string; readonly read: string; readonly applied: string; readonly duplicate: string; readonly late: string; readonly dead: string }[];
  readonly events: readonly { readonly source: string; readonly eventId: string; readonly order: string; readonly wire: Buffer; readonly form: string }[];
  readonly orders: readonly FoundOrder[];
  readonly items: readonly { readonly order: string; readonly id: string; readonly product: string; readonly status: string | null; readonly supplier: string | null; readonly start: string | null; readonly end: string | null; readonly currency: string | null; readonly total: string | null }[];
  readonly entries: readonly FoundEntry[];
  readonly messages: readonly { readonly id: string; readonly order: string; readonly trigger: string; readonly eventId: string; readonly state: string; readonly reason: string | null }[];
  readonly deadLetters: readonly { readonly topic: string; readonly partition: number; readonly offset: string; readonly code: string; readonly value: Buffer | null; readonly key: Buffer | null }[];
  /** Things that must have been worked off, with how many of them are left. */
  readonly left: Readonly<Record<string, number>>;
  /** In the order in which they stand. */
  readonly orderEvents: readonly OrderEvent[];
  readonly relayedDeadLetters: readonly { readonly topic: string; readonly partition: number; readonly offset: string; readonly code: string }[];
  readonly mails: readonly CaughtMail[];
}

export interface FoundOrder {
  readonly id: string;
  readonly order: string;
  readonly revision: string;
  readonly status: string;
  readonly orgUnit: string | null;
  readonly account: string | null;
  readonly travelFrom: string | null;
  readonly travelUntil: string | null;
  readonly currency: string | null;
  readonly total: string | null;
  readonly bookedAt: Date | null;
  readonly state: { readonly life: number; readonly counts: Readonly<Record<string, number>>; readonly eventCount: number };
}

export interface FoundEntry {
  readonly order: string;
  readonly charge: string;
  readonly unit: string;
  readonly eventId: string;
  readonly type: string;
  readonly kind: string;
  readonly table: string | null;
  readonly rule: string | null;
  readonly net: string;
  readonly vat: string;
  readonly gross: string;
  readonly currency: string;
}

const name = `coalesce(o.source || ':' || o.booking_ref, 'no order')`;

export interface Places {
  readonly database: Queryable;
  readonly codec: Codec;
  /** What stands in the two topics that the relay writes, in the order of partition and offset. */
  readonly orderEvents: readonly PublishedMessage[];
  readonly deadLetters: readonly PublishedMessage[];
  readonly mails: readonly CaughtMail[];
}

/** Reads what stands. Nothing may be at work any more. */
export async function readFound({ database, codec, orderEvents, deadLetters, mails }: Places): Promise<Found> {
  return {
    at: Date.now(),
    fences: await database.query(
      `select consumer_group as "group", topic, partition, next_offset as next, read, applied, duplicate, late, dead_lettered as dead from consumer_offset order by 1, 2, 3`),
    events: await database.query(`select e.source, e.event_id as "eventId", ${name} as "order", e.wire, e.wire_form as form from booking_event e left join orders o on o.id = e.order_id`),
    orders: await database.query(
      `select o.id, ${name} as "order", o.revision, o.status, o.org_unit as "orgUnit", o.travel_from as "travelFrom", o.travel_until as "travelUntil", o.currency, o.total, o.booked_at as "bookedAt", o.state,
         (select string_agg(substr(k.value, 5), ' ') from customer_key k where k.customer_id = o.corporate_account_id and k.kind = 'external-company' and k.value like 'crm:%') as account
       from orders o order by o.source, o.booking_ref`),
    items: await database.query(
      `select ${name} as "order", i.item_id as id, i.product, i.status, i.supplier, i.start_date as start, i.end_date as "end", i.currency, i.total
       from order_item i left join orders o on o.id = i.order_id order by 1, 2`),
    entries: await database.query(
      `select ${name} as "order", f.charge, f.unit, f.event_id as "eventId", f.transaction_type as type, f.type as kind, f.fee_table as "table", f.rule, f.net, f.vat, f.gross, f.currency
       from fee_entry f left join orders o on o.id = f.order_id`),
    messages: await database.query(
      `select m.id, ${name} as "order", m.trigger, m.occurrence as "eventId", m.state, m.reason from message m left join orders o on o.id = m.order_id`),
    deadLetters: await database.query(`select topic, partition, "offset", code, value, key from dead_letter order by 1, 2, 3`),
    left: await leftIn(database),
    orderEvents: await orderEventsOf(orderEvents, codec),
    relayedDeadLetters: deadLetters.map(relayedOf),
    mails,
  };
}

async function leftIn(database: Queryable): Promise<Readonly<Record<string, number>>> {
  const [row] = await database.query<Readonly<Record<string, string>>>(
    `select (select count(*) from outbox) as "order events in the outbox", (select count(*) from dead_letter where relay = 'pending') as "dead letters that Kafka has not got",
       (select count(*) from rating_stale) as "orders to be rated again", (select count(*) from offset_gap) as "gaps"`);
  return Object.fromEntries(Object.entries(row ?? {}).map(([what, count]) => [what, Number(count)]));
}

async function orderEventsOf(messages: readonly PublishedMessage[], codec: Codec): Promise<readonly OrderEvent[]> {
  await codec.prepare(messages.flatMap(({ value }) => schemaIdOf(value) ?? []));
  return messages.map(({ value, partition, offset }) => {
    const decoded = codec.decodeOrderEvent(value);
    if (!decoded.ok) throw new Error(`the order event at ${offset} of partition ${partition} cannot be read: ${decoded.reason}`);
    return decoded.event;
  });
}

function relayedOf({ headers }: PublishedMessage): Found['relayedDeadLetters'][number] {
  const text = (header: string): string => {
    const value = headers[header];
    return Buffer.isBuffer(value) ? value.toString() : '';
  };
  return { topic: text('midline-topic'), partition: Number(text('midline-partition')), offset: text('midline-offset'), code: text('midline-code') };
}
