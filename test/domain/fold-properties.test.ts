import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BookingEvent } from '../../schemas/booking-event.js';
import { documentsOf, itemTravellers, travellersOf, uncancelledItems } from '../../workers/domain/booking.js';
import { compareEvents, isInOrder } from '../../workers/domain/event-order.js';
import { foldAll, foldNext } from '../../workers/domain/fold.js';
import type { FoldResult, OrderState, Transaction } from '../../workers/domain/order.js';
import { validateEvent } from '../../workers/domain/validate.js';
import { arrivalOf, bookingHistory, declaredKind } from './booking-histories.js';

const runs = { numRuns: 400 };
/** For what the whole design rests on. */
const manyRuns = { numRuns: 1_000 };
const ids = (things: readonly { readonly id: string }[]): readonly string[] => things.map((thing) => thing.id);

/** As it comes back from Postgres: through JSON, and with the fields in the order of jsonb. */
const stored = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value), (_, part: unknown) =>
  typeof part === 'object' && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).toSorted(([left], [right]) => left.length - right.length || (left < right ? -1 : 1))) : part);

/** Jest's own comparison is slow; it is asked for its message only. */
function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toStrictEqual(expected);
}

/** What whoever keeps the order does: an event id is taken once, an event in order by `foldNext` on the stored state, a late one by folding all again. */
function keep(arriving: readonly BookingEvent[]): FoldResult & { readonly late: number } {
  const known = new Map<string, BookingEvent>();
  let state: OrderState | null = null;
  let transactions: readonly Transaction[] = [];
  let late = 0;
  for (const event of arriving.filter(({ eventId }, index) => arriving.findIndex((other) => other.eventId === eventId) === index)) {
    known.set(event.eventId, event);
    const inOrder: boolean = state === null || isInOrder(state, event);
    const next: FoldResult = inOrder ? foldNext(state, event) : foldAll([...known.values()]);
    if (!inOrder) late += 1;
    transactions = inOrder ? [...transactions, ...next.transactions] : next.transactions;
    state = stored(next.state);
  }
  if (state === null) throw new Error('nothing arrived');
  return { state, transactions, late };
}

const inFoldOrder = (history: readonly BookingEvent[]): readonly BookingEvent[] => history.toSorted(compareEvents(history.every((event) => event.version != null)));

function stepByStep(history: readonly BookingEvent[]): readonly { readonly before: OrderState | null; readonly event: BookingEvent; readonly result: FoldResult }[] {
  let before: OrderState | null = null;
  return inFoldOrder(history).map((event) => {
    const step: { before: OrderState | null; event: BookingEvent; result: FoldResult } = { before, event, result: foldNext(before, event) };
    before = stored(step.result.state);
    return step;
  });
}

