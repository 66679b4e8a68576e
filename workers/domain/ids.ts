import { hash } from 'node:crypto';

/**
 * Ids that are derived from what they name, so that two processes that meet the same booking or message for the first time agree on its id
 * without asking each other, and no second unique index is needed. Name-based UUIDs (RFC 9562, version 5).
 */
function nameBasedUuid(name: string): string {
  const hex = hash('sha1', name, 'hex');
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`;
}

/** Parts are joined by their lengths, so that no two lists of parts share a name. */
const nameOf = (kind: string, parts: readonly string[]): string => [kind, ...parts.map((part) => `${part.length}:${part}`)].join(' ');

/** The order of a booking: one booking, one order. */
export const orderIdOf = (source: string, bookingRef: string): string => nameBasedUuid(nameOf('order', [source, bookingRef]));

/** The message of a subject for one occurrence of a trigger, to one role on one channel. */
export const messageIdOf = (subject: string, trigger: string, occurrence: string, role: string, channel: string): string =>
  nameBasedUuid(nameOf('message', [subject, trigger, occurrence, role, channel]));

/** The relay's lane of an order: order events of one order share a lane and so keep their order. */
export const laneOf = (orderId: string): number => Number.parseInt(orderId.slice(0, 4), 16) % lanes;

export const lanes = 16;
