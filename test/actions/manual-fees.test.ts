import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BookingEvent } from '../../schemas/booking-event.js';
import { type ChargeRequest, chargeFee, revokeFee, waiveFee, type WaiveRequest } from '../../workers/actions/manual-fees.js';
import { explainFees } from '../../workers/actions/explain-fees.js';
import { reconcile } from '../../workers/actions/reconcile.js';
import type { RerateDependencies } from '../../workers/actions/rerate.js';
import { createSettle } from '../../workers/actions/settle/settle.js';
import { schemaIdOf } from '../../workers/topics/codec.js';
import { giveFeeTable } from '../fee-tables.js';
import { booked } from '../ingest/world.js';
import { createRatingWorld } from './rating-world.js';

const table = `
feeTable: standard
currency: EUR
validFrom: 2020-01-01
charges:
  item-fee: { scope: item, waive: { upTo: 20, role: agent } }
  change-fee: { scope: transaction }
rules:
  - { id: hotel, charge: item-fee, on: booked, when: { product: hotel }, amount: { fixed: 30 } }
  - { id: flight, charge: item-fee, on: booked, when: { product: flight }, amount: { fixed: 15 } }
  - { id: change, charge: change-fee, on: changed, amount: { fixed: 5 } }
`;

let tools: RerateDependencies;
let drop: () => Promise<void>;
let offset = 0;

beforeAll(async () => {
  ({ tools, drop } = await createRatingWorld());
  await giveFeeTable(tools.database, table);
});

afterAll(() => drop());

async function settle(...events: readonly BookingEvent[]): Promise<void> {
  const { database, codec } = tools;
  const messages = events.map((event) => ({ offset: offset++, key: null, value: codec.encodeBookingEvent(event), headers: {}, timestamp: Date.now() }));
  const [first = { offset: 0 }] = messages;
  await createSettle({ database, codec, seal: null, observe: (_, work) => work() })({ group: 'midline', topic: 'manual', partition: 0, firstOffset: first.offset, nextOffset: offset, messages }, { now: Date.now() });
}

const items = { items: [{ id: 'i1', product: 'flight', price: { currency: 'EUR', total: '100' } }, { id: 'i2', product: 'hotel', price: { currency: 'EUR', total: '300' } }] };
const bookedOrder = (ref: string): Promise<void> => settle(booked(ref, {}, items));
const changed = (ref: string, more: Partial<BookingEvent> = {}): BookingEvent => ({ ...booked(ref, { eventId: `${ref}-2`, occurredAt: Date.UTC(2026, 4, 2, 10) }, { ...items, remarks: [{ text: 'a quiet room' }] }), type: 'changed', ...more });

const doing = { by: 'anna', reason: 'goodwill', role: null, now: new Date(), dryRun: false };
const waive = (order: string, request: Partial<WaiveRequest> = {}) => waiveFee(tools, { ...doing, order, charge: 'item-fee', unit: 'item:i1', transaction: null, role: 'manager', ...request });
const charge = (order: string, request: Partial<ChargeRequest> = {}) => chargeFee(tools, { ...doing, order, charge: 'courier', unit: 'order', gross: '25.00', vat: '3.99', currency: 'EUR', ...request });

const linesOf = (ref: string) => tools.database.query<{ type: string; charge: string; unit: string; rule: string; gross: string }>(
  `select type, charge, unit, rule, trim_scale(gross)::text as gross from fee_entry where order_id = (select id from orders where booking_ref = $1) order by recorded_at, seq, charge, unit`, [ref],
);
const balanceOf = async (ref: string): Promise<number> => (await linesOf(ref)).reduce((sum, { gross }) => sum + Number(gross), 0);
const revisionOf = async (ref: string): Promise<number> => Number((await tools.database.query<{ revision: string }>('select revision from orders where booking_ref = $1', [ref]))[0]?.revision);

