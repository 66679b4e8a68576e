import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Booking, BookingEvent } from '../../schemas/booking-event.js';
import { customerHistory } from '../../workers/actions/customer-history.js';
import { importCustomers } from '../../workers/actions/import-customers.js';
import { mergeCustomers } from '../../workers/actions/merge-customers.js';
import type { RerateDependencies } from '../../workers/actions/rerate.js';
import { fieldQuality, lackingCustomers } from '../../workers/store/data-quality.js';
import { giveFeeTable } from '../fee-tables.js';
import { booked, cancelled } from '../ingest/world.js';
import { createLane } from './disordered-histories.js';
import { createRatingWorld } from './rating-world.js';

let tools: RerateDependencies;
let drop: () => Promise<void>;
let folder: string;
let settle: (...events: readonly BookingEvent[]) => Promise<unknown>;
const now = new Date('2026-06-01T12:00:00Z');

beforeAll(async () => {
  ({ tools, drop } = await createRatingWorld());
  await giveFeeTable(tools.database, 'feeTable: standard\ncurrency: EUR\nvalidFrom: 2020-01-01\ncharges: { file: { scope: order } }\nrules: [{ id: file, charge: file, on: booked, amount: { fixed: 10 } }]\n');
  const lane = createLane(tools.database, tools.codec, 'history', 0);
  settle = (...events) => lane(events);
  folder = await mkdtemp(join(tmpdir(), 'midline-history-'));
});

afterAll(async () => {
  await drop();
  await rm(folder, { recursive: true });
});

async function load(content: string, day = now): Promise<void> {
  await writeFile(join(folder, 'customers.csv'), content);
  await importCustomers(tools.database, { file: join(folder, 'customers.csv'), source: 'gds', country: 'DE', actor: 'tester', now: day, onProblem: (problem) => { throw new Error(JSON.stringify(problem)); }, onProgress: () => undefined });
}

const idOf = async (externalId: string): Promise<string> => (await tools.database.query<{ id: string }>(`select customer_id::text as id from customer_key where value = $1`, [`gds:${externalId}`]))[0]?.id ?? '';
const trip = (from: string, until: string, total: string, country: string): Partial<Booking> => ({
  bookedAt: Date.parse('2026-01-01T10:00:00Z'), travelFrom: from, travelUntil: until, price: { currency: 'EUR', total }, items: [{ id: '1', product: 'hotel', country, start: from, end: until }],
});
const history = (customer: string, options: { readonly withSubsidiaries?: boolean; readonly limit?: number; readonly page?: number } = {}) =>
  customerHistory(tools.database, { customer, withSubsidiaries: options.withSubsidiaries ?? false, limit: options.limit ?? 10, page: options.page ?? 1, now });

