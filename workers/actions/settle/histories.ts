import type { BookingEvent } from '../../../schemas/booking-event.js';
import { historyOf } from '../../store/booking-events.js';
import type { Queryable } from '../../store/database.js';
import type { Wire } from './wire.js';

/** The stored events of orders, decoded, by order; in no order of their own. */
export async function historiesOf(tx: Queryable, wire: Wire, orderIds: readonly string[]): Promise<ReadonlyMap<string, readonly BookingEvent[]>> {
  const stored = orderIds.length === 0 ? [] : await historyOf(tx, orderIds);
  await wire.prepare(stored);
  const histories = new Map<string, BookingEvent[]>();
  for (const row of stored) {
    const events = histories.get(row.orderId);
    if (events === undefined) histories.set(row.orderId, [wire.decode(row)]);
    else events.push(wire.decode(row));
  }
  return histories;
}
