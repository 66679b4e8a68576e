import type { BookingEvent } from '../../../schemas/booking-event.js';
import { contentText } from '../../domain/content.js';
import type { NewEvent, ReadMessage, RejectedMessage } from './batch.js';

/** What was stored before under the id of an event: the event itself, as far as it could be kept. */
export interface KnownEvent {
  readonly wire: Buffer;
  /** Decoded only when the bytes differ. */
  readonly decode: () => BookingEvent;
  /** Stored without its sensitive data, for want of a key. */
  readonly stripped: boolean;
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
 */
export function sortMessages(
  messages: readonly (ReadMessage & { readonly orderId?: string })[],
  known: ReadonlyMap<string, KnownEvent>,
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
    if (earlier === undefined) {
      seen.set(key, { wire, decode: () => event, stripped: false });
      fresh.push({ message, event, orderId });
    } else if (earlier.wire.equals(wire) || sameContent(earlier.decode(), event, earlier.stripped)) {
      duplicates.push(read);
    } else {
      rejected.push({ message, rejection: { code: 'EVENT_ID_REUSED', reason: `The event id ${event.eventId} of source ${event.source} was used before, by an event with other content; the first one stands.` } });
    }
  }
  return { fresh, duplicates, rejected };
}

const sameContent = (earlier: BookingEvent, later: BookingEvent, withoutSensitive: boolean): boolean => {
  const without = withoutSensitive ? ['traceparent', 'sensitive'] : ['traceparent'];
  return contentText(earlier, without) === contentText(later, without);
};
