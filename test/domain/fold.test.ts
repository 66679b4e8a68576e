import { describe, expect, test } from '@jest/globals';
import type { Booking, BookingEvent, Document, Item } from '../../schemas/booking-event.js';
import { compareCodePoints, compareEvents, isInOrder, placeOf } from '../../workers/domain/event-order.js';
import { foldAll, foldNext } from '../../workers/domain/fold.js';
import type { Transaction } from '../../workers/domain/order.js';

// Each of these was seen to fail with its protection taken out: the cut to the second, the order of versions and code points (event-order.ts);
// `except`, the end by a derived cancelled, nothing derived after an end, the state before a silent `ticketed`, the implied state without documents,
// the unknown state before a first event, the counts and voided documents of a new life, the price of an ended order (fold.ts);
// the status of an end (order-status.ts); dropping nulls and sensitive data (stored-booking.ts); derived ones that deliver nothing (transactions.ts).

const noon = Date.UTC(2026, 0, 5, 12);
const minute = 60_000;

/** An event at noon plus its number of minutes: `event('booked', 1, …)`. */
const event = (type: string, at: number, body: Booking | null = null, more: Partial<BookingEvent> = {}): BookingEvent =>
  ({ eventId: `e${at}`, source: 'gds', bookingRef: 'B1', type, occurredAt: noon + at * minute, booking: body, ...more });

const item = (id: string, more: Partial<Item> = {}): Item => ({ id, product: 'hotel', status: 'open', ...more });
const ticket = (id: string, more: Partial<Document> = {}): Document => ({ id, type: 'TICKET', ...more });
const two: Booking = { items: [item('a'), item('b')], travellers: [{ id: 't1' }, { id: 't2' }] };
const one: Booking = { items: [item('a')], travellers: [{ id: 't1' }] };
const eur = (total: string) => ({ currency: 'EUR', total });

/** `booked`, `booked+` (derived), with the ids of what is touched. */
const told = ({ type, derived, touched }: Transaction): string =>
  `${type}${derived ? '+' : ''} ${[...touched.items, ...touched.documents, ...touched.travellers].join(' ')}`.trim();
const story = (...events: readonly BookingEvent[]): readonly string[] => foldAll(events).transactions.map(told);
const stateOf = (...events: readonly BookingEvent[]) => foldAll(events).state;
const statusOf = (...events: readonly BookingEvent[]) => stateOf(...events).status;

describe('the order of events', () => {
  const sorted = (versioned: boolean, ...events: readonly BookingEvent[]) => events.toSorted(compareEvents(versioned)).map(({ eventId }) => eventId);

  test('with versions on all events the version comes first, then rank, moment and id', () => {
    expect(sorted(true, event('booked', 9, one, { version: 2 }), event('changed', 5, one, { version: 1 }))).toEqual(['e5', 'e9']);
    expect(sorted(true, event('cancelled', 1, one, { version: 1 }), event('booked', 2, one, { version: 1 }))).toEqual(['e2', 'e1']);
    expect(sorted(true, event('changed', 2, one, { version: 1 }), event('changed', 1, one, { version: 1 }))).toEqual(['e1', 'e2']);
  });

  test('without versions the second decides, within it the rank, then the moment, then the id', () => {
    const at = (eventId: string, type: string, milliseconds: number) => event(type, 0, one, { eventId, occurredAt: noon + milliseconds });
    expect(sorted(false, at('x', 'travelled', 0), at('y', 'booked', 999))).toEqual(['y', 'x']);
    expect(sorted(false, at('x', 'travelled', 999), at('y', 'booked', 1000))).toEqual(['x', 'y']);
    expect(sorted(false, at('x', 'changed', 5), at('y', 'changed', 4))).toEqual(['y', 'x']);
    expect(sorted(false, at('y', 'changed', 4), at('x', 'changed', 4))).toEqual(['x', 'y']);
  });

  test('the ranks: booked, confirmed, ticketed, declared kinds, changed, reissued, refunded, voided, cancelled, no-show, travelled', () => {
    const ranked = ['booked', 'confirmed', 'ticketed', 'card-used', 'changed', 'reissued', 'refunded', 'voided', 'cancelled', 'no-show', 'travelled'];
    const places = ranked.map((type) => placeOf(event(type, 0)).rank);
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    expect(new Set(places).size).toBe(ranked.length);
  });

  test('ids compare by code point, not by UTF-16 unit', () => {
    expect(['\u{ff5e}', '\u{1f600}'].toSorted()).toEqual(['\u{1f600}', '\u{ff5e}']);
    expect(compareCodePoints('\u{1f600}', '\u{ff5e}')).toBeGreaterThan(0);
    expect(compareCodePoints('a', 'ab')).toBeLessThan(0);
    expect(compareCodePoints('a', 'a')).toBe(0);
  });

  test('an event before the last one is late; so is one without version that turns versions into times', () => {
    const state = stateOf(event('booked', 1, one, { version: 1 }), event('changed', 2, one, { version: 3 }));
    expect(isInOrder(state, event('changed', 3, one, { version: 2 }))).toBe(false);
    expect(isInOrder(state, event('changed', 1, one, { version: 4 }))).toBe(true);
    expect(isInOrder(state, event('changed', 9, one))).toBe(false);
    const byTime = stateOf(event('booked', 1, one, { version: 9 }), event('changed', 2, one));
    expect(isInOrder(byTime, event('changed', 3, one, { version: 1 }))).toBe(true);
  });

  test('one event without version has the whole history sorted by time', () => {
    const events = [event('booked', 2, one, { version: 1 }), event('changed', 1, two, { version: 2 })];
    expect(stateOf(...events).booking).toEqual(two);
    expect(stateOf(...events, event('travelled', 0)).booking).toEqual(one);
  });
});

