import { z } from 'zod';

/**
 * What bringing a booking back needs of a line of an archive; the rest of the line (the rows of items, ledger, links and messages, the transactions,
 * each event in canonical JSON) is for people and other programs.
 */
export const archivedBookingSchema = z.object({
  /** The row of the order. */
  order: z.object({ id: z.guid(), source: z.string(), booking_ref: z.string(), revision: z.number() }),
  events: z.array(z.object({
    eventId: z.string(),
    /** How the inbox had `wire`: as received, encrypted whole, or written anew without sensitive data or without somebody who was erased. */
    form: z.enum(['plain', 'encrypted', 'stripped', 'erased', 'erased-encrypted']),
    /** In base64. */
    wire: z.string(),
  })),
});

export type ArchivedBooking = Readonly<z.output<typeof archivedBookingSchema>>;