async function expectReconciled(): Promise<void> {
  expect((await reconcile(tools.database, tools.wire)).checks.filter(({ ok }) => !ok)).toEqual([]);
}

describe('a waiver', () => {
  // Seen to fail when rating does not read waivers.
  test('takes away what stands in a line of its own, also after late events and new ratings', async () => {
    await bookedOrder('W1');
    const revision = await revisionOf('W1');
    const { order, id, appended } = await waive('gds:W1');
    expect({ order, appended }).toMatchObject({ order: 'gds:W1', appended: [{ type: 'waiver', rule: `waiver:${id}`, charge: 'item-fee', unit: 'item:i1', gross: '-15.00', reason: 'goodwill' }] });
    expect(await revisionOf('W1')).toBe(revision + 1);
    expect(await balanceOf('W1')).toBe(30);
    await settle(changed('W1'));
    await settle(changed('W1', { eventId: 'W1-0', occurredAt: Date.UTC(2026, 3, 1) }));
    const standing = (await linesOf('W1')).filter(({ unit }) => unit === 'item:i1');
    expect(standing.reduce((sum, { gross }) => sum + Number(gross), 0)).toBe(0);
    await expectReconciled();
  });

  test('is told by the order event, with the fees that are left', async () => {
    await bookedOrder('W2');
    await waive('gds:W2', { unit: 'item:i2' });
    const [row] = await tools.database.query<{ payload: Buffer }>(`select value as payload from outbox where key = (select id::text from orders where booking_ref = 'W2') order by id desc limit 1`);
    await tools.codec.prepare([schemaIdOf(row?.payload ?? null) ?? 0]);
    expect(tools.codec.decodeOrderEvent(row?.payload ?? null)).toMatchObject({ ok: true, event: { causeType: 'waiver', fees: [{ currency: 'EUR', gross: '15' }], feeEntries: [{ type: 'waiver', gross: '-30' }] } });
  });

  test('is limited for the role that the table names, and for no other', async () => {
    await bookedOrder('W3');
    await expect(waive('W3', { unit: 'item:i2', role: 'agent' })).rejects.toThrow('agent may waive up to 20 EUR of item-fee (fee table standard); this is 30.00 EUR');
    await expect(waive('W3', { role: null })).rejects.toThrow('standard limits who may waive item-fee: say in which role, --role agent or another one');
    expect(await waive('W3', { role: 'agent' })).toMatchObject({ appended: [{ gross: '-15.00' }] });
    expect(await waive('W3', { unit: 'item:i2', role: 'manager' })).toMatchObject({ appended: [{ gross: '-30.00' }] });
    expect(await balanceOf('W3')).toBe(0);
  });

  test('of one transaction leaves the others', async () => {
    await settle(booked('W4', {}, items), changed('W4'), changed('W4', { eventId: 'W4-3', occurredAt: Date.UTC(2026, 4, 3) }));
    await waive('W4', { charge: 'change-fee', unit: 'transaction:W4-2', transaction: 'W4-2' });
    expect((await linesOf('W4')).filter((line) => line.charge === 'change-fee').map(({ unit, gross }) => `${unit} ${gross}`).sort()).toEqual(['transaction:W4-2 -5', 'transaction:W4-2 5', 'transaction:W4-3 5']);
  });

  test('can be tried, and taken back', async () => {
    await bookedOrder('W5');
    const before = await tools.database.query('select (select count(*) from manual_fee) as fees, (select count(*) from fee_entry) as lines, (select sum(revision) from orders) as revisions');
    expect(await waive('W5', { dryRun: true })).toMatchObject({ id: null, appended: [{ gross: '-15.00' }] });
    expect(await tools.database.query('select (select count(*) from manual_fee) as fees, (select count(*) from fee_entry) as lines, (select sum(revision) from orders) as revisions')).toEqual(before);
    const { id } = await waive('W5');
    expect(await revokeFee(tools, { ...doing, order: 'W5', kind: 'waiver', id: id ?? '' })).toMatchObject({ appended: [{ type: 'reversal', gross: '15.00' }] });
    expect(await balanceOf('W5')).toBe(45);
    await expect(revokeFee(tools, { ...doing, order: 'W5', kind: 'waiver', id: id ?? '' })).rejects.toThrow(`the order has no waiver ${id} that stands`);
    await expect(revokeFee(tools, { ...doing, order: 'W5', kind: 'waiver', id: 'x' })).rejects.toThrow('the order has no waiver x');
    await expectReconciled();
  });

  test('is refused where nothing stands, where it is waived already, and without a reason', async () => {
    await bookedOrder('W6');
    await expect(waive('W6', { unit: 'item:i9' })).rejects.toThrow('nothing stands for item-fee on item:i9 that could be waived; there stand: item-fee on item:i1 of W6-1 (15.00 EUR), item-fee on item:i2 of W6-1 (30.00 EUR)');
    await waive('W6');
    await expect(waive('W6')).rejects.toThrow('item-fee on item:i1 is waived already');
    await expect(waive('W6', { unit: 'item:i2', reason: ' ' })).rejects.toThrow('a reason is needed');
    await expect(waive('NOBODY')).rejects.toThrow('there is no order NOBODY');
  });
});

