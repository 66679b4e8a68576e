import type { Booking } from '../../schemas/booking-event.js';

/**
 * The booking as the order's state keeps it: without `sensitive` (special-category data stays in the encrypted event)
 * and without fields that are null, which mean the same as missing ones. The event itself is left as it is.
 */
export function storedBooking(booking: Booking): Booking {
  const { sensitive: _withheld, ...rest } = withoutNulls(booking);
  return rest;
}

function withoutNulls<Value>(value: Value): Value;
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((element: unknown) => withoutNulls(element));
  if (!isRecord(value)) return value;
  const kept: Record<string, unknown> = {};
  for (const name in value) {
    const field = value[name];
    if (field != null) kept[name] = typeof field === 'object' ? withoutNulls(field) : field;
  }
  return kept;
}

/**
 * Whether two parts of bookings say the same, whatever the order of their fields (jsonb does not keep it).
 * A missing field, null, and an empty list or map say the same.
 */
export function saySame(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) return left.length === right.length && left.every((element, index) => saySame(element, right[index]));
  if (isRecord(left) && isRecord(right)) return saySameFields(left, right);
  return isEmpty(left) && isEmpty(right);
}

function saySameFields(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  for (const name in left) if (!saySame(left[name], right[name])) return false;
  for (const name in right) if (!Object.hasOwn(left, name) && !isEmpty(right[name])) return false;
  return true;
}

const isEmpty = (value: unknown): boolean => value == null || (typeof value === 'object' && Object.keys(value).length === 0);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
