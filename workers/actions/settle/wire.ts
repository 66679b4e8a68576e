import type { BookingEvent } from '../../../schemas/booking-event.js';
import { withoutPeople } from '../../domain/erasure.js';
import type { StoredEvent, WireForm } from '../../store/booking-events.js';
import { schemaIdOf, type Codec } from '../../topics/codec.js';
import { contentHash, contentOf } from './event-content.js';

/** Encryption at rest; the key stays with whoever made this. */
export interface Seal {
  seal(plain: Uint8Array): Buffer;
  open(sealed: Uint8Array): Buffer;
}

/** How the bytes of an event are kept in the inbox, and read again. */
export interface Wire {
  /** Plain as received; with sensitive data encrypted whole, or, where no key is configured, written anew without that data: it is never stored in the clear. */
  store(event: BookingEvent, received: Buffer): { readonly wire: Buffer; readonly wireForm: WireForm };
  /** An event that was written anew without somebody who is erased. */
  erased(event: BookingEvent): { readonly wire: Buffer; readonly wireForm: WireForm };
  /** Fetches the writers' schemas that `decode` and `says` need. */
  prepare(rows: readonly StoredEvent[]): Promise<void>;
  /** @throws where the bytes cannot be read any more: the history of an order is damaged or archived, or its key is missing */
  decode(row: StoredEvent): BookingEvent;
  /** Whether a stored event says the same as a message, as decoded and as received; it is decoded only where its bytes are not those received. */
  says(row: StoredEvent, event: BookingEvent, received: Buffer): boolean;
}

export function createWire(codec: Codec, seal: Seal | null): Wire {
  const bytesOf = (row: StoredEvent): Buffer => {
    if (row.wireForm === 'hash') throw new Error(`event ${row.eventId} of ${row.source} is archived: only its hash is here (midline orders show ${row.orderId} says where it is)`);
    if (row.wireForm !== 'encrypted' && row.wireForm !== 'erased-encrypted') return row.wire;
    if (seal === null) throw new Error(`event ${row.eventId} of ${row.source} is stored encrypted: set MIDLINE_ENCRYPTION_KEY`);
    return seal.open(row.wire);
  };
  function decode(row: StoredEvent): BookingEvent {
    const decoded = codec.decode(bytesOf(row));
    if (!decoded.ok) throw new Error(`event ${row.eventId} of ${row.source} cannot be read from the inbox any more: ${decoded.reason}`);
    return decoded.event;
  }

  return {
    store(event, received) {
      if (event.booking?.sensitive == null || event.booking.sensitive.length === 0) return { wire: received, wireForm: 'plain' };
      if (seal !== null) return { wire: seal.seal(received), wireForm: 'encrypted' };
      return { wire: codec.encodeBookingEvent({ ...event, booking: { ...event.booking, sensitive: null } }), wireForm: 'stripped' };
    },
    erased(event) {
      const isSensitive = event.booking?.sensitive != null && event.booking.sensitive.length > 0;
      if (isSensitive && seal !== null) return { wire: seal.seal(codec.encodeBookingEvent(event)), wireForm: 'erased-encrypted' };
      return { wire: codec.encodeBookingEvent(event.booking == null ? event : { ...event, booking: { ...event.booking, sensitive: null } }), wireForm: 'erased' };
    },
    prepare: (rows) => codec.prepare(rows.flatMap((row) => (row.wireForm === 'hash' ? [] : (schemaIdOf(bytesOf(row)) ?? [])))),
    decode,
    says(row, event, received) {
      if (row.wireForm === 'hash') return contentHash(event).equals(row.wire);
      // What was erased can no longer be compared: what is left decides.
      if (row.wireForm === 'erased' || row.wireForm === 'erased-encrypted') return contentOf(withoutPeople(decode(row)), true) === contentOf(withoutPeople(event), true);
      const stripped = row.wireForm === 'stripped';
      return (row.wireForm === 'plain' && received.equals(row.wire)) || contentOf(decode(row), stripped) === contentOf(event, stripped);
    },
  };
}
