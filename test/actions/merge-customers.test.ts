import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BookingEvent } from '../../schemas/booking-event.js';
import { assignFeeTable } from '../../workers/actions/fee-tables.js';
import { mergeCustomers, unmergeCustomer } from '../../workers/actions/merge-customers.js';
import { reconcile } from '../../workers/actions/reconcile.js';
import { type Rerated, type RerateDependencies, rerateStale } from '../../workers/actions/rerate.js';
import { giveFeeTable } from '../fee-tables.js';
import { booked } from '../ingest/world.js';
import { createLane, outcomeOf } from './disordered-histories.js';
import { approvedFeeTable, createRatingWorld } from './rating-world.js';

const doing = { actor: 'anna', now: new Date() };
const reason = 'same passport';

const tableOf = (name: string, item: number): string => `
feeTable: ${name}
currency: EUR
validFrom: 2020-01-01
charges: { item-fee: { scope: item }, change-fee: { scope: transaction } }
rules:
  - { id: booked, charge: item-fee, on: booked, amount: { fixed: ${item} } }
  - { id: vip, charge: item-fee, on: booked, when: { customer: { status: vip } }, amount: { fixed: ${item - 1} } }
  - { id: change, charge: change-fee, on: changed, amount: { fixed: ${item / 2} } }
`;

let tools: RerateDependencies;
let drop: () => Promise<void>;
let settle: (...events: readonly BookingEvent[]) => Promise<unknown>;

beforeAll(async () => {
  ({ tools, drop } = await createRatingWorld());
  await giveFeeTable(tools.database, tableOf('standard', 10));
  for (const [name, amount] of [['gold', 6], ['silver', 8]] as const) await approvedFeeTable(tools.database, tableOf(name, amount));
  const lane = createLane(tools.database, tools.codec, 'merges', 0);
  settle = (...events) => lane(events);
});

afterAll(() => drop());

const items = [{ id: 'i1', product: 'hotel', price: { currency: 'EUR', total: '100' } }];
/** A booking of somebody whom the source knows by an id. */
const bookedBy = (ref: string, customer: string, more: Partial<BookingEvent> = {}): BookingEvent =>
  booked(ref, more, { items, booker: { externalId: customer, givenName: 'Anna', familyName: `Of ${customer}` } });

async function idOf(customer: string): Promise<string> {
  const [row] = await tools.database.query<{ id: string }>(`select customer_id as id from customer_key where kind = 'external' and value = $1`, [`gds:${customer}`]);
  if (row === undefined) throw new Error(`no customer ${customer}`);
  return row.id;
}

const assign = async (customer: string, table: string) =>
  assignFeeTable(tools.database, { ...doing, subject: { kind: 'customer', id: await idOf(customer) }, table, from: '2020-01-01', until: null, reason: 'test' });
const rerate = (): Promise<Rerated> => rerateStale(tools, Date.now);
const merge = async (customer: string, into: string) => mergeCustomers(tools.database, { ...doing, reason, customer: await idOf(customer), into: await idOf(into) });
const unmerge = async (customer: string) => unmergeCustomer(tools.database, { ...doing, reason: 'father and son', customer: await idOf(customer) });
const orderOf = async (ref: string) => (await tools.database.query<{ customer: string; revision: string; link: string }>(
  `select customer_id as customer, revision, link from orders where booking_ref = $1`, [ref]))[0];
const linksOf = (ref: string) => tools.database.query('select role, position, decision, customer_id, superseded_at from customer_link where order_id = (select id from orders where booking_ref = $1) order by role, position, seq', [ref]);
const balanceOf = async (ref: string): Promise<number> => Number((await tools.database.query<{ sum: string }>(
  'select coalesce(sum(gross), 0) as sum from fee_entry where order_id = (select id from orders where booking_ref = $1)', [ref]))[0]?.sum);
async function expectReconciled(): Promise<void> {
  expect((await reconcile(tools.database, tools.wire)).checks.filter(({ ok }) => !ok)).toEqual([]);
}

