/**
 * What a message can do wrong: the closed list of dead-letter codes, each with the sentence that `docs/dead-letters.md` publishes.
 * A rejection is a value, never an exception; what the world does wrong (network, servers) is thrown and retried instead.
 */
export const rejectionCodes = {
  NULL_VALUE: 'The message has no value (on customer-events: and no key that names a customer).',
  DECODE: 'The bytes are no Avro event of the topic: wrong magic byte, truncated, or left-over bytes.',
  SCHEMA_UNKNOWN: 'The registry knows no schema with the id that the message names.',
  SCHEMA_MISMATCH: "The writer's schema cannot be read as the contract (for example decimals of another scale).",
  TEXT: 'A text is not valid UTF-8 or holds U+0000.',
  REQUIRED: 'A required field is empty or blank.',
  UNKNOWN_TYPE: 'The event type is neither one of the ten nor declared by the source.',
  TIME: 'A time is impossible, or lies more than a day after the Kafka timestamp.',
  DATE: 'A date is impossible.',
  AMOUNT: 'An amount is impossible, or a currency is none.',
  TOUCHES: 'The event type must name what it touches, and does not.',
  ID_TWICE: 'An id stands twice in one list.',
  SIZE: 'The message (4 MiB), a text (1 MiB) or a list (5,000 entries) is larger than the contract allows.',
  EVENT_ID_REUSED: 'The event id was used before, by an event with other content.',
  BOOKING_MISSING: 'An event of type booked carries no booking.',
  FORMAT: "The raw record cannot be read in the format that its source's map names.",
  MAP: "The source's map makes no event of the raw record that could be accepted.",
  RELATION: 'A relation of a customer is impossible: of another type, twice, to the customer itself, or it makes a circle of companies.',
  ARCHIVED: 'The booking was archived: its events are in a file, so nothing can be folded onto it.',
  FETCH_GONE: "The source's server does not know what the record names (404, 410).",
  FETCH_REFUSED: "The source's server refuses to tell what the record names.",
  FETCH_ANSWER: "What the source's server answered cannot be read.",
  PARKED: 'A person declared the message a dead letter, so that ingest passes it.',
  REFUSED_BY_DATABASE: 'The database refused the data of this one message.',
} as const;

export type RejectionCode = keyof typeof rejectionCodes;

export interface Rejection {
  readonly code: RejectionCode;
  /** In plain words: which field, which value, what is allowed. Holds no personal data beyond the field's path and a shortened value. */
  readonly reason: string;
}
