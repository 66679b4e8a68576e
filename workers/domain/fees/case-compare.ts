import type { FeeCase } from '../../../schemas/fee-case.js';
import { Exact, isDecimal } from '../money.js';
import type { CaseResult } from './case.js';
import type { EntryKind, NewLedgerEntry, StandingEntry } from './types.js';

type Line = Readonly<Record<string, unknown>>;

/** A standing line as `fees rate --json` prints it: `type` is the transaction's, of waivers, manual charges and delivered fees their own word. */
export function standingLine(entry: StandingEntry): Line {
  return { transaction: entry.eventId, type: entry.kind === 'charge' ? entry.transactionType : entry.kind, ...common(entry) };
}

/** A line of the ledger as `fees rate --json` prints it. */
function appendedLine(entry: NewLedgerEntry): Line {
  return { type: entry.type, transaction: entry.eventId, transactionType: entry.transactionType, ...common(entry) };
}

const common = ({ unit, charge, rule, table, version, origin, net, vat, gross, currency, account, reverseCharge }: StandingEntry): Line =>
  ({ unit, charge, rule, table, version, ...(origin === null ? {} : { origin }), net, vat, gross, currency, ...(account === null ? {} : { account }), ...(reverseCharge ? { reverseCharge } : {}) });

/** What `fees rate --json` prints. */
export function caseOutput(result: CaseResult): Line {
  if (result.kind !== 'rated') return { case: result.case, [result.kind]: result.problems };
  return { case: result.case, standing: result.standing.map(standingLine), appended: result.appended.map((step) => step.map(appendedLine)) };
}

/**
 * Compares what came out with what the case expects: expected lines match by the keys they give, lists are complete, order is free.
 *
 * @returns one text for each difference; none where all is as expected
 */
export function compareCase({ expect }: FeeCase, result: CaseResult): readonly string[] {
  const refused = expect?.refused ?? null;
  if (result.kind === 'refused') {
    const text = result.problems.join('\n');
    return refused !== null && text.includes(refused) ? [] : [`the tables are refused: ${text}${refused === null ? '' : ` (expected: ${refused})`}`];
  }
  if (result.kind === 'invalid') return [`the case is invalid: ${result.problems.join('\n')}`];
  if (refused !== null) return [`the tables should be refused with: ${refused}`];
  const kinds = result.standing.map(({ kind }) => kind);
  const ownTypes = result.standing.map(({ eventId }) => result.ownTypes.get(eventId) ?? null);
  const steps = expect?.appended ?? null;
  return [
    ...(expect?.standing == null ? [] : compareLists('standing', expect.standing, result.standing.map(standingLine), (expected, actual, index) => hasOwnType(expected, actual, kinds[index], ownTypes[index] ?? null))),
    ...(steps === null ? [] : [
      ...(steps.length === result.appended.length ? [] : [`appended: ${result.appended.length} steps instead of ${steps.length}`]),
      ...steps.flatMap((lines, index) => compareLists(`appended in step ${index + 1}`, lines, (result.appended[index] ?? []).map(appendedLine), () => true)),
    ]),
  ];
}

/** Where an expected line says no type, the event's own is meant. */
function hasOwnType(expected: Line, actual: Line, kind: EntryKind | undefined, ownType: string | null): boolean {
  return 'type' in expected || kind !== 'charge' || ownType === null || actual['type'] === ownType;
}

type Admits = (expected: Line, actual: Line, index: number) => boolean;

function compareLists(name: string, expected: readonly Line[], actual: readonly Line[], admits: Admits): readonly string[] {
  const partners = matchLines(expected, actual, admits);
  const matched = new Set(partners);
  return [
    ...expected.flatMap((line, index) => (partners[index] === null ? [`${name}: missing ${JSON.stringify(line)}`] : [])),
    ...actual.flatMap((line, index) => (matched.has(index) ? [] : [`${name}: unexpected ${JSON.stringify(line)}`])),
  ];
}

/** The largest matching (augmenting paths): an expected line that gives few keys must not take the partner of one that gives more. */
function matchLines(expected: readonly Line[], actual: readonly Line[], admits: Admits): readonly (number | null)[] {
  const takenBy = new Map<number, number>();
  const place = (line: number, seen: Set<number>): boolean =>
    actual.some((candidate, index) => {
      const wanted = expected[line];
      if (wanted === undefined || seen.has(index) || !admits(wanted, candidate, index) || !meets(wanted, candidate)) return false;
      seen.add(index);
      const owner = takenBy.get(index);
      if (owner !== undefined && !place(owner, seen)) return false;
      takenBy.set(index, line);
      return true;
    });
  expected.forEach((_, line) => place(line, new Set()));
  const partners = new Map([...takenBy].map(([index, line]) => [line, index]));
  return expected.map((_, line) => partners.get(line) ?? null);
}

const meets = (wanted: Line, actual: Line): boolean => Object.entries(wanted).every(([key, value]) => sameValue(value, actual[key]));

/** Numbers compare as numbers, whatever their zeros. */
function sameValue(wanted: unknown, actual: unknown): boolean {
  if (wanted == null || actual == null) return (wanted ?? null) === (actual ?? null);
  if (typeof wanted === 'object' && typeof actual === 'object') {
    const values = new Map<string, unknown>(Object.entries(actual));
    return Object.entries(wanted).every(([key, value]) => sameValue(value, values.get(key)));
  }
  const [left, right] = [plainText(wanted), plainText(actual)];
  return left === right || (isDecimal(left) && isDecimal(right) && new Exact(left).eq(right));
}

const plainText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
