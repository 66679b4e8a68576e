import { z } from 'zod';

/** The one queue: messages that are due. */
export const outreachQueue = 'outreach';

/** A job carries ids and nothing that says who somebody is. */
export const messageJob = z.strictObject({ messageId: z.uuid() });
export type MessageJob = z.output<typeof messageJob>;

/** BullMQ drops an add whose job id exists in any state, so each enqueue of a message has an id of its own. (No colon, no bare integer: BullMQ refuses both.) */
export const jobIdOf = (message: { readonly id: string; readonly enqueued: number }): string => `message-${message.id}-${message.enqueued}`;
