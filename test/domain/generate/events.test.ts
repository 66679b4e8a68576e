import { describe, expect, test } from '@jest/globals';
import type { BookingEvent } from '../../../schemas/booking-event.js';
import { fromJson, toJson } from '../../../schemas/json.js';
import { foldAll } from '../../../workers/domain/fold.js';
import { customerLines } from '../../../workers/domain/generate/customer-rows.js';
import { generateEvents } from '../../../workers/domain/generate/events.js';
import { personOf } from '../../../workers/domain/generate/people.js';
import { validateEvent } from '../../../workers/domain/validate.js';

const now = Date.UTC(2026, 10, 26);
const settings = { seed: 5, bookings: 1500, now, customers: 300, companies: 20 };
const ordered = { late: 0, doubled: 0, shuffled: 0 };
const events = [...generateEvents(settings)];
const inOrder = [...generateEvents({ ...settings, ...ordered })];

const key = ({ source, bookingRef }: BookingEvent): string => `${source}:${bookingRef}`;

function byBooking(list: readonly BookingEvent[]): ReadonlyMap<string, readonly BookingEvent[]> {
  const found = new Map<string, BookingEvent[]>();
  for (const event of list) found.set(key(event), [...(found.get(key(event)) ?? []), event]);
  return found;
}

describe('generated events', () => {
  test('are the same for the same seed, and others for another', () => {
    expect([...generateEvents(settings)]).toEqual(events);
    expect([...generateEvents({ ...settings, seed: 6 })]).not.toEqual(events);
  });

  test('are canonical and nothing that a worker would refuse', () => {
    for (const event of events) {
      expect(fromJson('BookingEvent', JSON.parse(JSON.stringify(toJson('BookingEvent', event))))).toHaveProperty('value');
      expect(validateEvent(event, { declaredKinds: new Set(), receivedAt: now })).toBeNull();
    }
  });

  test('are all there whatever the disorder, and doubled ones are the same', () => {
    const lines = (list: readonly BookingEvent[]) => new Set(list.map((event) => JSON.stringify(event)));
    expect(lines(events)).toEqual(lines(inOrder));
    expect(new Set(inOrder.map(({ source, eventId }) => `${source}/${eventId}`)).size).toBe(inOrder.length);
    expect(events.length).toBeGreaterThan(inOrder.length * 1.01);
  });

  test('are in the order of their booking but for the shares that were asked for', () => {
    const outOfOrder = (list: readonly BookingEvent[]) => [...byBooking(list).values()].filter((own) => own.some((event, index) => event.occurredAt < (own[index - 1]?.occurredAt ?? 0))).length;
    expect(outOfOrder(inOrder)).toBe(0);
    expect(outOfOrder(events)).toBeGreaterThan(10);
  });

  test('make one booking each, and every kind of history happens', () => {
    const bookings = byBooking(inOrder);
    expect(bookings.size).toBe(settings.bookings);
    const types = new Set(inOrder.map(({ type }) => type));
    expect([...types].sort()).toEqual(['booked', 'cancelled', 'changed', 'confirmed', 'no-show', 'refunded', 'reissued', 'ticketed', 'travelled', 'voided']);
    expect(new Set([...bookings.values()].map((own) => foldAll(own).state.status))).toEqual(new Set(['booked', 'option', 'ticketed', 'cancelled', 'travelled', 'no-show']));
    expect([...bookings.values()].some((own) => own.filter(({ type }) => type === 'booked').length === 2)).toBe(true);
    expect(inOrder.some(({ booking }) => booking == null)).toBe(true);
  });

  test('have happened by then, most bookings within the last 40 hours', () => {
    expect(inOrder.every(({ occurredAt }) => occurredAt <= now)).toBe(true);
    const young = inOrder.filter(({ type, occurredAt }) => type === 'booked' && occurredAt > now - 42 * 3_600_000);
    expect(young.length).toBeGreaterThan(settings.bookings * 0.45);
  });

  test('hold so many bad ones as asked for, with event ids of their own', () => {
    const bad = [...generateEvents({ ...settings, bad: 0.02 })].filter((event) => validateEvent(event, { declaredKinds: new Set(), receivedAt: now }) !== null);
    expect(bad.length).toBeGreaterThan(20);
    expect(bad.every(({ eventId }) => eventId.endsWith('-bad'))).toBe(true);
  });
});

describe('generated people', () => {
  const population = { seed: 5, customers: 300, companies: 20 };
  const people = Array.from({ length: 300 }, (_, index) => personOf(population, index));

  test('some live together: one family name, address and mailbox, but different persons', () => {
    const households = people.filter((person, index) => index % 2 === 1 && person.emails[0] === people[index - 1]?.emails[0]);
    expect(households.length).toBeGreaterThan(10);
    for (const person of households) expect(person.phones[0]).not.toBe(people[people.indexOf(person) - 1]?.phones[0]);
  });

  test('have addresses for mail where nobody lives', () => {
    expect(people.every(({ emails }) => emails.every((email) => /^[a-z]+\.[a-z]+\d+@example\.(com|org)$/.test(email)))).toBe(true);
  });

  test('are rows for the customer import, companies before those who refer to them', () => {
    const lines = [...customerLines(population)];
    expect(lines).toHaveLength(1 + 20 + 300);
    expect(lines[0]).toMatch(/^externalId,source,kind,/);
    expect(lines[1]).toMatch(/^K00000,crm,company,/);
  });

  test('come back: a person books more than once', () => {
    const addresses = inOrder.filter(({ type }) => type === 'booked').flatMap(({ booking }) => booking?.booker?.emails ?? []).map((email) => email.toLowerCase());
    expect(new Set(addresses).size).toBeLessThan(addresses.length / 2);
  });
});
