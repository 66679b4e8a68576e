import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { applySource } from '../../workers/actions/apply-source.js';
import { parseSourceMap, type SourceMap } from '../../workers/sources/source-map.js';
import { reconcileDatabase } from '../../workers/store/reconcile.js';
import { sourceTopic } from '../../workers/topics/names.js';
import { createIngestWorld, type IngestWorld } from './world.js';

let world: IngestWorld;

beforeAll(async () => { world = await createIngestWorld(); });
afterAll(() => world.close());

function mapOf(text: string): SourceMap {
  const parsed = parseSourceMap(text, 'test.yaml');
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.map;
}

const bookedEvent = '{ "eventId": ref & "-" & $hash(), "bookingRef": ref, "type": type ? type : "booked", "occurredAt": at ? at : $received(), "agent": agent, "booking": { "items": [{ "id": "1", "product": "hotel", "price": { "currency": "EUR", "total": $decimal(price) } }] } }';

/** A source of its own with its raw topic; `head` says the format. */
async function newSource(head = 'format: json', events = bookedEvent, partitions = 1): Promise<string> {
  const source = `crs-${randomUUID()}`;
  await apply(source, head, events);
  await world.createTopic(sourceTopic(source), partitions, { 'message.timestamp.type': 'LogAppendTime' });
  return source;
}

const apply = (source: string, head = 'format: json', events = bookedEvent) => applySource(world.db, mapOf(`source: ${source}\nname: A system\n${head}\nevents: |\n  ${events}\n`), 'anna', new Date());

const send = (source: string, values: readonly (string | Buffer | null)[], partition = 0): Promise<void> =>
  world.send(sourceTopic(source), values.map((value) => ({ key: null, value: typeof value === 'string' ? Buffer.from(value) : value, partition })));

const record = (ref: string, fields: object = {}): string => JSON.stringify({ ref, price: '100.00', ...fields });
const rawFence = (source: string, group = 'midline') => world.fence(sourceTopic(source), `${group}.${sourceTopic(source)}`);
const orders = async (source: string) => world.db.query<{ ref: string; status: string; total: string }>('select booking_ref as ref, status, total::text from orders where source = $1 order by booking_ref', [source]);

async function expectReconciled(): Promise<void> {
  expect((await reconcileDatabase(world.db)).filter((check) => !check.ok)).toEqual([]);
}

describe('raw records become orders', () => {
  test('JSON: each value is mapped by the applied map, and settled as an event', async () => {
    const [topic, source] = [await world.newTopic(2), await newSource()];
    await send(source, [record('J1'), `[${record('J2', { price: '82.50' })},${record('J3')}]`]);
    await world.drain(topic);
    expect(await orders(source)).toEqual([{ ref: 'J1', status: 'booked', total: '100' }, { ref: 'J2', status: 'booked', total: '82.5' }, { ref: 'J3', status: 'booked', total: '100' }].map((order) => expect.objectContaining({ ref: order.ref, status: order.status })));
    expect(await rawFence(source)).toMatchObject([{ next: 2, read: 2, applied: 2, duplicate: 0, dead: 0 }]);
    await expectReconciled();
  });
});
