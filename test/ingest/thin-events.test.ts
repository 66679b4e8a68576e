import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { sourceTopic } from '../../workers/topics/names.js';
import { until } from '../until.js';
import { rawWorld, record } from './raw-world.js';
import { createIngestWorld, type IngestWorld } from './world.js';

const token = 'sehr-geheim-4711';

let world: IngestWorld;
let raw: ReturnType<typeof rawWorld>;
let server: Server;
let base = '';
let asked: string[] = [];
let answer: (id: string, response: ServerResponse) => void = () => undefined;

beforeAll(async () => {
  process.env['THIN_TEST_TOKEN'] = token;
  server = createServer((request, response) => {
    const id = decodeURIComponent(request.url?.split('/').at(-1) ?? '');
    asked.push(id);
    if (request.headers.authorization === `Bearer ${token}`) answer(id, response);
    else response.writeHead(403).end();
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  world = await createIngestWorld();
  raw = rawWorld(world);
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await world.close();
});
beforeEach(() => {
  asked = [];
  answer = (id, response) => { response.end(booking(id)); };
});

const booking = (id: string, state = 'booked', price = '100'): string => JSON.stringify({ id, state, price, changedAt: '2026-05-01T10:00:00Z' });

const event = (eventId: string): string => `{ "eventId": ${eventId}, "bookingRef": id, "type": $fetched.state, "occurredAt": $fetched.changedAt, "booking": { "items": [{ "id": "1", "product": "hotel", "price": { "currency": "EUR", "total": $fetched.price } }] } }`;

/** A source whose messages carry an id only. */
const thin = (more = '', eventId = 'id & "-" & $hash($fetched)'): Promise<string> =>
  raw.newSource(`format: json\nfetch:\n  url: ${base}/bookings/{id}\n  headers: { Authorization: "Bearer \${THIN_TEST_TOKEN}" }\n  perSecond: 100\n${more}`, event(eventId));

const idsOf = (...ids: readonly string[]): readonly string[] => ids.map((id) => JSON.stringify({ id }));

test('what a message only names is fetched and becomes an order; what the server does not know, refuses or garbles becomes a dead letter', async () => {
  const [topic, source] = [await world.newTopic(), await thin()];
  answer = (id, response) => {
    if (id === 'GONE') response.writeHead(404).end('Anna Miller');
    else if (id === 'BAD') response.writeHead(400).end();
    else if (id === 'HTML') response.end('<html>');
    else response.end(booking(id));
  };
  await raw.send(source, idsOf('T1', 'GONE', 'BAD', 'HTML', 'T/2'));
  await raw.drain(topic);
  expect(await raw.orders(source)).toEqual([{ ref: 'T/2', status: 'booked', total: '100' }, { ref: 'T1', status: 'booked', total: '100' }]);
  expect((await raw.letters(source)).map(({ code, reason }) => [code, reason])).toEqual([
    ['FETCH_GONE', 'the record: answered 404'], ['FETCH_REFUSED', 'the record: answered 400'], ['FETCH_ANSWER', expect.stringContaining('is no JSON')],
  ]);
  expect(JSON.stringify(await world.db.query('select * from dead_letter where topic = $1', [sourceTopic(source)]))).not.toContain(token);
  expect(await raw.fence(source)).toMatchObject([{ read: 5, applied: 2, dead: 3 }]);
  await raw.expectReconciled();
}, 120_000);

test('a server that is down holds up its own source only; once it is back all is there, and what was fetched before is not asked again', async () => {
  const [topic, source, other] = [await world.newTopic(), await thin('  retries: 0\n'), await raw.newSource()];
  answer = (id, response) => { if (id === 'D3') response.writeHead(503).end(); else response.end(booking(id)); };
  await raw.send(source, idsOf('D1', 'D2', 'D3'));
  const ingest = await raw.start(topic);
  try {
    await until(async () => Promise.resolve(asked.filter((id) => id === 'D3').length >= 3));
    await raw.send(other, [record('O1')]);
    await until(async () => (await raw.orders(other)).length === 1);
    expect(await raw.orders(source)).toEqual([]);
    const metrics = await (await fetch(`${ingest.healthUrl}/metrics`)).text();
    expect(metrics).toContain('midline_retries_total{fault="FetchFailed"}');
    answer = (id, response) => { response.end(booking(id)); };
    await until(async () => (await raw.orders(source)).length === 3);
  } finally {
    await ingest.stop();
  }
  expect(asked.filter((id) => id === 'D1' || id === 'D2')).toHaveLength(2);
  expect(await raw.letters(source)).toEqual([]);
  expect(await raw.fence(source)).toMatchObject([{ read: 3, applied: 3 }]);
}, 600_000);

test('fetched twice, a booking may be newer: with an event id of what was fetched both are told, with the id of the message alone the second one is refused', async () => {
  const [topic, hashed, plain] = [await world.newTopic(), await thin(), await thin('', 'id')];
  answer = (id, response) => { response.end(booking(id, asked.filter((one) => one === id).length > 2 ? 'cancelled' : 'booked')); };
  for (const source of [hashed, plain]) await raw.send(source, idsOf('N1'));
  await raw.drain(topic);
  // Another group reads everything again, as a process does that was killed before it could commit.
  await raw.drain(topic, '-again');
  expect(await raw.orders(hashed)).toMatchObject([{ ref: 'N1', status: 'cancelled' }]);
  expect(await raw.orders(plain)).toMatchObject([{ ref: 'N1', status: 'booked' }]);
  expect(await world.db.query<{ code: string }>('select code from dead_letter where topic = $1', [topic])).toEqual([{ code: 'EVENT_ID_REUSED' }]);
}, 600_000);
