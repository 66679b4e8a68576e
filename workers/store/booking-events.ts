import type { Queryable } from './database.js';

/** How the bytes of an event are kept; `hash`: they are in an archive, and only the hash of their content is here; `erased`: written anew without somebody who was erased. */
export type WireForm = 'plain' | 'encrypted' | 'stripped' | 'hash' | 'erased' | 'erased-encrypted';

export interface StoredEvent {
  readonly source: string;
  readonly eventId: string;
  readonly orderId: string;
  readonly wire: Buffer;
  readonly wireForm: WireForm;
}

const columns = 'e.source, e.event_id as "eventId", e.order_id as "orderId", e.wire, e.wire_form as "wireForm"';

/** The stored events among those asked for by (source, event id), in one query. */
export function findEvents(tx: Queryable, keys: readonly { readonly source: string; readonly eventId: string }[]): Promise<readonly StoredEvent[]> {
  return tx.query<StoredEvent>(
    `select ${columns} from unnest($1::text[], $2::text[]) as k (source, event_id)
     join booking_event e on e.source = k.source and e.event_id = k.event_id`,
    [keys.map((key) => key.source), keys.map((key) => key.eventId)],
  );
}

/** The whole history of the orders, in no order. */
export function historyOf(tx: Queryable, orderIds: readonly string[]): Promise<readonly StoredEvent[]> {
  return tx.query<StoredEvent>(
    `select ${columns} from unnest($1::uuid[]) as k (id) join booking_event e on e.order_id = k.id`,
    [orderIds],
  );
}

/** Replaces the bytes of stored events. */
export async function rewriteEvents(tx: Queryable, events: readonly Omit<StoredEvent, 'orderId'>[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    `update booking_event e set wire = t.wire, wire_form = t.form from unnest($1::text[], $2::text[], $3::bytea[], $4::text[]) as t (source, event_id, wire, form)
     where e.source = t.source and e.event_id = t.event_id`,
    [events.map(({ source }) => source), events.map(({ eventId }) => eventId), events.map(({ wire }) => wire), events.map(({ wireForm }) => wireForm)],
  );
}