describe('status', () => {
  test('follows the last event that says something', () => {
    expect(statusOf(event('booked', 1, one))).toBe('booked');
    expect(statusOf(event('booked', 1, one), event('ticketed', 2, { ...one, documents: [ticket('d')] }))).toBe('ticketed');
    expect(statusOf(event('booked', 1, one), event('ticketed', 2), event('changed', 3), event('refunded', 4, null, { touches: { items: [] } }))).toBe('ticketed');
    expect(statusOf(event('booked', 1, one), event('ticketed', 2), event('confirmed', 3))).toBe('booked');
    expect(statusOf(event('booked', 1, one), event('no-show', 2))).toBe('no-show');
    expect(statusOf(event('booked', 1, one), event('no-show', 2), event('travelled', 3))).toBe('travelled');
    expect(statusOf(event('booked', 1, one), event('cancelled', 2))).toBe('cancelled');
  });

  test('an order is an option while its booking is one', () => {
    expect(statusOf(event('booked', 1, { ...one, isOption: true }))).toBe('option');
    expect(statusOf(event('booked', 1, { ...one, isOption: true }), event('confirmed', 2, { ...one, isOption: false }))).toBe('booked');
    expect(statusOf(event('booked', 1, { ...one, isOption: true }), event('changed', 2, { ...one, isOption: true }))).toBe('option');
  });

  test('confirmed and ticketed after an end keep it', () => {
    for (const end of ['cancelled', 'no-show', 'travelled']) {
      for (const type of ['confirmed', 'ticketed']) expect(statusOf(event('booked', 1, one), event(end, 2), event(type, 3))).toBe(end);
    }
  });

  test('an order whose documents are all voided, by their status or by a voided event, is booked again', () => {
    const documents = [ticket('d1'), ticket('d2')];
    const ticketed = [event('booked', 1, one), event('ticketed', 2, { ...one, documents })];
    expect(statusOf(...ticketed, event('voided', 3, null, { touches: { documents: ['d1'] } }))).toBe('ticketed');
    expect(statusOf(...ticketed, event('voided', 3, null, { touches: { documents: ['d1'] } }), event('voided', 4, null, { touches: { documents: ['d2'] } }))).toBe('booked');
    expect(statusOf(...ticketed, event('voided', 3, { ...one, documents: [ticket('d1', { status: 'void' }), ticket('d2')] }, { touches: { documents: ['d2'] } }))).toBe('booked');
    expect(statusOf(...ticketed, event('changed', 3, { ...one, documents: documents.map((document) => ({ ...document, status: 'voided' })) }))).toBe('booked');
    expect(statusOf(...ticketed, event('cancelled', 3), event('voided', 4, null, { touches: { documents: ['d1', 'd2'] } }))).toBe('cancelled');
  });

  test('a new life knows nothing of the documents that were voided in the one before', () => {
    const body: Booking = { ...one, documents: [ticket('d1')] };
    const voided = [event('booked', 1, one), event('ticketed', 2, body), event('voided', 3, null, { touches: { documents: ['d1'] } }), event('cancelled', 4, one)];
    expect(statusOf(...voided, event('booked', 5, one), event('ticketed', 6, body))).toBe('ticketed');
  });

  test('booked again while the booking lives leaves the status, also after no-show or travelled', () => {
    expect(statusOf(event('booked', 1, one), event('ticketed', 2, { ...one, documents: [ticket('d')] }), event('booked', 3, { ...two, documents: [ticket('d')] }))).toBe('ticketed');
    expect(statusOf(event('booked', 1, one), event('travelled', 2), event('booked', 3, two))).toBe('travelled');
  });
});

