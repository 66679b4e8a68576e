import type { BookingEvent } from '../../../schemas/booking-event.js';
import type { Instant } from '../../../schemas/scalars.js';
import type { Rejection } from '../../domain/rejection.js';
import type { Headers } from '../../store/dead-letters.js';

/** A message as Kafka handed it over. */
export interface Incoming {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
  /** Kafka's timestamp of the message. */
  readonly timestamp: Instant;
}

/** Consecutive messages of one partition: the unit of one transaction. */
export interface Batch {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** Where the fetch began, control records included: the fence must not lie below it. */
  readonly firstOffset: number;
  /** One past the last offset, control records included: where the fence moves. */
  readonly nextOffset: number;
  readonly messages: readonly Incoming[];
}

/** A message after decoding: an event, or why it is none. */
export type ReadMessage<Event = BookingEvent> = { readonly message: Incoming } & (
  | { readonly event: Event; readonly rejection?: undefined }
  | { readonly event?: undefined; readonly rejection: Rejection }
);

/** A message that is an event nobody has stored yet, with the order it belongs to. */
export interface NewEvent {
  readonly message: Incoming;
  readonly event: BookingEvent;
  readonly orderId: string;
}

export interface RejectedMessage {
  readonly message: Incoming;
  readonly rejection: Rejection;
}
