import type { BookingEvent } from '../../../schemas/booking-event.js';
import type { Rejection } from '../../domain/rejection.js';
import type { NewEvent, ReadMessage, RejectedMessage } from './batch.js';
import { contentOf } from './event-content.js';

/** What came before under the id of an event. */
export interface KnownEvent {
  /** Whether a message, as decoded and as received, says the same. */
  readonly isSaidBy: (event: BookingEvent, received: Buffer) => boolean;
}

export interface SortedMessages {
  readonly fresh: readonly NewEvent[];
  /** Same event id, same content: nothing to do. */
  readonly duplicates: readonly ReadMessage[];
  readonly rejected: readonly RejectedMessage[];
}

/** Event ids are unique within their source. */
export const eventKey = (event: { readonly source: string; readonly eventId: string }): string => `${event.source.length}:${event.source}${event.eventId}`;

/**
 * Sorts messages, in order of offset, into new events, duplicates and rejected ones.
 * A repeated event id is a duplicate when the content is the same (traceparent and schema id do not count), else it is rejected; the first that was stored stands.
 * @param archived why new events of an archived order are rejected, by order
 */
export function sortMessages(
  messages: readonly (ReadMessage & { readonly orderId?: string })[],
  known: ReadonlyMap<string, KnownEvent>,
  archived: ReadonlyMap<string, Rejection>,
): SortedMessages {
  const fresh: NewEvent[] = [];
  const duplicates: ReadMessage[] = [];
  const rejected: RejectedMessage[] = [];
  const seen = new Map(known);
  for (const read of messages) {
    if (read.event === undefined || read.orderId === undefined) {
      if (read.rejection !== undefined) rejected.push(read);
      continue;
    }
    const { message, event, orderId } = read;
    const wire = message.value ?? Buffer.alloc(0);
    const key = eventKey(event);
    const earlier = seen.get(key);
    const closed = archived.get(orderId);
    if (earlier === undefined && closed !== undefined) {
      rejected.push({ message, rejection: closed });
    } else if (earlier === undefined) {
      seen.set(key, { isSaidBy: (other, received) => received.equals(wire) || contentOf(other, false) === contentOf(event, false) });
      fresh.push({ message, event, orderId });
    } else if (earlier.isSaidBy(event, wire)) {
      duplicates.push(read);
    } else {
      rejected.push({ message, rejection: { code: 'EVENT_ID_REUSED', reason: `The event id ${event.eventId} of source ${event.source} was used before, by an event with other content; the first one stands.` } });
    }
  }
  return { fresh, duplicates, rejected };
}
