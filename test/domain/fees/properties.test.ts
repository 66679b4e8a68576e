import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BookingEvent } from '../../../schemas/booking-event.js';
import type { FeeTable } from '../../../schemas/fee-table.js';
import { compileFeeTable } from '../../../workers/domain/fees/compile.js';
import { ledgerDifference, ledgerTotals, standingOf } from '../../../workers/domain/fees/ledger.js';
import { rateTransactions } from '../../../workers/domain/fees/rate.js';
import { createSimulation, inPlaceOf, type Period, validityOf } from '../../../workers/domain/fees/simulation.js';
import type { AssignmentRow, LedgerEntry, ManualFee, OrderFacts, StandingEntry, TableVersionRow } from '../../../workers/domain/fees/types.js';
import { createFeeWorld, type FeeWorld } from '../../../workers/domain/fees/world.js';
import { foldAll } from '../../../workers/domain/fold.js';
import { currencyDigits, Exact } from '../../../workers/domain/money.js';
import { arrivalOf, bookingHistory as historyInEuro } from '../booking-histories.js';
import { currency, feeTable, inCurrency, indexedTable, tableOf } from './random-tables.js';

/** Of currencies with 2, 0 and 3 decimals, whichever the tables have. */
const bookingHistory = fc.tuple(historyInEuro, currency).map(([history, other]) => inCurrency(history, other));

const assignments: readonly AssignmentRow[] = [{ subject: { kind: 'default' }, table: 'base' }, { subject: { kind: 'customer', id: 'anna' }, table: 'near' }];

/** @param later versions that are approved beside them, valid from a moment on that lies in the middle of generated histories */
const worldOf = (tables: readonly FeeTable[], later: readonly FeeTable[] = []): FeeWorld => worldWith(rowsOf(tables, later));

const rowsOf = (tables: readonly FeeTable[], later: readonly FeeTable[]): readonly TableVersionRow[] => [
  ...tables.map((table) => ({ table: table.feeTable, version: 1, validFrom: 0, compiled: compileFeeTable(table, 1) })),
  ...later.map((table) => ({ table: table.feeTable, version: 2, validFrom: 1_770_000_002_000, compiled: compileFeeTable(table, 2) })),
];

/** What simulating a version reads, and the time in which it is the valid one. */
function simulationOf(row: TableVersionRow, rows: readonly TableVersionRow[]): { readonly period: Period; readonly facts: FeeWorld } {
  const period = validityOf(row, rows.filter(({ table }) => table === row.table));
  return { period, facts: worldWith(inPlaceOf(row, period.until, rows)) };
}

function worldWith(tables: readonly TableVersionRow[]): FeeWorld {
  return createFeeWorld({
    ownerZone: 'Europe/Berlin',
    orgUnits: [{ id: 'group', timeZone: 'Europe/Berlin', country: 'DE' }, { id: 'berlin', parent: 'group' }, { id: 'wien', parent: 'group', timeZone: 'Europe/Vienna', country: 'AT' }],
    taxCodes: [{ code: 'DE-standard', rates: [{ percent: '19' }] }],
    sources: [{ id: 'gds', feePolicy: 'both' }],
    customers: [{ id: 'anna', attributes: [{ name: 'status', value: 'vip' }] }],
    tables,
    assignments,
  });
}

const manual: readonly ManualFee[] = [
  { id: 'm1', kind: 'charge', charge: 'item', unit: 'item:i1', by: 'x', reason: 'y', gross: '5', vat: '1', currency: 'EUR' },
  { id: 'w1', kind: 'waiver', charge: 'item', unit: 'item:i2', by: 'x', reason: 'y' },
];
const orderOf = (customerId: string | null, withManual: boolean): OrderFacts => ({ source: 'gds', customerId, companyId: null, orgUnit: 'berlin', ...(withManual ? { manual } : {}) });
const order = fc.record({ customer: fc.constantFrom(null, 'anna'), withManual: fc.boolean() }).map(({ customer, withManual }) => orderOf(customer, withManual));
/** Making a table costs far more than rating by it: a few hundred bookings meet each. */
const few = <Value>(arbitrary: fc.Arbitrary<Value>, count: number): fc.Arbitrary<Value> => fc.constantFrom(...fc.sample(arbitrary, count));
const world = few(fc.tuple(feeTable('base'), feeTable('near')).map(worldOf), 60);
const transactionsOf = (events: readonly BookingEvent[]) => foldAll(events).transactions;

