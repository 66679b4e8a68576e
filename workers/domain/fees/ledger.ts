import { Exact, moneyText, sumOfMoney } from '../money.js';
import type { EntryKind, LedgerEntry, NewLedgerEntry, StandingEntry } from './types.js';

export interface LedgerTotal {
  readonly currency: string;
  readonly net: string;
  readonly vat: string;
  readonly gross: string;
}

/** Lines that stand for the same thing: one (event, transaction type, unit, charge) of rules, and each waiver, manual and delivered line of it. */
const slotOf = (entry: StandingEntry): string => JSON.stringify([entry.eventId, entry.transactionType, entry.unit, entry.charge, entry.table === null ? entry.rule : '']);

/** Where sequences count: the ledger's unique key without it. */
const pointOf = ({ charge, eventId, transactionType, unit }: StandingEntry): string => `${charge}\u0000${eventId}\u0000${transactionType}\u0000${unit}`;

/** If one of these differs, the line is reversed whole and written anew. */
const contentOf = ({ table, version, origin, rule, currency, net, vat, gross }: StandingEntry): string =>
  JSON.stringify([table, version, origin?.table ?? null, origin?.version ?? null, rule, currency, numberText(net), numberText(vat), numberText(gross)]);

/** What later ratings read of an entry besides: once, caps and charges of the order count lives, days and times. */
const detailsOf = ({ life, day, occurredAt }: StandingEntry): string => JSON.stringify([life, day, occurredAt]);

/** The database may give back other zeros than were written. */
const numberText = (amount: string): string => new Exact(amount).toFixed();

const typeOf: Readonly<Record<EntryKind, LedgerEntry['type']>> = { charge: 'charge', source: 'charge', waiver: 'waiver', manual: 'manual' };

const lineOf = (entry: StandingEntry): string => `${slotOf(entry)} ${contentOf(entry)}`;

/**
 * The lines that stand in a ledger: those written that no reversal has taken back, in the order in which they were written.
 *
 * @param ledger all lines of one order
 */
export function standingOf(ledger: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const standing: LedgerEntry[] = [];
  for (const entry of ledger.toSorted((left, right) => left.seq - right.seq)) {
    if (entry.type !== 'reversal') standing.push(entry);
    else {
      const original = negated(entry);
      const candidates = standing.filter((line) => lineOf(line) === lineOf(original));
      const index = standing.findIndex((line) => line === (candidates.find((line) => detailsOf(line) === detailsOf(original)) ?? candidates[0]));
      if (index >= 0) standing.splice(index, 1);
    }
  }
  const written = new Map(ledger.map((entry, index) => [entry, index]));
  return standing.sort((left, right) => (written.get(left) ?? 0) - (written.get(right) ?? 0));
}

/**
 * What must be appended so that the ledger's balance is what should stand: the reversal of each line that should not stand as it does, whole,
 * and the lines that are missing. Nothing where nothing differs.
 *
 * @param asPrior the ledger's standing lines will be the `prior` of a later rating: then a line also differs if its life, day or time does
 * (a late event can move an entry into another life without changing its amount)
 */
export function ledgerDifference(standing: readonly StandingEntry[], ledger: readonly LedgerEntry[], asPrior = true): readonly NewLedgerEntry[] {
  const keyOf = (entry: StandingEntry): string => (asPrior ? `${lineOf(entry)} ${detailsOf(entry)}` : lineOf(entry));
  if (ledger.length === 0) return numbered(standing.map(asWritten), ledger);
  const kept = new Map<string, LedgerEntry[]>();
  for (const line of standingOf(ledger)) push(kept, keyOf(line), line);
  const missing = standing.filter((entry) => kept.get(keyOf(entry))?.shift() === undefined);
  const surplus = [...kept.values()].flat();
  const missingSlots = new Set(missing.map(slotOf));
  const reversalsOf = (slot: string) => surplus.filter((line) => slotOf(line) === slot).map(reversalOf);
  const handled = new Set<string>();
  const changed = missing.flatMap((entry) => {
    const slot = slotOf(entry);
    const reversals = handled.has(slot) ? [] : reversalsOf(slot);
    handled.add(slot);
    return [...reversals, asWritten(entry)];
  });
  const gone = surplus.filter((line) => !missingSlots.has(slotOf(line))).map(reversalOf);
  return numbered([...changed, ...gone], ledger);
}

/** The new lines alone, for a ledger whose standing lines stay as they are: what rating later transactions by their `prior` gives. */
export const appendedEntries = (entries: readonly StandingEntry[], ledger: readonly LedgerEntry[]): readonly NewLedgerEntry[] => numbered(entries.map(asWritten), ledger);

function push<Element>(groups: Map<string, Element[]>, key: string, element: Element): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [element]);
  else group.push(element);
}

interface Line {
  readonly entry: StandingEntry;
  readonly type: LedgerEntry['type'];
}

const asWritten = (entry: StandingEntry): Line => ({ entry, type: typeOf[entry.kind] });

function reversalOf({ seq: _seq, type: _type, ...entry }: LedgerEntry): Line {
  return { entry: negated(entry), type: 'reversal' };
}

function negated<Entry extends StandingEntry>(entry: Entry): Entry {
  const negative = (amount: string): string => moneyText(new Exact(amount).neg(), entry.currency);
  return { ...entry, net: negative(entry.net), vat: negative(entry.vat), gross: negative(entry.gross), amount: negative(entry.amount) };
}

function numbered(lines: readonly Line[], ledger: readonly LedgerEntry[]): readonly NewLedgerEntry[] {
  const last = new Map<string, number>();
  for (const line of ledger) {
    const point = pointOf(line);
    last.set(point, Math.max(line.seq, last.get(point) ?? 0));
  }
  return lines.map(({ entry, type }) => {
    const point = pointOf(entry);
    const seq = (last.get(point) ?? 0) + 1;
    last.set(point, seq);
    return { ...entry, type, seq };
  });
}

/** Sums by currency, currencies in order; currencies that sum to nothing stay. */
export function ledgerTotals(entries: readonly Pick<StandingEntry, 'currency' | 'net' | 'vat' | 'gross'>[]): readonly LedgerTotal[] {
  const currencies = [...new Set(entries.map(({ currency }) => currency))].sort();
  return currencies.map((currency) => {
    const own = entries.filter((entry) => entry.currency === currency);
    const sum = (part: 'net' | 'vat' | 'gross'): string => sumOfMoney(own.map((entry) => entry[part]), currency);
    return { currency, net: sum('net'), vat: sum('vat'), gross: sum('gross') };
  });
}
