import { hash } from 'node:crypto';
import type { BookingEvent } from '../../../schemas/booking-event.js';
import { contentText } from '../../domain/content.js';

/** The content of an event as comparable text; traceparent does not count. */
export const contentOf = (event: BookingEvent, withoutSensitive: boolean): string => contentText(event, withoutSensitive ? ['traceparent', 'sensitive'] : ['traceparent']);

/**
 * What is kept of the content of an archived event: SHA-256, 32 bytes.
 * Without sensitive data: who has the rest of the booking could try out what little there is to guess.
 */
export const contentHash = (event: BookingEvent): Buffer => hash('sha256', contentOf(event, true), 'buffer');
