import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Message } from 'kafkajs';
import type { CustomerEvent } from '../../schemas/customer-event.js';
import { replayDeadLetters } from '../../workers/actions/dead-letters.js';
import { importCustomers } from '../../workers/actions/import-customers.js';
import { publishCustomers } from '../../workers/actions/publish-customers.js';
import { listDeadLetters } from '../../workers/store/dead-letters.js';
import { reconcileDatabase } from '../../workers/store/reconcile.js';
import { fetchMessage } from '../../workers/topics/fetch-message.js';
import { createEventProducer } from '../../workers/topics/producer.js';
import { createRelayProducer } from '../../workers/topics/relay-producer.js';
import { until } from '../until.js';
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
    expect(await world.fence(customersTopic, `${world.group}.customers`)).toMatchObject([{ next: 3, read: 3, applied: 3 }]);
    await world.send(topic, [booked('CE1', {}, { booker: { kind: 'person', givenName: 'Anna', familyName: 'Maier', emails: ['A1@example.com'] } })]);
    await world.send(customersTopic, [ended('crm:A2'), ended('crm:A2')]);
    await world.drain(topic, { customersTopic });
    expect(await world.db.query(`select link from orders where booking_ref = 'CE1'`)).toEqual([{ link: 'linked' }]);
    expect(await master('A2')).toMatchObject([{ active: false }]);
    await expectReconciled();
  });

  test('of which one is bad become dead letters, each with its code; the others land, and what was mended goes through', async () => {
    const { topic, customersTopic } = await newTopics();
    const bad: readonly (readonly [string, RegExp, Message])[] = [
      ['DECODE', /zero byte/, { key: 'crm:B', value: Buffer.from('garbage'), partition: 0 }],
      ['NULL_VALUE', /no key that names one/, { key: null, value: null, partition: 0 }],
      ['REQUIRED', /externalId/, told(customer(' '))],
      ['REQUIRED', /party is missing/, told(customer('B1', { party: null }))],
      ['REQUIRED', /kind/, told(customer('B1', {}, { kind: 'robot' }))],
      ['REQUIRED', /attributes/, told(customer('B1', { attributes: { ' ': 'x' } }))],
      ['SIZE', /attributes/, told(customer('B1', { attributes: { ['x'.repeat(3_000)]: 'x' } }))],
      ['REQUIRED', /consents/, told(customer('B1', { consents: [{ purpose: 'newsletter' }] }))],
      ['TIME', /more than a day/, told(customer('B1', { updatedAt: Date.now() + 3 * 86_400_000 }))],
      ['RELATION', /must be company/, told(customer('B1', { relations: [{ type: 'parent', externalId: 'X' }] }))],
      ['RELATION', /itself/, told(customer('B1', { relations: [{ type: 'parent', externalId: 'B1' }] }, { kind: 'company' }))],
      ['RELATION', /must be company, family, agency/, told(customer('B1', { relations: [{ type: 'friend', externalId: 'X' }] }))],
      ['RELATION', /is for persons/, told(customer('B1', { relations: [{ type: 'family', externalId: 'X' }] }, { kind: 'company' }))],
      ['RELATION', /must be one of spouse/, told(customer('B1', { relations: [{ type: 'family', externalId: 'X', role: 'foe' }] }))],
      ['RELATION', /itself/, told(customer('B1', { relations: [{ type: 'family', externalId: 'B1' }] }))],
      ['RELATION', /twice/, told(customer('B1', { relations: [{ type: 'agency', externalId: 'X' }, { type: 'agency', externalId: ' X' }] }))],
      ['REQUIRED', /profile\.contacts\[0\]\.kind/, told(customer('B1', { profile: { contacts: [{ kind: 'pigeon', value: 'x' }] } }))],
      ['REQUIRED', /profile\.contacts\[0\] has no value/, told(customer('B1', { profile: { contacts: [{ kind: 'email' }] } }))],
      ['REQUIRED', /profile\.externalIds\[0\]/, told(customer('B1', { profile: { externalIds: [{ externalId: 'K-77' }] } }))],
      ['DATE', /mailingBlock/, told(customer('B1', { profile: { mailingBlock: { until: '9999-01-01' } } }))],
      ['RELATION', /circle/, told(customer('B3', { relations: [{ type: 'parent', externalId: 'B2' }] }, { kind: 'company' }))],
    ];
    await world.send(customersTopic, [told(customer('B2', { relations: [{ type: 'parent', externalId: 'B3' }] }, { kind: 'company' })), ...bad.map(([, , message]) => message), told(customer('B4'))]);
    await world.drain(topic, { customersTopic });
    const letters = await listDeadLetters(world.db, { limit: 100 });
    expect(letters.map(({ code, reason }) => [code, reason])).toEqual(bad.map(([code, reason]) => [code, expect.stringMatching(reason)]));
    expect(await world.fence(customersTopic, `${world.group}.customers`)).toMatchObject([{ next: bad.length + 2, read: bad.length + 2, applied: 2, dead: bad.length }]);
    expect([await master('B4'), await master('B1')]).toMatchObject([[{ name: 'Müller' }], []]);
    const producer = createRelayProducer(world.kafka);
    await replayDeadLetters({ db: world.db, producer, codec: world.codec }, { ids: [letters[3]?.id ?? ''], mended: customer('B1') }, 'anna', () => new Date());
    await producer.close();
    await world.drain(topic, { customersTopic });
    expect(await master('B1')).toMatchObject([{ name: 'Müller', active: true }]);
    expect(await listDeadLetters(world.db, { states: ['applied'], limit: 100 })).toMatchObject([{ id: letters[3]?.id }]);
    await expectReconciled();
  }, 120_000);

  test('of which compaction has left holes are no loss: nothing is alarmed, nothing stops, and the customers are those that were said last', async () => {
    const { topic, customersTopic } = await newTopics(1, {
      'cleanup.policy': 'compact', 'segment.ms': '100', 'min.cleanable.dirty.ratio': '0', 'min.compaction.lag.ms': '0', 'delete.retention.ms': '100',
    });
    const say = (round: number) => world.send(customersTopic, [...['H1', 'H2', 'H3'].map((id) => told(customer(id, { updatedAt: monday + round * minute, attributes: { round: String(round) } }))), ...(round === 4 ? [ended('crm:H4')] : [told(customer('H4', { updatedAt: monday }))])]);
    await say(0);
    await world.drain(topic, { customersTopic });
    for (let round = 1; round < 20; round += 1) await say(round);
    await until(async () => {
      await say(20); // a segment is closed, and so may be cleaned, when something comes after its time
      return await fetchMessage(world.kafka, customersTopic, 0, '5') === null;
    });
    const [{ high } = { high: '' }] = await world.admin.fetchTopicOffsets(customersTopic);
    await world.drain(topic, { customersTopic });
    const newcomer = `${world.group}-newcomer`;
    await world.drain(topic, { customersTopic, group: newcomer });
    for (const group of [world.group, newcomer]) {
      const [fence] = await world.fence(customersTopic, `${group}.customers`);
      expect(fence).toMatchObject({ next: Number(high), dead: 0 });
      expect(fence?.read).toBeLessThan(Number(high));
    }
    expect(await world.db.query('select * from offset_gap')).toEqual([]);
    for (const id of ['H1', 'H2', 'H3']) expect(await master(id)).toEqual([{ name: 'Müller', active: true, attributes: ['round=20'] }]);
    await expectReconciled();
  }, 300_000);

  test('published from a file make the customers that the file says, row upon row; published as gone they are inactive', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'midline-customers-'));
    const { topic, customersTopic } = await newTopics(2);
    const producer = createEventProducer(world.kafka);
    await producer.connect();
    const publish = async (name: string, content: string, deactivate = false) => {
      await writeFile(join(folder, name), content);
      const problems: string[] = [];
      const counts = await publishCustomers({
        files: [join(folder, name)], source: 'crm', deactivate, now: monday, codec: world.codec, producer, topic: customersTopic, onProblem: ({ line, reason }) => problems.push(`${line} ${reason}`), onProgress: () => undefined,
      });
      await world.drain(topic, { customersTopic });
      return { ...counts, problems };
    };
    expect(await publish('rows.csv', 'externalId,familyName,emails,attribute.status,attribute.region,validFrom\nP1,Weber,p1@example.com,gold,,\nP1,,,,south,\nP2,,nobody,,,\nP3,Maier,,vip,,2026-01-01\n'))
      .toEqual({ rows: 4, published: 3, refused: 1, problems: ['4 must be e-mail addresses such as anna@example.com'] });
    expect(await master('P1')).toEqual([{ name: 'Weber', active: true, attributes: ['region=south', 'status=gold'] }]);
    expect(await publish('events.ndjson', `${JSON.stringify({ externalId: 'P3', source: 'crm', updatedAt: '2026-05-05T00:00:00Z', party: { familyName: 'Mayer' } })}\n{"externalId":"P4","source":"crm","updatedAt":"never"}\n`))
      .toMatchObject({ published: 1, refused: 1 });
    expect(await master('P3')).toEqual([{ name: 'Mayer', active: true, attributes: ['status=vip'] }]);
    expect(await publish('gone.csv', 'externalId\nP1\n', true)).toMatchObject({ published: 1 });
    expect(await master('P1')).toMatchObject([{ active: false }]);
    await producer.disconnect();
    await rm(folder, { recursive: true });
    await expectReconciled();
  }, 120_000);

  test('bookings and a file of the same people at once: nobody is doubled, nothing stops', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'midline-customers-'));
    const { topic, customersTopic } = await newTopics(2);
    const ids = Array.from({ length: 400 }, (_, n) => `Z${n}`);
    const mixed = (seed: number): readonly string[] => ids.map((id, n) => ({ id, at: (n * seed) % 401 })).sort((a, b) => a.at - b.at).map(({ id }) => id);
    const file = join(folder, 'customers.csv');
    await writeFile(file, ['externalId,givenName,familyName,emails,attribute.status', ...mixed(7).map((id) => `${id},Anna,Müller,${id}@example.com,vip`)].join('\n'));
    const ingest = await world.start({ topic, customersTopic, env: { INGEST_BATCH_SIZE: '50' } });
    try {
      const [imported] = await Promise.all([
        importCustomers(world.db, { file, source: 'crm', country: null, actor: 'tester', now: new Date(), onProblem: () => undefined, onProgress: () => undefined }),
        world.send(customersTopic, mixed(11).map((id, n) => told(customer(id, { attributes: { status: 'gold' } }), { partition: n % 2 }))),
        world.send(customersTopic, mixed(13).map((id, n) => told(customer(id, { updatedAt: monday + minute, attributes: { status: 'vip' } }), { partition: n % 2 }))),
        world.send(topic, mixed(17).map((id) => ({ key: null, partition: 0, value: world.codec.encodeBookingEvent(booked(id, { source: 'crm' }, { payer: { kind: 'person', externalId: id, givenName: 'Anna', familyName: 'Müller' } })) }))),
      ]);
      expect(imported).toMatchObject({ rows: 400, refused: 0 });
      await until(async () => (await world.fence(customersTopic, `${world.group}.customers`)).reduce((sum, { read }) => sum + read, 0) === 800 && (await world.fence(topic))[0]?.read === 400);
    } finally {
      await ingest.stop();
      await rm(folder, { recursive: true });
    }
    expect(await world.db.query(`select count(*)::int as keys, count(distinct customer_id)::int as customers from customer_key where kind = 'external' and value like 'crm:Z%'`)).toEqual([{ keys: 400, customers: 400 }]);
    expect(await world.db.query(`select count(*)::int as n from orders where source = 'crm' and customer_id is not null`)).toEqual([{ n: 400 }]);
    await expectReconciled();
  }, 300_000);
});