describe('the history of a customer', () => {
  // Seen to fail when trips that others paid count as own, and when merged customers are left out.
  test('has every order in which it has a place, and what they come to', async () => {
    await load('externalId,familyName,country\nh1,Weber,DE\nh2,Weber,DE\nh3,Maier,AT\n');
    const [h1, h2, h3] = [await idOf('h1'), await idOf('h2'), await idOf('h3')];
    const booker = (externalId: string) => ({ externalId, addresses: [{ country: 'DEU' }] });
    const at = Date.parse('2026-01-01T10:00:00Z');
    await settle(
      booked('h-1', { occurredAt: at }, { ...trip('2026-01-11', '2026-01-13', '100.50', 'PT'), booker: booker('h1') }),
      booked('h-2', { occurredAt: at }, { ...trip('2026-02-01', '2026-02-05', '200', 'PT'), booker: booker('h2') }),
      booked('h-3', { occurredAt: at }, { ...trip('2026-08-01', '2026-08-02', '50', 'ES'), booker: booker('h1') }),
      booked('h-4', { occurredAt: at }, { ...trip('2026-09-01', '2026-09-09', '999', 'ES'), booker: booker('h1') }),
      booked('h-5', { occurredAt: at }, { ...trip('2025-12-01', '2025-12-02', '70', 'FR'), booker: booker('h3'), travellers: [{ id: 't1', externalId: 'h1' }] }),
    );
    await settle({ ...cancelled('h-4'), occurredAt: at + 86_400_000 });
    await mergeCustomers(tools.database, { customer: h2, into: h1, reason: 'the same', actor: 'anna', now });
    await tools.database.query(`update orders set customer_id = $1 where customer_id = $2`, [h1, h2]); // as the rating that the merge asks for does
    const { statistics, orders, pages } = await history(h1);
    expect(orders.map(({ order, status, roles }) => `${order} ${status} ${roles.join('+')}`).toSorted()).toEqual([
      'gds:h-1 booked customer', 'gds:h-2 booked customer', 'gds:h-3 booked customer', 'gds:h-4 cancelled customer', 'gds:h-5 booked traveller',
    ]);
    expect(pages).toBe(1);
    expect(statistics).toEqual({
      orders: 5, byRole: [{ value: 'customer', orders: 4 }, { value: 'traveller', orders: 1 }], byStatus: [{ value: 'booked', orders: 4 }, { value: 'cancelled', orders: 1 }],
      prices: [{ currency: 'EUR', orders: 3, total: '350.50' }], fees: [{ currency: 'EUR', orders: 4, total: '40.00' }],
      firstTravel: '2025-12-01', lastTravel: '2026-02-01', nextTravel: '2026-08-01',
      destinations: [{ value: 'PT', orders: 2 }, { value: 'ES', orders: 1 }, { value: 'FR', orders: 1 }], nights: 8, averageNights: 2, medianLeadDays: 31,
      sources: [{ value: 'gds', orders: 5 }], origins: [{ value: 'DEU', orders: 4 }], cancelledShare: 0.25, noShowShare: 0,
      years: [
        { year: 2026, orders: 4, cancelled: 1, nights: 7, prices: [{ currency: 'EUR', total: '350.50' }] }, { year: 2025, orders: 1, cancelled: 0, nights: 1, prices: [] },
      ],
    });
    expect(await history(h2)).toMatchObject({ customers: [h1], statistics: { orders: 5 } });
    expect((await history(h3)).statistics).toMatchObject({ orders: 1, prices: [{ total: '70.00' }], cancelledShare: 0 });
    expect(await history(h1, { limit: 2, page: 3 })).toMatchObject({ pages: 3, orders: [{}] });
  });

  test('of a company has those of its subsidiaries where that is asked for; of nobody with orders it is empty', async () => {
    await load('externalId,kind,companyName,parent\nc1,company,Acme AG,\nc2,company,Acme Bonn GmbH,c1\nc3,company,Acme Bonn West GmbH,c2\n');
    const [c1, c3] = [await idOf('c1'), await idOf('c3')];
    await settle(booked('c-1', {}, { ...trip('2026-07-01', '2026-07-02', '10', 'DE'), corporateAccount: { id: 'c3' } }));
    expect(await history(c1)).toMatchObject({ customers: [c1], statistics: { orders: 0, prices: [], firstTravel: null, averageNights: null, cancelledShare: null, years: [] }, orders: [], pages: 1 });
    expect(await history(c1, { withSubsidiaries: true })).toMatchObject({ statistics: { orders: 1, byRole: [{ value: 'corporate account', orders: 1 }] } });
    expect(await history(c3)).toMatchObject({ statistics: { orders: 1 } });
  });
});

describe('data quality', () => {
  // Seen to fail when a field is as old as the row, whatever has changed since.
  test('tells of each field how many have it and how old it is, and who lacks most', async () => {
    await tools.database.query(`truncate customer, customer_key, customer_contact, customer_tie, customer_attribute, customer_relation, identity_claim`);
    await load('externalId,givenName,familyName,emails,birthDate,country\nq1,Anna,Weber,a@example.com,1980-05-10,\nq2,,Maier,,,DE\n', new Date('2024-01-01T00:00:00Z'));
    await tools.database.query(`update customer set created_at = '2024-01-01'`);
    await load('externalId,emails\nq1,b@example.com\n', new Date('2026-05-22T00:00:00Z'));
    const told: string[] = [];
    const fields = await fieldQuality(tools.database, 'person', '2026-06-01', 365, (done, all) => told.push(`${done} of ${all}`));
    expect(told).toEqual(Array.from({ length: fields.length + 1 }, (_, done) => `${done} of ${fields.length}`));
    const of = (field: string) => fields.find((one) => one.field === field);
    expect(of('emails')).toEqual({ kind: 'person', field: 'emails', customers: 2, filled: 1, medianAge: 10, oldestAge: 10, stale: 0 });
    expect(of('familyName')).toEqual({ kind: 'person', field: 'familyName', customers: 2, filled: 2, medianAge: 882, oldestAge: 882, stale: 2 });
    expect(of('addresses')).toMatchObject({ filled: 0, medianAge: null, stale: 0 }); // a country is no address
    expect(await lackingCustomers(tools.database, null, '2026-06-01', 365, 10)).toMatchObject([
      { name: 'Maier', missing: ['givenName', 'birthDate', 'language', 'emails', 'phones', 'addresses'], stale: ['familyName'] },
      { name: 'Anna Weber', missing: ['language', 'phones', 'addresses'], stale: ['familyName', 'givenName', 'birthDate'] },
    ]);
    expect(await lackingCustomers(tools.database, 'company', '2026-06-01', 365, 10)).toEqual([]);
  });
});
