import fc from 'fast-check';
import type { BookingEvent } from '../../schemas/booking-event.js';
import { createSettle, type Settled } from '../../workers/actions/settle/settle.js';
import { compareEvents } from '../../workers/domain/event-order.js';
import type { Database } from '../../workers/store/database.js';
import type { Codec } from '../../workers/topics/codec.js';
import { arrivalOf, bookingHistory, declaredKind } from '../domain/booking-histories.js';
import { giveFeeTable } from '../fee-tables.js';

const scopes = ['order', 'transaction', 'item', 'traveller', 'document'];
const types = `[booked, confirmed, changed, ticketed, reissued, refunded, voided, cancelled, no-show, travelled, ${declaredKind}]`;

/** Charges of every scope, amounts that depend on what comes before (nth, whole order once) and on the customer. */
const table = `
feeTable: everything
name: everything
currency: EUR
validFrom: 2020-01-01
charges: { ${scopes.map((scope) => `${scope}-fee: { scope: ${scope} }`).join(', ')} }
rules:
${scopes.map((scope, n) => `  - { id: ${scope}, charge: ${scope}-fee, on: ${types}, amount: { fixed: ${n + 10} } }`).join('\n')}
  - { id: later, charge: transaction-fee, on: changed, when: { nth: { from: 2 } }, amount: { percent: 10, of: unit-total, min: 3 } }
  - { id: desk, charge: item-fee, on: [booked, changed], when: { channel: desk, product: flight }, amount: { fixed: 30 } }
  - { id: web, charge: order-fee, on: booked, when: { channel: web }, amount: none }
`;

/** A source, org units and the fee table above, assigned to everybody. */
export async function prepareFees(db: Database): Promise<void> {
  await db.query(`insert into source (id, kinds, fee_policy) values ('gds', $1, 'both')`, [[declaredKind]]);
  await db.query(`insert into org_unit (id, parent, time_zone, country) values ('group', null, 'Europe/Berlin', 'DE'), ('berlin', 'group', null, 'DE'), ('wien', 'group', 'Europe/Vienna', 'AT')`);
  await giveFeeTable(db, table);
}

/** A partition as a worker of its own sees it. */
export function createLane(db: Database, codec: Codec, topic: string, partition: number) {
  const settle = createSettle({ database: db, codec, seal: null, observe: (_, work) => work() });
  let next = 0;
  return async (events: readonly BookingEvent[]): Promise<Settled['outcomes']> => {
    const from = next;
    next += events.length;
    const messages = events.map((event, n) => ({ offset: from + n, key: null, value: codec.encodeBookingEvent(event), headers: {}, timestamp: Date.now() }));
    const settled = await settle({ group: topic, topic, partition, firstOffset: from, nextOffset: next, messages }, { now: Date.now() });
    return settled.outcomes;
  };
}

/** The history as that of another booking. */
export const renamed = (history: readonly BookingEvent[], name: string): readonly BookingEvent[] =>
  history.map((event) => ({ ...event, eventId: `${name}/${event.eventId}`, bookingRef: name }));

/** What an order and its ledger come to; who its customer was found to be depends on who was known by then, so it does not count, nor do clock times, nor how the ledger got there, nor whether a cancelled item has a row: cancelled and gone mean the same. */
export async function outcomeOf(db: Database, name: string): Promise<unknown> {
  const order = `(select id from orders where booking_ref = $1)`;
  const orders = await db.query('select status, org_unit, travel_from, travel_until, currency, total, booked_at, state from orders where booking_ref = $1', [name]);
  const items = await db.query(`select item_id, product, status, start_date, end_date, currency, total from order_item where order_id = ${order} and status is distinct from 'cancelled' order by item_id`, [name]);
  const ledger = await db.query(
    `select charge, event_id, transaction_type, unit, rule, currency, sum(net) as net, sum(vat) as vat, sum(gross) as gross from fee_entry where order_id = ${order}
     group by charge, event_id, transaction_type, unit, rule, currency having sum(gross) <> 0 or sum(net) <> 0 order by 1, 2, 3, 4, 5, 6`,
    [name],
  );
  const standing = ledger.map((line) => JSON.stringify(line));
  return JSON.parse(JSON.stringify({ orders, items, standing }).replaceAll(`${name}/`, '').replaceAll(name, '')) as unknown;
}

/** A history, how it arrives, in which lane, and where batches are cut. */
export const scenario = bookingHistory.chain((history) =>
  fc.record({
    history: fc.constant(history),
    arrival: arrivalOf(history).chain((arrival) => fc.tuple(...arrival.map((event) => fc.record({ event: fc.constant(event), lane: fc.nat({ max: 1 }), cut: fc.boolean() })))),
  }),
);

export type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

/** Settles the history once in order and once as it arrives; `number` keeps the bookings of several scenarios apart. */
export async function settleScenario(db: Database, codec: Codec, { history, arrival }: Scenario, number: number) {
  const [inOrder, disordered] = [`S${number}-`, `D${number}-`];
  const versioned = history.every((event) => event.version != null);
  await createLane(db, codec, `${inOrder}topic`, 0)([...renamed(history, inOrder)].sort(compareEvents(versioned)));

  const lanes = [createLane(db, codec, `${disordered}topic`, 0), createLane(db, codec, `${disordered}topic`, 1)] as const;
  const outcomes: Settled['outcomes'][] = [];
  let batch: BookingEvent[] = [];
  for (const [n, { event, lane, cut }] of arrival.entries()) {
    batch.push(...renamed([event], disordered));
    if (!cut && n < arrival.length - 1 && arrival[n + 1]?.lane === lane) continue;
    outcomes.push(await lanes[lane === 1 ? 1 : 0](batch));
    batch = [];
  }
  const sum = (of: keyof Settled['outcomes']): number => outcomes.reduce((total, one) => total + one[of], 0);
  return {
    calm: await outcomeOf(db, inOrder),
    wild: await outcomeOf(db, disordered),
    counts: { read: sum('read'), fresh: sum('applied') + sum('late'), duplicate: sum('duplicate'), dead: sum('deadLettered') },
    expected: { read: arrival.length, fresh: history.length, duplicate: arrival.length - history.length, dead: 0 },
  };
}
