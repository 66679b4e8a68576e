import type { Booking, BookingEvent } from '../../schemas/booking-event.js';
import { documentsOf } from './booking.js';
import type { OrderState, OrderStatus } from './order.js';

/** The order as an event has left it, but for its status. */
interface Left {
  /** This event began a life: a first `booked` or one after a cancellation. */
  readonly begun: boolean;
  readonly ended: boolean;
  readonly booking: Booking | null;
  readonly voidedDocuments: readonly string[];
}

/** The status after an event; `state` is the one before it, null at the very first. */
export function statusAfter(state: OrderState | null, event: BookingEvent, left: Left): OrderStatus {
  const status = left.begun || state === null ? 'booked' : statusByType(state, event, left.ended);
  if (status === 'ticketed' && allVoided(left)) return bookedStatus(left.booking);
  return status === 'booked' || status === 'option' ? bookedStatus(left.booking) : status;
}

/** An order is an option as long as the booking says so, whichever event says it no longer is. */
export const bookedStatus = (booking: Booking | null): OrderStatus => (booking?.isOption === true ? 'option' : 'booked');

function statusByType(state: OrderState, event: BookingEvent, ended: boolean): OrderStatus {
  if (event.type === 'no-show' || event.type === 'travelled') return event.type;
  if (event.type === 'cancelled') return ended ? 'cancelled' : state.status;
  if (ended && !state.ended) return 'cancelled';
  if (state.ended || state.status === 'no-show' || state.status === 'travelled') return state.status;
  if (event.type === 'confirmed') return 'booked';
  return event.type === 'ticketed' ? 'ticketed' : state.status;
}

/** Whether there are documents and each is voided, by its own status or by a `voided` event that touched it. */
function allVoided({ booking, voidedDocuments }: Left): boolean {
  const documents = documentsOf(booking);
  const touched = new Set(voidedDocuments);
  return documents.length > 0 && documents.every(({ id, status }) => status === 'void' || status === 'voided' || touched.has(id));
}