const content = (entries: readonly StandingEntry[]): readonly string[] => entries.map((entry) => JSON.stringify(entry)).sort();
const withoutType = ({ type: _type, seq: _seq, ...entry }: LedgerEntry): StandingEntry => entry;

describe('for any history and any table', () => {
  // Seen to fail when the prior entries are forgotten.
  test('rating a prefix and then the rest with its entries as prior gives what rating from scratch gives', () => {
    fc.assert(fc.property(world, order, bookingHistory, fc.nat(), (facts, who, history, cut) => {
      const transactions = transactionsOf(history);
      const at = transactions.length === 0 ? 0 : cut % (transactions.length + 1);
      const whole = rateTransactions(who, transactions, facts, []).entries;
      const prefix = rateTransactions(who, transactions.slice(0, at), facts, []).entries;
      // Prior entries come back from the ledger, through JSON.
      const prior: readonly StandingEntry[] = JSON.parse(JSON.stringify(prefix));
      expect([...prefix, ...rateTransactions(who, transactions.slice(at), facts, prior).entries]).toEqual(whole);
    }), { numRuns: 1000 });
  });

  // Seen to fail while delivered fees with more digits than their currency has were rounded part by part: net 13 + VAT 1 was not gross 15.
  test('net + VAT = gross, and every amount has the digits of its currency', () => {
    fc.assert(fc.property(world, order, bookingHistory, (facts, who, history) => {
      for (const { net, vat, gross, currency: of } of rateTransactions(who, transactionsOf(history), facts, []).entries) {
        const digits = currencyDigits(of);
        expect(new Exact(net).plus(vat).toFixed(digits)).toBe(gross);
        for (const amount of [net, vat, gross]) expect(amount).toMatch(digits === 0 ? /^-?\d+$/ : new RegExp(`^-?\\d+\\.\\d{${digits}}$`));
      }
    }), { numRuns: 1000 });
  });

  // Seen to fail when ledgerDifference writes no reversal, when standingOf ignores reversals, and when a line is kept although its life, day or time differs.
  test('after any order of arrival and duplication, and after another customer, the ledger balances with a rating from scratch', () => {
    const arriving = bookingHistory.chain((history) => fc.tuple(fc.constant(history), arrivalOf(history)));
    fc.assert(fc.property(world, arriving, fc.array(fc.constantFrom(null, 'anna'), { minLength: 1, maxLength: 8 }), (facts, [history, arrival], customers) => {
      const ledger: LedgerEntry[] = [];
      const known = new Map<string, BookingEvent>();
      let customer: string | null = null;
      arrival.forEach((event, index) => {
        known.set(event.eventId, event);
        customer = customers[index % customers.length] ?? null;
        const standing = rateTransactions(orderOf(customer, false), transactionsOf([...known.values()]), facts, []).entries;
        ledger.push(...ledgerDifference(standing, ledger));
        expect(ledgerDifference(standing, ledger)).toEqual([]);
      });
      const scratch = rateTransactions(orderOf(customer, false), transactionsOf(history), facts, []).entries;
      expect(content(standingOf(ledger).map(withoutType))).toEqual(content(scratch));
      expect(balances(ledger)).toEqual(balances(scratch));
      const keys = ledger.map(({ charge, eventId, transactionType, unit, seq }) => JSON.stringify([charge, eventId, transactionType, unit, seq]));
      expect(new Set(keys).size).toBe(keys.length);
    }), { numRuns: 1000 });
  });

  // Seen to fail when a line is kept although another version gives it, and when lines that should stand no more are not taken back.
  test('versions that are approved in between, also for the past, and waivers and manual charges that come, end in the ledger of a rating from scratch', () => {
    const approvals = few(fc.tuple(feeTable('base'), feeTable('near'), feeTable('base')).map(([base, near, later]) => [worldOf([base, near]), worldOf([base, near], [later])] as const), 60);
    const arriving = bookingHistory.chain((history) => fc.tuple(fc.constant(history), arrivalOf(history)));
    fc.assert(fc.property(approvals, arriving, fc.nat({ max: 8 }), fc.nat({ max: 8 }), fc.constantFrom(null, 'anna'), ([before, after], [history, arrival], approvedAt, manualAt, customer) => {
      const ledger: LedgerEntry[] = [];
      const known = new Map<string, BookingEvent>();
      const rate = (facts: FeeWorld, withManual: boolean): void => {
        const standing = rateTransactions(orderOf(customer, withManual), transactionsOf([...known.values()]), facts, []).entries;
        ledger.push(...ledgerDifference(standing, ledger));
      };
      arrival.forEach((event, index) => {
        known.set(event.eventId, event);
        rate(index < approvedAt ? before : after, index >= manualAt);
      });
      rate(after, true);
      const scratch = rateTransactions(orderOf(customer, true), transactionsOf(history), after, []).entries;
      expect(content(standingOf(ledger).map(withoutType)).map(withoutWaived)).toEqual(content(scratch).map(withoutWaived));
      expect(balances(ledger)).toEqual(balances(scratch));
      for (const { net, vat, gross } of ledger) expect(new Exact(net).plus(vat).eq(gross)).toBe(true);
    }), { numRuns: 1000 });
  });

  // Seen to fail when the versions before or after the simulated one are left out: a booking folded by versions has later transactions before earlier ones.
  test('simulating an approved version over its own period changes nothing', () => {
    const approved = few(fc.tuple(feeTable('base'), feeTable('near'), feeTable('base')).map(([base, near, later]) => {
      const rows = rowsOf([base, near], [later]);
      return { facts: worldWith(rows), simulations: rows.map((row) => simulationOf(row, rows)) };
    }), 60);
    fc.assert(fc.property(approved, order, bookingHistory, ({ facts, simulations }, who, history) => {
      const ledger = ledgerDifference(rateTransactions(who, transactionsOf(history), facts, []).entries, []);
      for (const { period, facts: simulated } of simulations) {
        const simulation = createSimulation(period);
        const standing = rateTransactions(who, transactionsOf(history), simulated, []).entries;
        simulation.add({ order: 'gds:B1', customerId: who.customerId, ledger, appended: ledgerDifference(standing, ledger) });
        expect(simulation.result()).toMatchObject({ changedOrders: 0, changes: [] });
      }
    }), { numRuns: 1000 });
  });

  // Seen to fail when an index leaves out the rules that do not ask for its attribute, and when it asks the first item of a unit alone.
  test('the winner is independent of the order of rules in the file, and the same where every rule is asked', () => {
    const tables = few(indexedTable('base').chain((table) => fc.tuple(fc.constant(table), fc.shuffledSubarray([...(table.rules ?? [])], { minLength: table.rules?.length ?? 0 })))
      .map(([table, shuffled]) => [worldOf([table]), worldOf([{ ...table, rules: shuffled }])] as const), 10);
    fc.assert(fc.property(tables, bookingHistory, ([written, shuffled], history) => {
      const who = orderOf('anna', false);
      const transactions = transactionsOf(history);
      const { entries } = rateTransactions(who, transactions, written, []);
      expect(rateTransactions(who, transactions, shuffled, []).entries).toEqual(entries);
      const traced = rateTransactions(who, transactions, written, [], { trace: true });
      expect(traced.entries).toEqual(entries);
      const explained = traced.trace?.transactions.flatMap(({ points }) => points.flatMap(({ entry, winner }) => (entry === null ? [] : [[entry.rule, winner?.rule]]))) ?? [];
      expect(explained.every(([rule, winner]) => rule === winner)).toBe(true);
      expect(explained).toHaveLength(entries.filter(({ kind }) => kind === 'charge').length);
    }), { numRuns: 1000 });
  });

  test('a table survives being stored as JSON', () => {
    fc.assert(fc.property(feeTable('base'), (table) => {
      expect(JSON.parse(JSON.stringify(table))).toEqual(table);
      expect(tableOf('base', JSON.parse(JSON.stringify(table.rules)), table.currency)).toEqual(table);
    }), { numRuns: 100 });
  });
});

/** Whether a line is waived follows from the waivers beside it; the mark of a line that was written before stays as it was. */
const withoutWaived = (line: string): string => line.replace(/"waived":(true|false),/, '');

function balances(entries: readonly StandingEntry[]): readonly unknown[] {
  const groups = new Map<string, StandingEntry[]>();
  for (const entry of entries) {
    const key = `${entry.charge} ${entry.unit}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups].map(([key, group]) => ({ key, totals: ledgerTotals(group).filter(({ net, vat, gross }) => [net, vat, gross].some((amount) => Number(amount) !== 0)) }))
    .filter(({ totals }) => totals.length > 0).sort((left, right) => (left.key < right.key ? -1 : 1));
}