describe('booked again', () => {
  test('while the booking lives counts as changed', () => {
    expect(story(event('booked', 1, two), event('booked', 2, { ...two, items: [item('a', { nights: 3 }), item('b')] }))).toEqual(['booked a b t1 t2', 'changed a t1 t2']);
  });

  test('is a repeat without transaction if nothing differs, whatever the order of its fields and its empty lists', () => {
    const again: Booking = { travellers: two.travellers ?? null, items: [{ status: 'open', product: 'hotel', id: 'a', segments: [] }, item('b', { nights: null })] };
    expect(story(event('booked', 1, two), event('booked', 2, again))).toEqual(['booked a b t1 t2']);
    expect(stateOf(event('booked', 1, two), event('booked', 2, again)).eventCount).toBe(2);
  });

  test('after a cancellation begins a new life: booked anew, counted anew', () => {
    const events = [event('booked', 1, one), event('changed', 2), event('cancelled', 3), event('booked', 4, one), event('changed', 5)];
    expect(story(...events)).toEqual(['booked a t1', 'changed a t1', 'cancelled a t1', 'booked a t1', 'changed a t1']);
    expect(foldAll(events).transactions.map(({ life, nth, firstBookedAt }) => [life, nth, firstBookedAt])).toEqual([
      [1, 1, noon + minute], [1, 1, noon + minute], [1, 1, noon + minute], [2, 1, noon + 4 * minute], [2, 1, noon + 4 * minute],
    ]);
    expect(stateOf(...events)).toMatchObject({ status: 'booked', ended: false, life: 2, counts: { booked: 1, changed: 1 } });
  });
});

describe('ticketed', () => {
  test('touches the documents that were not there before, their items and travellers', () => {
    const documents = [ticket('d1', { item: 'a', traveller: 't2' })];
    const flight: Booking = { ...two, items: [item('a', { travellers: ['t2'] }), item('b')] };
    expect(story(event('booked', 1, flight), event('ticketed', 2, { ...flight, documents }))).toEqual(['booked a b t1 t2', 'ticketed a d1 t2', 'booked+ d1']);
  });

  test('without a new document is no transaction, whatever it touches; its state and fees count for the next', () => {
    const fees = [{ id: 'f', gross: '15', currency: 'EUR' }];
    const events = [
      event('booked', 1, one),
      event('ticketed', 2, { ...two, agencyFees: fees }, { touches: { items: ['a'] } }),
      event('changed', 3),
    ];
    expect(story(...events)).toEqual(['booked a t1', 'changed', 'booked+ b t2']);
    expect(stateOf(...events.slice(0, 2))).toMatchObject({ status: 'ticketed', before: { booking: one } });
    const [, changed, derived] = foldAll(events).transactions;
    expect(changed).toMatchObject({ before: one, after: two, delivered: { before: [], after: fees } });
    expect(derived?.delivered).toEqual({ before: fees, after: fees });
    expect(stateOf(...events).before).toBeNull();
  });

  test('without a new document and then without a body: the one after a bare first event is compared with nothing', () => {
    expect(story(event('confirmed', 1), event('ticketed', 2, one), event('changed', 3))).toEqual(['booked', 'confirmed', 'changed', 'booked+ a t1']);
  });
});

