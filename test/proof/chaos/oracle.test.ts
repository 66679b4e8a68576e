import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OrderEvent } from '../../../schemas/order-event.js';
import { startMailCatcher, type MailCatcher } from '../../../services/mail-catcher.js';
import { relayDeadLetters } from '../../../workers/actions/relay-dead-letters.js';
import { enqueueDue } from '../../../workers/actions/relay-messages.js';
import { relayOutbox } from '../../../workers/actions/relay-outbox.js';
import { rerateStale } from '../../../workers/actions/rerate.js';
import { createFactsCache } from '../../../workers/actions/settle/facts.js';
import { createWire } from '../../../workers/actions/settle/wire.js';
import { startOutreach } from '../../../workers/outreach/main.js';
import { createQueue } from '../../../workers/queue/queue.js';
import { readConfig } from '../../../workers/runtime/config.js';
import { configuredEncryption } from '../../../workers/runtime/encryption.js';
import { createLog } from '../../../workers/runtime/log.js';
import type { Queryable } from '../../../workers/store/database.js';
import { createRelayProducer } from '../../../workers/topics/relay-producer.js';
import { createIngestWorld, type IngestWorld } from '../../ingest/world.js';

import { servers } from '../../servers.js';
import { until } from '../../until.js';
import { addAccounts, agencyWith, assignStandard, foundAgency } from './agency.js';
import { differences } from './differences.js';
import { readFound, type Found } from './found.js';
import { chaosMessages } from './messages.js';
import { expectedFrom, type Expected, type PublishedMessage } from './oracle.js';
import { readTopic } from './read-topic.js';

