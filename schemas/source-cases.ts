import { z } from 'zod';

/** A file of map tests: one map, and for each case what a partner sends and the events that must come out, or the problem that must be told. */

const text = z.string('must be a text').min(1, 'must not be empty');
const event = z.record(z.string(), z.unknown(), 'must be an event');

const sourceCase = z.strictObject({
  /** What the case shows, as a sentence. */
  case: text,
  /** The record as the format's reader gives it: fractions are texts, everything of CSV and XML is text. */
  record: z.unknown().optional(),
  /** A small file in the map's format. */
  text: text.optional(),
  /** The path of a file in the map's format, from the case file. */
  file: text.optional(),
  /** When it came: what `$received()` says. */
  received: text.default('2026-01-01T00:00:00.000Z'),
  /** All events in their order. Each is compared by the keys that it gives; null: the field must be missing. Lists are complete. */
  events: z.array(event, 'must be a list of events').optional(),
  /** Words of a problem that must be told. */
  problem: text.optional(),
});

export const sourceCasesSchema = z.strictObject({
  /** A shipped map by its name, or the path of a map from the case file. */
  map: text,
  cases: z.array(sourceCase, 'must be a list of cases').min(1, 'must not be empty'),
});

export type SourceCases = z.output<typeof sourceCasesSchema>;
export type SourceCase = SourceCases['cases'][number];

/** The JSON Schema that `schemas/source-cases.schema.json` holds, for editors that complete and check. */
export function sourceCasesJsonSchema(): Readonly<Record<string, unknown>> {
  return { title: 'midline map tests', ...z.toJSONSchema(sourceCasesSchema, { io: 'input', reused: 'ref' }) };
}