describe('touches', () => {
  test('changed: the items there before and still there that differ; all if no item differs, is new or gone', () => {
    expect(story(event('booked', 1, two), event('changed', 2, { ...two, items: [item('a'), item('b', { nights: 2 })] }))[1]).toBe('changed b t1 t2');
    expect(story(event('booked', 1, two), event('changed', 2, { ...two, remarks: [{ text: 'sea view' }] }))[1]).toBe('changed a b t1 t2');
    expect(story(event('booked', 1, two), event('changed', 2))[1]).toBe('changed a b t1 t2');
    expect(story(event('booked', 1, one), event('changed', 2, { ...one, items: [item('a'), item('b')] }))).toEqual(['booked a t1', 'changed', 'booked+ b']);
  });

  test('what is not named follows from documents to items and from items to travellers; documents never follow; an empty list is named', () => {
    const body: Booking = { items: [item('a', { travellers: ['t1'] }), item('b', { travellers: ['t2'] })], travellers: [{ id: 't1' }, { id: 't2' }], documents: [ticket('d1', { item: 'b', traveller: 't1' })] };
    const refunded = (touches: NonNullable<BookingEvent['touches']>) => story(event('booked', 1, body), event('refunded', 2, null, { touches }))[1];
    expect(refunded({ documents: ['d1'] })).toBe('refunded b d1 t1 t2');
    expect(refunded({ items: ['a'] })).toBe('refunded a t1');
    expect(refunded({ items: ['b', 'a'] })).toBe('refunded a b t1 t2');
    expect(refunded({ items: [], documents: ['d1'] })).toBe('refunded d1 t1');
    expect(refunded({ documents: ['d1'], travellers: [] })).toBe('refunded b d1');
    expect(refunded({ travellers: ['t2'] })).toBe('refunded t2');
    expect(refunded({ items: ['nowhere'], documents: ['no-document'] })).toBe('refunded');
  });

  test('an item without traveller references concerns all', () => {
    expect(story(event('booked', 1, two), event('refunded', 2, null, { touches: { items: ['a'] } }))[1]).toBe('refunded a t1 t2');
  });

  test('everything else touches all that is not cancelled after it', () => {
    const body: Booking = { ...two, items: [item('a'), item('b', { status: 'cancelled' })], documents: [ticket('d1')] };
    for (const type of ['booked', 'confirmed', 'travelled', 'card-used']) {
      expect(story(event('booked', 1, body), ...(type === 'booked' ? [] : [event(type, 2)])).at(-1)).toBe(`${type} a d1 t1 t2`);
    }
  });

  test('cancelled and no-show touch also what was not cancelled before', () => {
    expect(story(event('booked', 1, two), event('cancelled', 2, { items: [] }))).toEqual(['booked a b t1 t2', 'cancelled a b t1 t2']);
    expect(story(event('booked', 1, two), event('no-show', 2, one))).toEqual(['booked a b t1 t2', 'no-show a b t1 t2', 'cancelled+ b t1 t2']);
  });

  test('after the end nothing is left to be touched unless it is named', () => {
    const ended = [event('booked', 1, two), event('cancelled', 2)];
    expect(story(...ended, event('changed', 3))[2]).toBe('changed');
    expect(story(...ended, event('card-used', 3))[2]).toBe('card-used');
    expect(story(...ended, event('cancelled', 3))[2]).toBe('cancelled');
    expect(story(...ended, event('refunded', 3, null, { touches: { items: ['b'] } }))[2]).toBe('refunded b t1 t2');
  });
});