const population = { seed: 5, bookings: 100, customers: 60, companies: 3 };
const groups = ['midline', 'second'];
const encryption = { MIDLINE_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64') };

let world: IngestWorld;
let mails: MailCatcher;
let redisUrl: string;
let published: readonly PublishedMessage[];
let expected: Expected;
let orderEvents: readonly PublishedMessage[] | undefined;
let deadLetters: readonly PublishedMessage[] | undefined;
const topic = `oracle-${randomUUID()}`;
const [events, letters] = [`${topic}-orders`, `${topic}-dead`];

beforeAll(async () => {
  world = await createIngestWorld();
  mails = await startMailCatcher();
  redisUrl = new URL('/13', (await servers()).redisUrl).href; // a Redis database of its own: other tests have a queue of the same name
  await foundAgency(world.db);
  await addAccounts(world.db, population);
  for (const [name, partitions] of [[topic, 3], [events, 2], [letters, 1]] as const) await world.createTopic(name, partitions);
  await world.send(topic, [...chaosMessages({ ...population, now: Date.now() }, world.codec)]);
  for (const group of groups) await world.drain(topic, { group, env: { ...encryption, INGEST_BATCH_SIZE: '40' } });
  await relayAll();
  await sendAll();
  published = await messagesOf(topic);
  expected = await expectedFrom(published, agencyWith('standard'), world.codec);
}, 120_000);

afterAll(async () => {
  await mails.close();
  await world.close();
});

const messagesOf = (name: string): Promise<readonly PublishedMessage[]> => readTopic(world.kafka, world.admin, name);

/** Carries everything to topics of this test alone. */
async function relayAll(): Promise<void> {
  await world.db.query('update outbox set topic = $1', [events]);
  const producer = createRelayProducer(world.kafka);
  const limits = { messages: 1_000, bytes: 500_000 };
  while ((await relayOutbox(world.db, producer.send, limits)).sent.length > 0);
  while ((await relayDeadLetters(world.db, producer.send, letters, limits)).sent.length > 0);
  await producer.close();
}

async function sendAll(): Promise<void> {
  const config = readConfig({ DATABASE_URL: world.databaseUrl, REDIS_URL: redisUrl, SMTP_URL: mails.url }, ['DATABASE_URL', 'REDIS_URL', 'SMTP_URL']);
  const queue = createQueue(redisUrl);
  await until(() => queue.ping().then(() => true, () => false));
  const outreach = await startOutreach(config, { log: createLog('silent') });
  await enqueueDue(world.db, queue, 10_000, new Date());
  await until(async () => (await world.db.query(`select from message where state in ('due', 'queued', 'claimed')`)).length === 0);
  await outreach.stop();
  await queue.close();
}

async function foundIn(database: Queryable): Promise<Found> {
  orderEvents ??= await messagesOf(events);
  deadLetters ??= await messagesOf(letters);
  return readFound({ database, codec: world.codec, orderEvents, deadLetters, mails: mails.mails() });
}

const options = { groups, unknownAllowed: false, repeatsAllowed: false, outreach: true };

/** What is found after a damage that is taken back again. */
async function afterwards(damage: string): Promise<readonly string[]> {
  let named: readonly string[] = [];
  const back = new Error('taken back');
  await world.db.transaction(async (tx) => {
    await tx.query('alter table fee_entry disable trigger user');
    expect(await tx.query(`${damage} returning 1`)).not.toEqual([]);
    named = differences(expected, await foundIn(tx), options);
    throw back;
  }).catch((error: unknown) => { if (error !== back) throw error; });
  return named;
}

test('the messages are of every kind', () => {
  const kinds = new Set(expected.messages.map(({ outcome, code }) => code ?? outcome));
  expect([...kinds].sort()).toEqual(['AMOUNT', 'DECODE', 'EVENT_ID_REUSED', 'NULL_VALUE', 'REQUIRED', 'SCHEMA_UNKNOWN', 'TEXT', 'TIME', 'UNKNOWN_TYPE', 'applied', 'duplicate', 'late']);
  const orders = [...expected.orders.values()];
  expect(orders.some(({ steps }) => steps.some(({ eventId }) => eventId === 'implied:booked'))).toBe(false);
  expect(orders.some(({ life }) => life === 2)).toBe(true);
  expect(orders.some(({ status }) => status === 'cancelled')).toBe(true);
  expect(orders.some(({ fees }) => fees.some(({ table }) => table === 'corporate'))).toBe(true);
});

test('agrees with a run in which nothing went wrong', async () => {
  expect(differences(expected, await foundIn(world.db), options)).toEqual([]);
});

const first = (table: string, where = 'true'): string => `(select min(ctid) from ${table} where ${where})`;

// Each is a check that was seen to fail: the damage is what makes it.
describe('names a damage to the tables', () => {
  test.each([
    ['an event is gone', `delete from booking_event where ctid = ${first('booking_event')}`, /^event .* is lost$/],
    ['an event nobody sent', `insert into booking_event select source, 'invented', order_id, type, occurred_at, received_at, wire, wire_form from booking_event limit 1`, /^event .*invented must not stand$/],
    ['an event under another order', `update booking_event set order_id = (select max(order_id::text)::uuid from booking_event) where ctid = ${first('booking_event')}`, /^event .*: order is .* instead of/],
    ['other bytes of an event', `update booking_event set wire = '\\x00' where ctid = ${first('booking_event', `wire_form = 'plain'`)}`, /the stored bytes are other ones/],
    ['special-category data in the clear', `update booking_event set wire_form = 'plain' where wire_form = 'encrypted'`, /form of the bytes is plain instead of encrypted/],
    ['an order is gone', `delete from orders where ctid = ${first('orders')}`, /^order .* is lost$/],
    ['an order nobody booked', `insert into orders select gen_random_uuid(), source, 'INVENTED', 1, status, link, null, null, null, null, null, null, null, null, state, now() from orders limit 1`, /^order .*INVENTED must not stand$/],
    ['an order twice', `insert into orders select gen_random_uuid(), source, booking_ref, 1, status, link, null, null, null, null, null, null, null, null, state, now() from orders limit 1`, /^order .* stands twice$/],
    ['another status', `update orders set status = 'no-show' where ctid = ${first('orders', `status = 'booked'`)}`, /: status is no-show instead of booked$/],
    ['another price', `update orders set total = total + 0.01 where ctid = ${first('orders', 'total is not null')}`, /^order .*: price is/],
    ['another travel date', `update orders set travel_from = travel_from + 1 where ctid = ${first('orders', 'travel_from is not null')}`, /: travel from is/],
    ['another account', `update orders set corporate_account_id = null where ctid = ${first('orders', `corporate_account_id = (select customer_id from customer_key where value = 'crm:K00001')`)}`, /: corporate account is null instead of K00001/],
    ['a transaction less', `update orders set state = jsonb_set(state, '{counts,booked}', '0') where ctid = ${first('orders')}`, /: transactions is/],
    ['an item is gone', `delete from order_item where ctid = ${first('order_item')}`, /: item .* is lost$/],
    ['an item that was cancelled lives', `update order_item set status = 'open' where ctid = ${first('order_item', `status = 'cancelled'`)}`, /: item .* is .*open/],
    ['another price of an item', `update order_item set total = total + 1 where ctid = ${first('order_item')}`, /: item .* is .* instead of/],
    ['a fee is gone', `delete from fee_entry where ctid = ${first('fee_entry')}`, /^ledger .* is 0 standing, 0 \+ 0 = 0 instead of 1 standing/],
    ['a fee twice', `insert into fee_entry select order_id, charge, event_id, transaction_type, unit, seq + 1, type, fee_table, version, rule, net, vat, gross, currency, account, occurred_at, details, reason, recorded_at from fee_entry limit 1`, /^ledger .* is 2 standing/],
    ['a fee a cent higher', `update fee_entry set net = net + 0.01, gross = gross + 0.01 where ctid = ${first('fee_entry')}`, /^ledger .* is 1 standing/],
    ['a fee by another rule', `update fee_entry set rule = 'other' where ctid = ${first('fee_entry')}`, /^ledger .*other in EUR is 1 standing/],
    ['a dead letter is gone', `delete from dead_letter where ctid = ${first('dead_letter')}`, /is no dead letter/],
    ['a good message is a dead letter', `insert into dead_letter (topic, epoch, partition, "offset", code, reason, relay) select topic, 1, partition, "offset" + 1, code, reason, 'sent' from dead_letter where code = 'EVENT_ID_REUSED' limit 1`, /is a dead letter \(EVENT_ID_REUSED\); it must be/],
    ['another code of a dead letter', `update dead_letter set code = 'SIZE' where ctid = ${first('dead_letter')}`, /: code is SIZE instead of/],
    ['other bytes of a dead letter', `update dead_letter set value = '\\x00' where ctid = ${first('dead_letter')}`, /key or bytes are other ones/],
    ['a dead letter that Kafka has not got', `update dead_letter set relay = 'pending' where ctid = ${first('dead_letter')}`, /1 dead letters that Kafka has not got are left/],
    ['a message is gone', `delete from message where ctid = ${first('message')}`, /^message .* is lost$/],
    ['a message twice', `insert into message (id, order_id, trigger, occurrence, role, channel, state, due_at, expires_at) select gen_random_uuid(), order_id, trigger, occurrence, role, channel, 'sent', due_at, expires_at from message limit 1`, /^message .* stands twice$/],
    ['a message for nothing', `update message set occurrence = 'invented' where ctid = ${first('message')}`, /^message .*invented.* must not stand$/],
    ['a message that is still due', `update message set state = 'due' where ctid = ${first('message', `state = 'skipped'`)}`, /has not ended: it is due/],
    ['a message that is called sent and was not', `update message set state = 'sent' where ctid = ${first('message', `state = 'skipped'`)}`, /is sent, and 0 mails went out/],
    ['a message that is called skipped and was sent', `update message set state = 'skipped' where ctid = ${first('message', `state = 'sent'`)}`, /is skipped, and 1 mails went out/],
    ['a message skipped for no reason', `update message set reason = 'too late' where ctid = ${first('message', `state = 'skipped'`)}`, /was skipped \(too late\), which does not hold/],
    ['a message nobody knows about', `update message set state = 'unknown' where ctid = ${first('message', `state = 'sent'`)}`, /is unknown/],
    ['a message read twice', `update consumer_offset set read = read + 1, duplicate = duplicate + 1 where ctid = ${first('consumer_offset')}`, /messages read is/],
    ['late taken for applied', `update consumer_offset set applied = applied + 1, late = late - 1 where ctid = ${first('consumer_offset', 'late > 0')}`, /applied late by all groups is/],
    ['a fence that is too low', `update consumer_offset set next_offset = next_offset - 1 where ctid = ${first('consumer_offset')}`, /the fence is/],
    ['a partition that a group has not read', `delete from consumer_offset where ctid = ${first('consumer_offset')}`, /has read nothing of/],
    ['an order event that Kafka has not got', `insert into outbox (lane, topic, key, value) values (0, 'order-events', 'k', '')`, /1 order events in the outbox are left/],
    ['an order to be rated again', `insert into rating_stale (order_id, cause) select id, 'a test' from orders limit 1`, /1 orders to be rated again are left/],
  ])('%s', async (_, damage, name) => {
    expect((await afterwards(damage)).filter((difference) => name.test(difference))).not.toEqual([]);
  });
});

describe('names a damage to what went out', () => {
  const several = (found: Found): OrderEvent => found.orderEvents.find(({ revision }) => revision > 1) ?? expectNever();
  const isOf = (one: OrderEvent) => ({ orderId }: OrderEvent): boolean => orderId === one.orderId;

  test.each<readonly [string, (found: Found) => Partial<Found>, RegExp]>([
    ['a revision is missing', (found) => ({ orderEvents: found.orderEvents.filter((event) => event !== several(found)) }), /revision .* (comes after|is missing)/],
    ['the last revision is missing', (found) => ({ orderEvents: found.orderEvents.filter((event) => event !== found.orderEvents.findLast(isOf(several(found)))) }), /revision .* is missing/],
    ['revisions in another order', (found) => ({ orderEvents: found.orderEvents.toReversed() }), /comes after 0/],
    ['a revision that says two things', (found) => ({ orderEvents: [...found.orderEvents, { ...several(found), status: 'no-show' }] }), /says two things/],
    ['an order event of nothing', (found) => ({ orderEvents: [...found.orderEvents, { ...several(found), bookingRef: 'INVENTED' }] }), /INVENTED must not stand/],
    ['a dead letter is not in its topic', (found) => ({ relayedDeadLetters: found.relayedDeadLetters.slice(1) }), /is not in its topic/],
    ['a good message in the dead-letter topic', (found) => ({ relayedDeadLetters: [...found.relayedDeadLetters, { topic, partition: 0, offset: String(expected.messages.find((message) => message.partition === 0 && message.outcome === 'applied')?.offset), code: 'TEXT' }] }), /without being one/],
    ['a mail twice', (found) => ({ mails: [...found.mails, ...found.mails.slice(0, 1)] }), /was sent 2 times/],
    ['a mail is gone', (found) => ({ mails: found.mails.slice(1) }), /is sent, and 0 mails went out/],
    ['a mail of nothing', (found) => ({ mails: [...found.mails, ...found.mails.slice(0, 1).map((mail) => ({ ...mail, headers: { 'message-id': '<invented@x>' } }))] }), /invented, which is no message/],
  ])('%s', async (_, damage, name) => {
    const whole = await foundIn(world.db);
    expect(differences(expected, { ...whole, ...damage(whole) }, options).filter((difference) => name.test(difference))).not.toEqual([]);
  });

  test('what is sent again as it was is no damage where that may happen', async () => {
    const whole = await foundIn(world.db);
    const again = { ...whole, orderEvents: [...whole.orderEvents, ...whole.orderEvents.slice(0, 50)], relayedDeadLetters: [...whole.relayedDeadLetters, ...whole.relayedDeadLetters] };
    expect(differences(expected, again, { ...options, repeatsAllowed: true })).toEqual([]);
    expect(differences(expected, again, options).every((difference) => difference.endsWith('stands twice'))).toBe(true);
  });
});

// Last: from here on other fees stand.
test('a table that is assigned for the past asks for other fees, and agrees once the orders are rated again', async () => {
  const raised = await expectedFrom(published, agencyWith('raised'), world.codec);
  expect(differences(raised, await foundIn(world.db), options).filter((difference) => difference.startsWith('ledger'))).not.toEqual([]);
  await assignStandard(world.db, 'raised');
  const wire = createWire(world.codec, configuredEncryption(readConfig(encryption, [])));
  await rerateStale({ database: world.db, codec: world.codec, wire, factsAt: createFactsCache() }, Date.now);
  await relayAll();
  orderEvents = undefined;
  expect(differences(raised, await foundIn(world.db), options)).toEqual([]);
});

function expectNever(): never {
  throw new Error('the load holds no such thing');
}