describe('a merge', () => {
  // Seen to fail when rating goes on with the customer that the order had before.
  test('makes the orders those of the survivor, rated by its fee table, and unmerge takes it back exactly', async () => {
    await settle(bookedBy('M1', 'm1'), bookedBy('M2', 'm2'));
    await assign('m2', 'gold');
    await rerate();
    const before = { order: await orderOf('M1'), links: await linksOf('M1') };
    expect([await balanceOf('M1'), await balanceOf('M2')]).toEqual([10, 6]);

    expect(await merge('m1', 'm2')).toMatchObject({ root: await idOf('m2'), stale: 2 });
    expect(await rerate()).toMatchObject({ orders: 2, changed: 1, difference: { EUR: '-4.00' } });
    expect([await balanceOf('M1'), await balanceOf('M2')]).toEqual([6, 6]);
    expect(await orderOf('M1')).toMatchObject({ customer: await idOf('m2'), link: 'new' });
    expect(await linksOf('M1')).toEqual(before.links);
    await expectReconciled();

    expect(await unmerge('m1')).toMatchObject({ into: await idOf('m2'), root: await idOf('m1') });
    expect(await rerate()).toMatchObject({ difference: { EUR: '4.00' } });
    expect([await balanceOf('M1'), await balanceOf('M2')]).toEqual([10, 6]);
    expect({ order: { ...await orderOf('M1'), revision: before.order?.revision }, links: await linksOf('M1') }).toEqual(before);
    await expectReconciled();
  });

  test('is told by the order events and by the reason of the ledger lines', async () => {
    await settle(bookedBy('T1', 't1'), bookedBy('T2', 't2'));
    await assign('t2', 'gold');
    await rerate();
    await tools.database.query('delete from outbox');
    await merge('t1', 't2');
    await rerate();
    const rows = await tools.database.query<{ value: Buffer }>('select value from outbox');
    await tools.codec.prepare([]);
    expect(rows.map(({ value }) => value.includes('merge'))).toEqual([true]);
    const reasons = await tools.database.query<{ reason: string }>(`select distinct reason from fee_entry where reason like '%passport%'`);
    expect(reasons.map(({ reason: text }) => text)).toContain(`customer ${await idOf('t1')} is customer ${await idOf('t2')}: ${reason}`);
  });

  test('gives the survivor what only the other one is known to be: attributes, tables', async () => {
    await settle(bookedBy('F1', 'f1'), bookedBy('F2', 'f2'));
    await assign('f1', 'silver');
    await tools.database.query(`insert into customer_attribute (customer_id, name, value) values ($1, 'status', 'vip')`, [await idOf('f1')]);
    await merge('f1', 'f2');
    await rerate();
    expect([await balanceOf('F1'), await balanceOf('F2')]).toEqual([7, 7]);
    await settle(bookedBy('F3', 'f1'), bookedBy('F4', 'f2'));
    expect([await balanceOf('F3'), await balanceOf('F4')]).toEqual([7, 7]);
    await assign('f2', 'gold');
    await rerate();
    expect([await balanceOf('F1'), await balanceOf('F2'), await balanceOf('F3')]).toEqual([5, 5, 5]);
    await expectReconciled();
  });

  test('takes along who was merged before, and gives them back with it', async () => {
    await settle(bookedBy('C1', 'c1'), bookedBy('C2', 'c2'), bookedBy('C3', 'c3'));
    await merge('c1', 'c2');
    await merge('c2', 'c3');
    await rerate();
    expect(await Promise.all(['C1', 'C2', 'C3'].map(async (ref) => (await orderOf(ref))?.customer))).toEqual(Array(3).fill(await idOf('c3')));
    await unmerge('c2');
    await rerate();
    expect(await Promise.all(['C1', 'C2', 'C3'].map(async (ref) => (await orderOf(ref))?.customer))).toEqual([await idOf('c2'), await idOf('c2'), await idOf('c3')]);
    await expectReconciled();
  });

  test('is refused with a reason where it makes no sense, and nothing is written', async () => {
    await settle(bookedBy('R1', 'r1'), bookedBy('R2', 'r2'), bookedBy('R3', 'r3'));
    await settle(booked('R4', {}, { items, corporateAccount: { id: 'acme', name: 'Acme GmbH' } }));
    const company = (await tools.database.query<{ id: string }>(`select customer_id as id from customer_key where kind = 'external-company' and value = 'gds:acme'`))[0]?.id ?? '';
    await merge('r1', 'r2');
    await rerate();
    const written = () => tools.database.query('select (select count(*) from customer_merge) as merges, (select version from facts_version) as version, (select count(*) from audit_log) as audits, (select count(*) from rating_stale) as stale');
    const before = await written();
    await expect(merge('r1', 'r1')).rejects.toThrow('are one already');
    await expect(merge('r2', 'r1')).rejects.toThrow('are one already');
    await expect(merge('r1', 'r3')).rejects.toThrow(`take that back first (midline customers unmerge ${await idOf('r1')})`);
    await expect(mergeCustomers(tools.database, { ...doing, reason, customer: await idOf('r3'), into: company })).rejects.toThrow('a person is no company');
    await expect(mergeCustomers(tools.database, { ...doing, reason, customer: await idOf('r3'), into: '999999' })).rejects.toThrow('there is no customer 999999');
    await expect(unmerge('r3')).rejects.toThrow('is not merged into another one');
    expect(await written()).toEqual(before);
  });
});

