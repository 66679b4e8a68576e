import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Message } from 'kafkajs';
import type { CustomerEvent } from '../../schemas/customer-event.js';
import { reconcileDatabase } from '../../workers/store/reconcile.js';
import { booked, createIngestWorld, type IngestWorld } from './world.js';

let world: IngestWorld;

beforeAll(async () => { world = await createIngestWorld(); });
afterAll(() => world.close());

const monday = Date.UTC(2026, 4, 4);
const minute = 60_000;

function customer(externalId: string, fields: Partial<CustomerEvent> = {}, party: CustomerEvent['party'] = {}): CustomerEvent {
  return { externalId, source: 'crm', updatedAt: monday, party: { kind: 'person', familyName: 'Müller', givenName: 'Anna', emails: [`${externalId}@example.com`], ...party }, ...fields };
}

const told = (event: CustomerEvent, place: Partial<Message> = {}): Message => ({ key: `${event.source}:${event.externalId}`, value: world.codec.encodeCustomerEvent(event), partition: 0, ...place });
const ended = (key: string, place: Partial<Message> = {}): Message => ({ key, value: null, partition: 0, ...place });

async function newTopics(partitions = 1, config = {}): Promise<{ readonly topic: string; readonly customersTopic: string }> {
  const customersTopic = `customer-events-${randomUUID()}`;
  await world.createTopic(customersTopic, partitions, config);
  return { topic: await world.newTopic(), customersTopic };
}

const master = (externalId: string) => world.db.query(
  `select c.party->>'familyName' as name, c.active, (select json_agg(a.name || '=' || a.value order by a.name) from customer_attribute a where a.customer_id = c.id) as attributes
   from customer c join customer_key k on k.customer_id = c.id where k.value = $1`, [`crm:${externalId}`]);

async function expectReconciled(): Promise<void> {
  expect((await reconcileDatabase(world.db)).filter((check) => !check.ok)).toEqual([]);
}

describe('customer events', () => {
  test('become customers that bookings find, and are deactivated by a message without a value', async () => {
    const { topic, customersTopic } = await newTopics();
    await world.send(customersTopic, [told(customer('A1', { attributes: { status: 'gold' } })), told(customer('A2')), told(customer('A1', { updatedAt: monday + minute, attributes: { status: 'vip' } }, { familyName: 'Maier' }))]);
    await world.drain(topic, { customersTopic });
    expect(await master('A1')).toEqual([{ name: 'Maier', active: true, attributes: ['status=vip'] }]);
    expect(await world.fence(customersTopic, 'midline.customers')).toMatchObject([{ next: 3, read: 3, applied: 3 }]);
    await world.send(topic, [booked('CE1', {}, { booker: { kind: 'person', givenName: 'Anna', familyName: 'Maier', emails: ['A1@example.com'] } })]);
    await world.send(customersTopic, [ended('crm:A2'), ended('crm:A2')]);
    await world.drain(topic, { customersTopic });
    expect(await world.db.query(`select link from orders where booking_ref = 'CE1'`)).toEqual([{ link: 'linked' }]);
    expect(await master('A2')).toMatchObject([{ active: false }]);
    await expectReconciled();
  });
});
