import type { AgencyFee, Booking, BookingEvent, Price } from '../../schemas/booking-event.js';
import { decimalProblem } from '../../schemas/decimal.js';
import type { Instant, LocalDate } from '../../schemas/scalars.js';
import { bookingPrice } from './booking.js';
import { fieldFault, shown, type Fault } from './field-rules.js';
import { eventTypes } from './order.js';
import type { Rejection } from './rejection.js';
import { namesSomething } from './touches.js';

/** What decides on an event besides itself. */
export interface ValidationContext {
  /** The kinds that the event's source declares besides the ten types. */
  readonly declaredKinds: ReadonlySet<string>;
  /** Kafka's timestamp of the message; null where there is none, as in a file. */
  readonly receivedAt: Instant | null;
}

/**
 * What a decoded event does wrong by the contract, the first thing found; null if nothing.
 * Birth dates are kept as written and segment times are text: neither is looked at. Negative money is allowed.
 */
export function validateEvent(event: BookingEvent, context: ValidationContext): Rejection | null {
  const fault = fieldFault(event) ?? typeFault(event, context) ?? arrivalFault(event, context) ?? (event.booking == null ? null : bookingFault(event.booking));
  return fault === null ? null : { code: fault.code, reason: `${fault.path} ${fault.says}` };
}

const dayLength = 86_400_000;
/** The last that a `Date` can say, in milliseconds. */
const lastInstant = 8.64e15;
const knownTypes: ReadonlySet<string> = new Set(eventTypes);
const typesThatNameTheirTouches: ReadonlySet<string> = new Set(['reissued', 'refunded', 'voided']);

function typeFault({ type, touches, booking }: BookingEvent, { declaredKinds }: ValidationContext): Fault | null {
  if (!knownTypes.has(type) && !declaredKinds.has(type)) return { code: 'UNKNOWN_TYPE', path: 'type', says: `is ${shown(type)}: neither one of the ten types nor a kind that the source declares` };
  if (type === 'booked' && booking == null) return { code: 'BOOKING_MISSING', path: 'booking', says: 'is missing: an event of type booked must carry it' };
  if (typesThatNameTheirTouches.has(type) && !namesSomething(touches)) return { code: 'TOUCHES', path: 'touches', says: `is missing: an event of type ${type} must name items, documents or travellers` };
  return null;
}

function arrivalFault({ occurredAt }: BookingEvent, { receivedAt }: ValidationContext): Fault | null {
  if (receivedAt === null) return null;
  if (receivedAt > lastInstant) return { code: 'TIME', path: 'occurredAt', says: `cannot be compared: the message's timestamp ${receivedAt} is impossible` };
  if (occurredAt <= receivedAt + dayLength) return null;
  return { code: 'TIME', path: 'occurredAt', says: `is ${new Date(occurredAt).toISOString()}, more than a day after the message arrived` };
}

function bookingFault(booking: Booking): Fault | null {
  const items = booking.items ?? [];
  return (
    spanFault('booking.travelUntil', booking.travelFrom, booking.travelUntil) ??
    firstFault(items, (item, index) => spanFault(`booking.items[${index}].end`, item.start, item.end)) ??
    twiceFault('booking.items', items, idOf) ??
    twiceFault('booking.documents', booking.documents ?? [], idOf) ??
    twiceFault('booking.travellers', booking.travellers ?? [], idOf) ??
    twiceFault('booking.agencyFees', booking.agencyFees ?? [], feeKey) ??
    (booking.price == null && items.length > 1 ? sumFault(bookingPrice(booking)) : null)
  );
}

/** Each price may fit the contract and their sum not: the order could not be announced. */
function sumFault(price: Price | null): Fault | null {
  const parts = price === null ? [] : ([['total', price.total], ['base', price.base], ['taxes', price.taxes], ['commission', price.commission]] as const);
  return firstFault(parts, ([part, amount]) => {
    const problem = amount == null ? undefined : decimalProblem(amount);
    return problem === undefined ? null : { code: 'AMOUNT', path: `booking.items[].price.${part}`, says: `sums to ${amount}, which ${problem}` };
  });
}

const idOf = (thing: { readonly id: string }): string => thing.id;

/** A delivered fee is (id or code, item): the ledger tells two apart by nothing else. One without either is nobody's. */
function feeKey({ id, code, item }: AgencyFee): string | null {
  const name = id ?? code;
  return name == null ? null : item == null ? name : `${name} of item ${item}`;
}

function spanFault(path: string, start: LocalDate | null | undefined, end: LocalDate | null | undefined): Fault | null {
  if (start == null || end == null || end >= start) return null;
  return { code: 'DATE', path, says: `is ${end}, before the start on ${start}` };
}

function twiceFault<Thing>(path: string, things: readonly Thing[], keyOf: (thing: Thing) => string | null): Fault | null {
  if (things.length < 2) return null;
  const seen = new Set<string>();
  return firstFault(things, (thing, index) => {
    const key = keyOf(thing);
    if (key === null || !seen.has(key)) {
      if (key !== null) seen.add(key);
      return null;
    }
    return { code: 'ID_TWICE', path: `${path}[${index}]`, says: `has the id ${shown(key)}, which stands in the list before` };
  });
}

function firstFault<Thing>(things: readonly Thing[], faultOf: (thing: Thing, index: number) => Fault | null): Fault | null {
  for (const [index, thing] of things.entries()) {
    const fault = faultOf(thing, index);
    if (fault !== null) return fault;
  }
  return null;
}