type Step = { readonly do: 'event'; readonly booking: number } | { readonly do: 'merge' | 'unmerge'; readonly one: number; readonly other: number };

const bookings = 4;
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('event' as const), booking: fc.nat({ max: bookings - 1 }) }),
  fc.record({ do: fc.constantFrom('merge' as const, 'merge' as const, 'unmerge' as const), one: fc.nat({ max: bookings - 1 }), other: fc.nat({ max: bookings - 1 }) }),
);

let runs = 0;

// Seen to fail when unmerge leaves those behind who were merged before, and when rating again does not ask whose the order is now.
test('after any sequence of merges, unmerges and events the ledger is that of a rating from scratch, and when all is taken back, links and ledgers are as if nothing had been', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
    const run = runs++;
    const who = (n: number): string => `p${run}-${n}`;
    const refOf = (kind: string, n: number): string => `${kind}${run}-${n}`;
    const counts = new Map<number, number>();
    const next = (booking: number): BookingEvent => {
      const nth = counts.get(booking) ?? 0;
      counts.set(booking, nth + 1);
      return eventOf('X', booking, nth);
    };
    const eventOf = (kind: string, booking: number, nth: number): BookingEvent => {
      const ref = refOf(kind, booking);
      const first = bookedBy(ref, who(booking));
      return nth === 0 ? first : { ...bookedBy(ref, who(booking), { eventId: `${ref}/${nth}`, occurredAt: first.occurredAt + nth * 60_000 }), type: 'changed', booking: { ...first.booking, remarks: [{ text: `wish ${nth}` }] } };
    };
    for (let n = 0; n < bookings; n++) {
      await settle(next(n));
      if (n % 2 === 0) await assign(who(n), n === 0 ? 'gold' : 'silver');
    }
    await rerate();
    const merged = new Map<number, number>();
    const rootOf = (n: number): number => (merged.has(n) ? rootOf(merged.get(n) ?? n) : n);
    for (const one of steps) {
      if (one.do === 'event') await settle(next(one.booking));
      else if (one.do === 'merge' && !merged.has(one.one) && rootOf(one.one) !== rootOf(one.other)) {
        await merge(who(one.one), who(one.other));
        merged.set(one.one, one.other);
      } else if (one.do === 'unmerge' && merged.delete(one.one)) await unmerge(who(one.one));
    }
    await rerate();
    for (let n = 0; n < bookings; n++) expect(await orderOf(refOf('X', n))).toMatchObject({ customer: await idOf(who(rootOf(n))) });
    await expectReconciled();

    for (const n of merged.keys()) await unmerge(who(n));
    await rerate();
    for (let n = 0; n < bookings; n++) {
      for (let nth = 0; nth < (counts.get(n) ?? 0); nth++) await settle(eventOf('Y', n, nth));
      expect(await outcomeOf(tools.database, refOf('X', n))).toEqual(withoutName(await outcomeOf(tools.database, refOf('Y', n)), refOf('Y', n), refOf('X', n)));
      expect((await linksOf(refOf('X', n))).map((link) => ({ ...link as object, decision: 'link' }))).toEqual((await linksOf(refOf('Y', n))).map((link) => ({ ...link as object, decision: 'link' })));
    }
  }), { numRuns: 30, endOnFailure: true });
}, 240_000);

const withoutName = (outcome: unknown, name: string, other: string): unknown => JSON.parse(JSON.stringify(outcome).replaceAll(name, other)) as unknown;
