import type { Booking, BookingEvent } from '../../schemas/booking-event.js';
import { fromJson, type FromJson } from '../../schemas/json.js';
import { validateEvent } from '../domain/validate.js';

/** What is wrong with a record or an event made of it: the field's path (null: the record as a whole) and the problem in words that follow it. */
export interface FieldProblem {
  readonly field: string | null;
  readonly problem: string;
}

export interface CheckedEvents {
  /** All events of the record, or none if one of them is wrong. */
  readonly events: readonly BookingEvent[];
  readonly problems: readonly FieldProblem[];
}

/** What an event of one source must agree with; nulls: the events are canonical ones of any source, declared kinds are not known and ingest decides on them. */
export interface SourceRules {
  /** Fills in the event's source, and refuses another. */
  readonly source: string | null;
  readonly kinds: ReadonlySet<string> | null;
}

/** Checks the events of one record, in canonical JSON, as strictly as ingest will, so that nothing is published that would become a dead letter. */
export function checkEvents(list: readonly unknown[], rules: SourceRules): CheckedEvents {
  const bodies = new Map<object, FromJson<'Booking'>>();
  const checked = list.map((json) => checkEvent(json, rules, bodies));
  const problems = checked.flatMap((result) => ('problems' in result ? result.problems : []));
  return { events: problems.length > 0 ? [] : checked.flatMap((result) => ('event' in result ? [result.event] : [])), problems };
}

type Checked = { readonly event: BookingEvent } | { readonly problems: readonly FieldProblem[] };

/** @param bodies bookings that were read already: the events of a record often share theirs */
function checkEvent(json: unknown, { source, kinds }: SourceRules, bodies: Map<object, FromJson<'Booking'>>): Checked {
  const read = isObject(json) ? readParts(source === null ? json : { source, ...json }, bodies) : fromJson('BookingEvent', json);
  if ('problems' in read) return { problems: read.problems.map(({ path, problem }) => ({ field: path === '' ? null : path, problem })) };
  const event = read.value;
  if (source !== null && event.source !== source) return { problems: [{ field: 'source', problem: `is ${event.source}; the map is of ${source}` }] };
  const rejection = validateEvent(event, { declaredKinds: kinds ?? new Set([event.type]), receivedAt: null });
  if (rejection === null) return { event };
  const [field = '', ...rest] = rejection.reason.split(' ');
  return { problems: [{ field, problem: rest.join(' ') }] };
}

function readParts(json: Readonly<Record<string, unknown>>, bodies: Map<object, FromJson<'Booking'>>): FromJson<'BookingEvent'> {
  const { booking } = json;
  if (booking == null) return fromJson('BookingEvent', json);
  const head = fromJson('BookingEvent', { ...json, booking: null });
  const body = readBooking(booking, bodies);
  const problems = [...('problems' in head ? head.problems : []), ...('problems' in body ? body.problems.map(({ path, problem }) => ({ path: path === '' ? 'booking' : `booking.${path}`, problem })) : [])];
  if ('problems' in head || 'problems' in body) return { problems };
  return { value: { ...head.value, booking: body.value satisfies Booking } };
}

function readBooking(booking: unknown, bodies: Map<object, FromJson<'Booking'>>): FromJson<'Booking'> {
  const known = typeof booking === 'object' && booking !== null ? bodies.get(booking) : undefined;
  const body = known ?? fromJson('Booking', booking);
  if (typeof booking === 'object' && booking !== null) bodies.set(booking, body);
  return body;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