describe('the fold, over generated histories', () => {
  test('the generated events are valid by the contract', () => {
    fc.assert(fc.property(bookingHistory, (history) => {
      for (const event of history) expect(validateEvent(event, { declaredKinds: new Set([declaredKind]), receivedAt: null })).toBeNull();
    }), runs);
  });

  // Fails without the check of versions in `isInOrder`.
  test('any order of arrival and any duplication end in the same state and the same transactions', () => {
    let late = 0;
    fc.assert(fc.property(bookingHistory.chain((history) => fc.tuple(fc.constant(history), arrivalOf(history))), ([history, arriving]) => {
      const kept = keep(arriving);
      const folded = foldAll(history);
      expectSame(kept.state, folded.state);
      expectSame(kept.transactions, folded.transactions);
      late += kept.late;
    }), manyRuns);
    expect(late).toBeGreaterThan(500);
  });

  test('folding all is folding step by step in fold order, and the state is what JSON keeps of it', () => {
    fc.assert(fc.property(bookingHistory, (history) => {
      const steps = stepByStep(history);
      const folded = foldAll(history);
      expectSame(steps.at(-1)?.result.state, folded.state);
      expectSame(steps.flatMap(({ result }) => result.transactions), folded.transactions);
      expectSame(stored(folded.state), folded.state);
    }), runs);
  });

  test('where all events have versions, or none has, no event that arrives in fold order is late', () => {
    const uniform = bookingHistory.filter((history) => history.every(({ version }) => version != null) || history.every(({ version }) => version == null));
    fc.assert(fc.property(uniform, (history) => {
      for (const { before, event } of stepByStep(history)) expect(before === null || isInOrder(before, event)).toBe(true);
    }), runs);
  });

  test('what has been folded in is no longer in order: the same event again is never applied twice', () => {
    fc.assert(fc.property(bookingHistory, (history) => {
      const { state } = foldAll(history);
      for (const event of history) expect(isInOrder(state, event)).toBe(false);
    }), runs);
  });

  test('neither events nor states are touched by folding', () => {
    fc.assert(fc.property(bookingHistory, (history) => {
      const before = JSON.stringify(history);
      const result = foldAll(deepFreeze(history));
      deepFreeze(result.state);
      for (const event of history) foldNext(result.state, event);
      expect(JSON.stringify(history)).toBe(before);
    }), runs);
  });

  test('the state never holds sensitive data or nulls inside the booking', () => {
    fc.assert(fc.property(bookingHistory, (history) => {
      const { state, transactions } = foldAll(history);
      expect(JSON.stringify([state, transactions])).not.toContain('vegan');
      expect(JSON.stringify(state.booking ?? {})).not.toContain('null');
    }), runs);
  });

  test('transactions of a kind are numbered from 1 in each life, and the state knows how many there were', () => {
    fc.assert(fc.property(bookingHistory, (history) => {
      const { state, transactions } = foldAll(history);
      const counts = new Map<string, number>();
      for (const { life, type, nth } of transactions) {
        expect(nth).toBe((counts.get(`${life} ${type}`) ?? 0) + 1);
        counts.set(`${life} ${type}`, nth);
      }
      expect(state.counts).toEqual(Object.fromEntries([...counts].flatMap(([key, count]) => (key.startsWith(`${state.life} `) ? [[key.slice(2), count]] : []))));
    }), runs);
  });

  test('each event gives at most one transaction of its own, first, and a history that does not begin with booked an implied one', () => {
    fc.assert(fc.property(bookingHistory, (history) => {
      for (const { before, event, result } of stepByStep(history)) {
        const implied = result.transactions.filter(({ eventId }) => eventId === 'implied:booked');
        expect(implied).toHaveLength(before === null && event.type !== 'booked' ? 1 : 0);
        const rest = result.transactions.slice(implied.length);
        expect(rest.map(({ derived }) => derived)).toEqual(rest.map((_, index) => index > 0));
        expect(['', 'booked', 'cancelled', 'booked cancelled']).toContain(rest.slice(1).map(({ type }) => type).join(' '));
      }
    }), runs);
  });

  // Fails without `except` in `derive`: a cancelled that names an item which its body no longer shows would cancel it twice.
  test('no unit is touched twice by transactions of the same event and type', () => {
    fc.assert(fc.property(bookingHistory, (history) => {
      const units = foldAll(history).transactions.flatMap(({ eventId, type, touched }) =>
        Object.entries(touched).flatMap(([list, touchedIds]) => touchedIds.map((id: string) => `${eventId} ${type} ${list} ${id}`)));
      expect(units).toHaveLength(new Set(units).size);
    }), runs);
  });

  test('touched ids exist after the transaction or before it', () => {
    fc.assert(fc.property(bookingHistory, (history) => {
      for (const { before, after, touched } of foldAll(history).transactions) {
        const known = (list: 'items' | 'documents' | 'travellers') => ids([...(after?.[list] ?? []), ...(before?.[list] ?? [])]);
        for (const list of ['items', 'documents', 'travellers'] as const) for (const id of touched[list]) expect(known(list)).toContain(id);
      }
    }), runs);
  });

  test('derived transactions touch exactly what is new or gone, and nothing of it is missed while the order lives', () => {
    let seen = 0;
    fc.assert(fc.property(bookingHistory, (history) => {
      for (const { before, event, result } of stepByStep(history)) {
        if (before === null || before.ended || result.transactions.length === 0) continue;
        const own = result.transactions.find(({ derived }) => !derived);
        if (own === undefined || (own.type === 'cancelled' && result.state.ended)) continue;
        const [was, is] = [before.before === null ? before.booking : before.before.booking, result.state.booking];
        const [booked, cancelled] = ['booked', 'cancelled'].map((type) => result.transactions.find((transaction) => transaction.derived && transaction.type === type)?.touched);
        const open = (booking: typeof was) => ids(uncancelledItems(booking));
        expect(booked?.items ?? []).toEqual(open(is).filter((id) => !open(was).includes(id)));
        expect(booked?.documents ?? []).toEqual(ids(documentsOf(is)).filter((id) => !ids(documentsOf(was)).includes(id)));
        expect(booked?.travellers ?? []).toEqual(ids(travellersOf(is)).filter((id) => !ids(travellersOf(was)).includes(id)));
        const gone = uncancelledItems(was).filter(({ id }) => !open(is).includes(id));
        const ownCancelled = event.type === 'cancelled' ? own.touched : { items: [], documents: [], travellers: [] };
        expect(cancelled?.items ?? []).toEqual(ids(gone).filter((id) => !ownCancelled.items.includes(id)));
        const travellers = new Set(was === null ? [] : gone.flatMap((item) => itemTravellers(item, was)));
        expect(cancelled?.travellers ?? []).toEqual([...ids(travellersOf(was))].filter((id) => travellers.has(id) && !ownCancelled.travellers.includes(id)));
        if (booked !== undefined || cancelled !== undefined) seen += 1;
      }
    }), runs);
    expect(seen).toBeGreaterThan(200);
  });

  test('delivered fees add up: what the transactions deliver is what stands after the last of them', () => {
    fc.assert(fc.property(bookingHistory, (history) => {
      const { state, transactions } = foldAll(history);
      const standing = transactions.reduce<readonly unknown[]>((fees, { delivered }) => {
        expectSame(delivered.before, fees);
        return delivered.after;
      }, []);
      expectSame(standing, (state.before === null ? state.booking : state.before.booking)?.agencyFees ?? []);
    }), runs);
  });
});

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