describe('a manual charge', () => {
  test('stays as typed, whatever events and waivers come', async () => {
    await bookedOrder('C1');
    const { id, appended } = await charge('C1');
    expect(appended).toMatchObject([{ type: 'manual', rule: `manual:${id}`, charge: 'courier', unit: 'order', net: '21.01', vat: '3.99', gross: '25.00', currency: 'EUR' }]);
    await settle(changed('C1', { eventId: 'C1-0', occurredAt: Date.UTC(2026, 3, 1) }));
    expect((await linesOf('C1')).filter((line) => line.charge === 'courier')).toHaveLength(1);
    await expect(waive('C1', { charge: 'courier', unit: 'order' })).rejects.toThrow('nothing stands for courier on order that could be waived');
    expect((await explainFees(tools.database, tools.wire, 'C1')).manual).toMatchObject([{ id, kind: 'charge', by: 'anna', reason: 'goodwill' }]);
    expect(await revokeFee(tools, { ...doing, order: 'C1', kind: 'charge', id: id ?? '' })).toMatchObject({ appended: [{ type: 'reversal', gross: '-25.00' }] });
    await expectReconciled();
  });

  test('may be in any currency, with its digits', async () => {
    await bookedOrder('C2');
    await charge('C2', { gross: '1200', vat: '0', currency: 'JPY' });
    await charge('C2', { unit: 'item:i2', gross: '12.345', vat: '0', currency: 'KWD' });
    expect((await linesOf('C2')).filter((line) => line.charge === 'courier').map(({ gross }) => gross).sort()).toEqual(['12.345', '1200']);
    await expectReconciled();
  });

  test.each([
    ['decimals that the currency does not have', { gross: '12.5', vat: '0', currency: 'JPY' }, '12.5 is no amount in JPY: write at most 0 decimals, for example 12'],
    ['a currency that does not exist', { currency: 'EUX' }, 'EUX is no currency of ISO 4217'],
    ['nothing', { gross: '0.00', vat: '0' }, 'an amount of zero charges nothing'],
    ['more VAT than amount', { gross: '10', vat: '11' }, 'the VAT 11 is not part of the gross amount 10'],
    ['no amount', { gross: 'ten' }, 'ten is no amount in EUR'],
    ['a unit that the order has not', { unit: 'item:i9' }, 'the order has no unit item:i9; it has order, transaction:C3-1, item:i1, item:i2'],
  ])('is refused with %s', async (_what, request, message) => {
    if ((await linesOf('C3')).length === 0) await bookedOrder('C3');
    await expect(charge('C3', request)).rejects.toThrow(message);
    expect(await balanceOf('C3')).toBe(45);
  });
});
