import { describe, expect, test } from '@jest/globals';
import type { Booking, Item } from '../../schemas/booking-event.js';
import { bookingPrice, itemEnd, itemNights, itemTravellers, travelDates, uncancelledItems, withItemsCancelled } from '../../workers/domain/booking.js';

const item = (id: string, more: Partial<Item> = {}): Item => ({ id, product: 'hotel', ...more });
const eur = (total: string, parts: Record<string, string> = {}) => ({ currency: 'EUR', total, ...parts });

test('an item counts unless its status is cancelled, also where it has none', () => {
  expect(uncancelledItems({ items: [item('a'), item('b', { status: 'cancelled' }), item('c', { status: 'on request' })] }).map(({ id }) => id)).toEqual(['a', 'c']);
  expect(uncancelledItems(null)).toEqual([]);
  expect(uncancelledItems(withItemsCancelled({ items: [item('a')] }))).toEqual([]);
});

describe('the price of a booking', () => {
  test('is its own, whatever its items cost', () => {
    expect(bookingPrice({ price: eur('10'), items: [item('a', { price: eur('99') })] })).toEqual(eur('10'));
  });

  test('is else the exact sum of its uncancelled items, part by part where each has the part', () => {
    const items = [item('a', { price: eur('0.1', { taxes: '0.01', base: '0.09' }) }), item('b', { price: eur('0.2', { taxes: '0.02' }) }), item('c'), item('d', { status: 'cancelled', price: eur('7') })];
    expect(bookingPrice({ items })).toEqual(eur('0.3', { taxes: '0.03' }));
  });

  test('is unknown without any price and in several currencies', () => {
    expect(bookingPrice({ items: [item('a')] })).toBeNull();
    expect(bookingPrice({ items: [item('a', { price: eur('1') }), item('b', { price: { currency: 'CHF', total: '1' } })] })).toBeNull();
    expect(bookingPrice(null)).toBeNull();
  });
});

test('the nights of a hotel are counted from start to end where they are missing; of anything else they are unknown', () => {
  expect(itemNights(item('a', { start: '2026-02-27', end: '2026-03-02' }))).toBe(3);
  expect(itemNights(item('a', { start: '2026-02-27', end: '2026-03-02', nights: 2 }))).toBe(2);
  expect(itemNights(item('a', { product: 'car', start: '2026-02-27', end: '2026-03-02' }))).toBeNull();
});

test('an item ends when it says so, else its nights after its start', () => {
  expect(itemEnd(item('a', { start: '2026-12-31', nights: 1 }))).toBe('2027-01-01');
  expect(itemEnd(item('a', { start: '2026-12-31', nights: 1, end: '2027-01-05' }))).toBe('2027-01-05');
  expect(itemEnd(item('a', { start: '2026-12-31' }))).toBeNull();
});

test('a journey lasts as the booking says, else from the earliest start to the latest end of the uncancelled items', () => {
  const booking: Booking = { items: [item('a', { start: '2026-05-10', nights: 2 }), item('b', { start: '2026-05-08', end: '2026-05-09' }), item('c', { start: '2026-01-01', nights: 300, status: 'cancelled' })] };
  expect(travelDates(booking)).toEqual({ from: '2026-05-08', until: '2026-05-12' });
  expect(travelDates({ ...booking, travelFrom: '2026-05-01' })).toEqual({ from: '2026-05-01', until: '2026-05-12' });
  expect(travelDates(null)).toEqual({ from: null, until: null });
});

test('an item concerns the travellers it refers to, in the order of the booking; without a reference to one of them all', () => {
  const booking: Booking = { travellers: [{ id: 't1' }, { id: 't2' }, { id: 't3' }] };
  expect(itemTravellers(item('a', { travellers: ['t3', 't1', 't3'] }), booking)).toEqual(['t1', 't3']);
  for (const travellers of [null, [], ['nobody']]) expect(itemTravellers(item('a', { travellers }), booking)).toEqual(['t1', 't2', 't3']);
});
