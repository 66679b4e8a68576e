import type { BookingEvent, Item } from '../../schemas/booking-event.js';
import { generateEvents } from '../../workers/domain/generate/events.js';
import type { OrderFacts } from '../../workers/domain/fees/types.js';
import { foldAll } from '../../workers/domain/fold.js';
import type { Transaction } from '../../workers/domain/order.js';
import type { FactName } from './table.js';

/** What an engine that knows nothing of bookings is given of an item. */
export type PlainFacts = Readonly<Partial<Record<FactName, string | number>>>;

export interface BenchOrder {
  readonly facts: OrderFacts;
  /** That it was booked. */
  readonly transactions: readonly Transaction[];
  /** Of each item, in the order of the booking. */
  readonly items: readonly PlainFacts[];
}

/** Booked orders, each a new one, until they have so many items. */
export function benchOrders(points: number, seed: number): readonly BenchOrder[] {
  const orders: BenchOrder[] = [];
  let items = 0;
  for (const event of generateEvents({ seed, bookings: points * 2, now: Date.UTC(2026, 5, 1), late: 0, doubled: 0, shuffled: 0 })) {
    if (event.type !== 'booked' || event.booking?.items == null) continue;
    orders.push(orderOf(event, event.booking.items));
    items += event.booking.items.length;
    if (items >= points) return orders;
  }
  throw new RangeError(`only ${items} items were generated`);
}

function orderOf(event: BookingEvent, items: readonly Item[]): BenchOrder {
  return {
    facts: { source: event.source, customerId: null, companyId: null, orgUnit: null },
    transactions: foldAll([event]).transactions,
    items: items.map((item) => factsOf(event, item)),
  };
}

function factsOf({ source, office, channel }: BookingEvent, { product, supplier, carrier, bookingClass, fareType, origin, destination, price, travellers }: Item): PlainFacts {
  const facts = { source, office, channel, product, supplier, carrier, bookingClass, fareType, origin, destination };
  return {
    ...Object.fromEntries(Object.entries(facts).filter((entry): entry is [string, string] => entry[1] != null)),
    ...(price?.total == null ? {} : { price: Number(price.total) }), travellers: travellers?.length ?? 0,
  };
}
