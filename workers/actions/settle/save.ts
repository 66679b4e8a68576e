import { laneOf } from '../../domain/ids.js';
import type { DueMessage } from '../../domain/outreach/due.js';
import { addObservedContacts, insertCustomers, insertLinks } from '../../store/customers.js';
import type { Queryable } from '../../store/database.js';
import { entryDetails, entryRow } from '../../store/ledger.js';
import { insertMessages } from '../../store/messages.js';
import { wakeRelay } from '../../store/notifications.js';
import { saveSettlement, type EntryRow } from '../../store/settlement.js';
import type { Codec } from '../../topics/codec.js';
import { orderEventsTopic } from '../../topics/names.js';
import type { NewEvent } from './batch.js';
import type { LinkedOrders } from './link-orders.js';
import { itemRows, orderEvent, orderRow, type SettledOrder } from './rows.js';
import type { Wire } from './wire.js';

/** What decisions about orders leave to be written. */
export interface Decisions {
  readonly orders: readonly SettledOrder[];
  readonly links: Pick<LinkedOrders, 'drafts' | 'links' | 'contacts'>;
  readonly events: readonly NewEvent[];
  readonly messages: readonly DueMessage[];
}

/**
 * Writes decisions, sorted by key, and announces each order on the outbox. What is not there costs nothing.
 * Orders come first: there the slower of two transactions learns that it has to settle again, before its links and messages meet those of the faster one.
 */
export async function saveDecisions(tx: Queryable, { orders, links, events, messages }: Decisions, wire: Wire, codec: Codec, now: number): Promise<void> {
  if (orders.length === 0) return;
  await saveSettlement(tx, settlementRows(orders, events, wire, codec, now));
  await insertCustomers(tx, links.drafts);
  await addObservedContacts(tx, links.contacts);
  await insertLinks(tx, links.links);
  await insertMessages(tx, messages);
  await wakeRelay(tx);
}

/** The rows of settled orders and of the events that changed them. */
export function settlementRows(orders: readonly SettledOrder[], events: readonly NewEvent[], wire: Wire, codec: Codec, now: number) {
  const stored = events.map(({ event, orderId, message }) => {
    const { wire: bytes, wireForm } = wire.store(event, message.value ?? Buffer.alloc(0));
    const row = {
      source: event.source, event_id: event.eventId, order_id: orderId, type: event.type,
      occurred_at: new Date(event.occurredAt).toISOString(), received_at: new Date(message.timestamp).toISOString(), wire_form: wireForm,
    };
    return { row, bytes };
  });
  return {
    events: stored.map(({ row }) => row),
    wires: stored.map(({ bytes }) => bytes),
    orders: orders.map(orderRow),
    states: orders.map(({ state }) => state),
    items: orders.flatMap(itemRows),
    entries: orders.flatMap((order): readonly EntryRow[] => order.appended.map((entry) => entryRow(order.id, entry))),
    entryDetails: orders.flatMap((order) => order.appended.map(entryDetails)),
    outbox: orders.map((order) => ({ lane: laneOf(order.id), topic: orderEventsTopic, key: order.id })),
    outboxValues: orders.map((order) => codec.encodeOrderEvent(orderEvent(order, now))),
    now: new Date(now).toISOString(),
  };
}