describe('derived transactions', () => {
  test('new items, travellers and documents are also booked, gone and cancelled items also cancelled, with exactly those touched', () => {
    const after: Booking = { items: [item('b', { status: 'cancelled' }), item('c')], travellers: [{ id: 't1' }, { id: 't3' }], documents: [ticket('d1')] };
    const before: Booking = { ...two, items: [item('a', { travellers: ['t2'] }), item('b', { travellers: ['t1'] })] };
    expect(story(event('booked', 1, before), event('changed', 2, after))).toEqual(['booked a b t1 t2', 'changed', 'booked+ c d1 t3', 'cancelled+ a b t1 t2']);
  });

  test('carry the id of the event that caused them, its circumstances, and the states around it', () => {
    const [, , derived] = foldAll([event('booked', 1, one), event('changed', 2, two, { channel: 'web' })]).transactions;
    expect(derived).toMatchObject({ eventId: 'e2', type: 'booked', derived: true, at: noon + 2 * minute, channel: 'web', before: one, after: two, nth: 2 });
  });

  test('an item that is cancelled and comes back is booked again', () => {
    const without: Booking = { ...two, items: [item('a'), item('b', { status: 'cancelled' })] };
    expect(story(event('booked', 1, two), event('changed', 2, without), event('changed', 3, two))).toEqual(
      ['booked a b t1 t2', 'changed', 'cancelled+ b t1 t2', 'changed', 'booked+ b']);
  });

  test('a derived cancelled that leaves no item ends the order; until booked comes again nothing is derived', () => {
    const events = [event('booked', 1, one), event('changed', 2, { travellers: [{ id: 't1' }] })];
    expect(story(...events)).toEqual(['booked a t1', 'changed', 'cancelled+ a t1']);
    expect(stateOf(...events)).toMatchObject({ status: 'cancelled', ended: true });
    expect(story(...events, event('changed', 3, two))).toEqual(['booked a t1', 'changed', 'cancelled+ a t1', 'changed']);
    expect(story(...events, event('booked', 3, two), event('changed', 4, one)).slice(3)).toEqual(['booked a b t1 t2', 'changed', 'cancelled+ b t1 t2']);
  });

  test('booked itself derives nothing: it touches all', () => {
    expect(story(event('booked', 1, one), event('cancelled', 2), event('booked', 3, two))).toEqual(['booked a t1', 'cancelled a t1', 'booked a b t1 t2']);
  });
});

