/** What lint can find in a map: an error makes wrong events, or none; a warning may be meant. */
export const findingLevels = {
  'wrong-map': 'error',
  'syntax': 'error',
  'unknown-function': 'error',
  'unknown-variable': 'error',
  'forbidden-function': 'error',
  'unknown-field': 'error',
  'missing-field': 'error',
  'unknown-type': 'error',
  'missing-touches': 'error',
  'missing-booking': 'error',
  'unstable-event-id': 'error',
  'constant-event-id': 'error',
  'event-id-is-booking': 'error',
  'id-from-position': 'error',
  'card-or-identity': 'error',
  'inexact-amount': 'error',
  'instant-for-day': 'error',
  'text-as-number': 'error',
  'number-as-text': 'error',
  'table-hides-function': 'error',
  'row-in-id': 'warning',
  'recycled-locator': 'warning',
  'amount-without-decimal': 'warning',
  'time-without-local': 'warning',
  'zone-by-default': 'warning',
  'list-without-brackets': 'warning',
  'context-in-lambda': 'warning',
  'not-of-missing': 'warning',
  'unequal-to-missing': 'warning',
  'wildcard': 'warning',
  'sensitive-in-clear': 'warning',
  'unused-table': 'warning',
  'unused-variable': 'warning',
  'unused-ignore': 'warning',
} as const satisfies Readonly<Record<string, 'error' | 'warning'>>;

export type FindingKind = keyof typeof findingLevels;

/** Something wrong or risky in a map: where in its file (from 1), what, and what to write instead. */
export interface Finding {
  readonly kind: FindingKind;
  readonly level: 'error' | 'warning';
  readonly line: number | null;
  readonly column: number | null;
  readonly problem: string;
  readonly remedy: string;
}

/** Notes a finding at a place of the expression: the offset of its first character. */
export type Note = (kind: FindingKind, offset: number, problem: string, remedy: string) => void;
