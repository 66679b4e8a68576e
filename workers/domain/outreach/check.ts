import type { Instant } from '../../../schemas/scalars.js';

/** What is known of a message at the moment of sending. */
export interface MessageAtSend {
  readonly enabled: boolean;
  /** The trigger's template. */
  readonly template: string | null;
  readonly expiresAt: Instant;
  readonly superseded: boolean;
  /** Null: there is no such order. */
  readonly orderStatus: string | null;
}

export type SendCheck = { readonly send: true; readonly template: string } | { readonly send: false; readonly reason: string };

const skip = (reason: string): SendCheck => ({ send: false, reason });

/**
 * Is a planned message still right at the moment of sending? Orders go on while messages wait: what is no longer true is not said.
 * A `cancelled` event that left the order alive (a part of it was cancelled, or it was booked anew since) is told as a change.
 */
export function checkAtSend(message: MessageAtSend, now: Instant): SendCheck {
  if (message.orderStatus === null) return skip('order does not exist');
  if (!message.enabled || message.template === null) return skip('trigger is switched off');
  if (message.expiresAt < now) return skip('too late');
  if (message.superseded) return skip('superseded');
  const cancelled = message.orderStatus === 'cancelled';
  if (message.template === 'order-cancelled') return { send: true, template: cancelled ? 'order-cancelled' : 'order-changed' };
  return cancelled ? skip('order is cancelled') : { send: true, template: message.template };
}

const firstRetry = 30_000;
const longestRetry = 3_600_000;

/** When a message that was refused for the moment is tried again: half a minute, doubling up to an hour, with a random share of up to half taken off. */
export function retryAt(attempts: number, now: Instant, random: number): Instant {
  const whole = Math.min(longestRetry, firstRetry * 2 ** Math.min(Math.max(attempts - 1, 0), 20));
  return Math.round(now + whole / 2 + (whole / 2) * random);
}
