import type { BookingEvent } from '../../schemas/booking-event.js';
import { fromJson } from '../../schemas/json.js';
import { validateEvent } from '../domain/validate.js';

/** What is wrong with a record or an event made of it: the field's path (null: the record as a whole) and the problem in words that follow it. */
export interface FieldProblem {
  readonly field: string | null;
  readonly problem: string;
}

export type CheckedEvent = { readonly event: BookingEvent } | { readonly problems: readonly FieldProblem[] };

/**
 * Checks one event in canonical JSON as strictly as ingest will, so that nothing is published that would become a dead letter.
 * @param source fills in the event's source, and refuses another; null: the event says it
 * @param kinds declared event types; null: they are not known here, any word passes and ingest decides
 */
export function checkEvent(json: unknown, source: string | null, kinds: ReadonlySet<string> | null): CheckedEvent {
  const given = source === null || !isObject(json) ? json : { source, ...json };
  const read = fromJson('BookingEvent', given);
  if ('problems' in read) return { problems: read.problems.map(({ path, problem }) => ({ field: path === '' ? null : path, problem })) };
  const event = read.value;
  if (source !== null && event.source !== source) return { problems: [{ field: 'source', problem: `is ${event.source}; the map is of ${source}` }] };
  const rejection = validateEvent(event, { declaredKinds: kinds ?? new Set([event.type]), receivedAt: null });
  return rejection === null ? { event } : { problems: [{ field: null, problem: rejection.reason }] };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