describe('cancelled', () => {
  test('that leaves an item which it does not touch lets the order live and keeps the status', () => {
    const events = [event('booked', 1, two), event('cancelled', 2, null, { touches: { items: ['a'] } })];
    expect(story(...events)[1]).toBe('cancelled a t1 t2');
    expect(stateOf(...events)).toMatchObject({ status: 'booked', ended: false });
    expect(stateOf(...events, event('cancelled', 3))).toMatchObject({ status: 'cancelled', ended: true });
  });

  test('that names one item and shows another gone cancels each once', () => {
    const three: Booking = { items: [item('a', { travellers: ['t1'] }), item('b', { travellers: ['t2'] }), item('c')], travellers: [{ id: 't1' }, { id: 't2' }] };
    const left: Booking = { items: [item('c')], travellers: three.travellers ?? null };
    expect(story(event('booked', 1, three), event('cancelled', 2, left, { touches: { items: ['a'] } }))).toEqual(['booked a b c t1 t2', 'cancelled a t1', 'cancelled+ b t2']);
  });

  test('that touches all that is left ends the order', () => {
    expect(stateOf(event('booked', 1, two), event('cancelled', 2, one, { touches: { items: ['a'] } }))).toMatchObject({ status: 'cancelled', ended: true });
  });

  test('without body keeps the state before; its items count as cancelled', () => {
    const { state, transactions } = foldAll([event('booked', 1, two), event('cancelled', 2)]);
    expect(state.booking).toEqual(two);
    expect(transactions[1]?.before).toEqual(two);
    expect(transactions[1]?.after?.items?.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  });

  test('may come first, without body: the order exists with what is known', () => {
    const { state, transactions } = foldAll([event('cancelled', 2)]);
    expect(transactions.map(told)).toEqual(['booked', 'cancelled']);
    expect(state).toMatchObject({ status: 'cancelled', booking: null, ended: true, price: null });
    expect(story(event('cancelled', 2), event('booked', 1, one))).toEqual(['booked a t1', 'cancelled a t1']);
  });
});

describe('a history that does not begin with booked', () => {
  test('has an implied booked at bookedAt, with the first state but for its documents, and none of the fields of the event', () => {
    const body: Booking = { ...one, bookedAt: noon - 60 * minute, orgUnit: 'berlin', documents: [ticket('d1', { item: 'a' })], agencyFees: [{ id: 'f', gross: '15', currency: 'EUR' }] };
    const { transactions } = foldAll([event('ticketed', 2, body, { channel: 'web', agent: 'x', office: 'o', orgUnit: 'wien', initiator: 'customer' })]);
    expect(transactions.map(told)).toEqual(['booked a t1', 'ticketed a d1 t1', 'booked+ d1']);
    expect(transactions[0]).toMatchObject({
      eventId: 'implied:booked', at: noon - 60 * minute, channel: null, agent: null, office: null, orgUnit: 'berlin', initiator: null, before: null, nth: 1,
      delivered: { before: [], after: body.agencyFees },
    });
    expect(transactions[0]?.after).not.toHaveProperty('documents');
    expect(transactions[1]).toMatchObject({ eventId: 'e2', orgUnit: 'wien', before: null, delivered: { before: body.agencyFees, after: body.agencyFees } });
  });

  test('has it at the time of the first event where bookedAt is unknown, and loses it when the real one arrives', () => {
    expect(foldAll([event('changed', 2, one)]).transactions[0]).toMatchObject({ eventId: 'implied:booked', at: noon + 2 * minute, touched: { items: ['a'] } });
    expect(foldAll([event('changed', 2, one), event('booked', 1, one)]).transactions.map(({ eventId }) => eventId)).toEqual(['e1', 'e2']);
  });

  test('and begins with a cancellation whose body shows the items cancelled: they were booked, and are cancelled now', () => {
    expect(story(event('cancelled', 2, { ...one, items: [item('a', { status: 'cancelled', price: eur('90') })] }))).toEqual(['booked a t1', 'cancelled a t1']);
    expect(stateOf(event('cancelled', 2, { ...one, items: [item('a', { status: 'cancelled', price: eur('90') })] })).price).toEqual(eur('90'));
  });
});

describe('the price of the order', () => {
  const priced: Booking = { ...one, price: eur('200') };

  test('is the one of the booking, else the sum of its uncancelled items; in several currencies it is unknown', () => {
    expect(stateOf(event('booked', 1, priced)).price).toEqual(eur('200'));
    expect(stateOf(event('booked', 1, { items: [item('a', { price: eur('0.1') }), item('b', { price: eur('0.2') }), item('c', { price: eur('5'), status: 'cancelled' })] })).price).toEqual(eur('0.3'));
    expect(stateOf(event('booked', 1, { items: [item('a', { price: eur('1') }), item('b', { price: { currency: 'CHF', total: '2' } })] })).price).toBeNull();
  });

  test('stays what it was when the order ends, unless a body that comes with the end says another; later bodies do not move it', () => {
    const ends = (body: Booking | null) => [event('booked', 1, priced), event('cancelled', 2, body)];
    expect(stateOf(...ends(null)).price).toEqual(eur('200'));
    expect(stateOf(...ends({ items: [] })).price).toEqual(eur('200'));
    expect(stateOf(...ends({ ...one, price: eur('30') })).price).toEqual(eur('30'));
    expect(stateOf(...ends({ ...one, price: eur('30') }), event('changed', 3, { ...one, price: eur('70') })).price).toEqual(eur('30'));
  });

  test('is taken from a later body where an order ended before its price was known', () => {
    expect(stateOf(event('cancelled', 1), event('changed', 3, priced)).price).toEqual(eur('200'));
  });
});

test('the state keeps neither nulls nor sensitive data, and the event keeps both', () => {
  const body: Booking = { ...one, payer: null, sensitive: [{ kind: 'diet', traveller: 't1', text: 'vegan' }], booker: { familyName: 'Meier', givenName: null } };
  const booked = event('booked', 1, body);
  expect(foldNext(null, booked).state.booking).toStrictEqual({ ...one, booker: { familyName: 'Meier' } });
  expect(booked.booking).toBe(body);
  expect(body.sensitive).toHaveLength(1);
});

test('an event without body keeps the state before, whatever the type', () => {
  for (const type of ['confirmed', 'changed', 'ticketed', 'cancelled', 'no-show', 'travelled', 'card-used']) {
    expect(stateOf(event('booked', 1, two), event(type, 2)).booking).toEqual(two);
  }
});

test('the org unit of a transaction is that of the event, else that of the booking', () => {
  const booked = (orgUnit: string | null) => foldAll([event('booked', 1, { ...one, orgUnit: 'berlin' }, { orgUnit })]).transactions[0]?.orgUnit;
  expect(booked('wien')).toBe('wien');
  expect(booked(null)).toBe('berlin');
});
