/**
 * What Avro's logical types are in memory. They are plain aliases: the words say what a field holds,
 * the checks are where bytes or JSON come in.
 */

/** An exact amount as text without exponent or superfluous zeros, at most 14 digits before and 4 after the point: `"82.5"`. */
export type Decimal = string;

/** A moment: milliseconds since 1970-01-01T00:00Z. In JSON it is ISO 8601 text with an offset. */
export type Instant = number;

/** A calendar day without a zone: `"2026-05-10"`. */
export type LocalDate = string;
