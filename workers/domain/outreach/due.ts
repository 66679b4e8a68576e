import type { Instant } from '../../../schemas/scalars.js';
import { messageIdOf } from '../ids.js';
import type { Transaction } from '../order.js';

/** What makes a message due; a row of `trigger`. */
export interface EventTrigger {
  readonly id: string;
  readonly eventTypes: readonly string[];
  readonly channel: string;
  /** A transaction older than this gets no message. */
  readonly maxAgeMs: number;
}

export interface DueMessage {
  readonly id: string;
  readonly orderId: string;
  readonly trigger: string;
  /** The id of the event that made it due. */
  readonly occurrence: string;
  readonly role: 'customer';
  readonly channel: string;
  readonly dueAt: Instant;
  readonly expiresAt: Instant;
}

/**
 * One message per new transaction and trigger that names its type. Derived transactions make none, nor does the implied booked one;
 * a transaction older than the trigger's maxAge gets no row at all, so importing history mails nobody.
 */
export function messagesDue(orderId: string, transactions: readonly Transaction[], triggers: readonly EventTrigger[], now: Instant): readonly DueMessage[] {
  return transactions.flatMap((transaction) => {
    if (transaction.derived || transaction.eventId === impliedBooked) return [];
    return triggers
      .filter((trigger) => trigger.eventTypes.includes(transaction.type) && transaction.at + trigger.maxAgeMs >= now)
      .map((trigger) => ({
        id: messageIdOf(orderId, trigger.id, transaction.eventId, 'customer', trigger.channel),
        orderId,
        trigger: trigger.id,
        occurrence: transaction.eventId,
        role: 'customer' as const,
        channel: trigger.channel,
        dueAt: now,
        expiresAt: transaction.at + trigger.maxAgeMs,
      }));
  });
}

/** The event id that the implied booked transaction carries (fees.md 2 and 9). */
const impliedBooked = 'implied:booked';
