import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { replayDeadLetters, showDeadLetter } from '../../workers/actions/dead-letters.js';
import { adopt } from '../../workers/actions/offsets.js';
import { readStatus } from '../../workers/actions/status.js';
import { sourceTopic } from '../../workers/topics/names.js';
import { createRelayProducer } from '../../workers/topics/relay-producer.js';
import { until } from '../until.js';
import { oneEvent, rawWorld, record } from './raw-world.js';
import { createIngestWorld, type IngestWorld } from './world.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

let world: IngestWorld;
let raw: ReturnType<typeof rawWorld>;
const children: ChildProcess[] = [];

beforeAll(async () => {
  world = await createIngestWorld();
  raw = rawWorld(world);
});
afterEach(() => { for (const child of children.splice(0)) child.kill('SIGKILL'); });
afterAll(() => world.close());

describe('raw records become orders', () => {
  test('JSON: each value is mapped by the applied map, and settled as its events are', async () => {
    const [topic, source] = [await world.newTopic(2), await raw.newSource()];
    await raw.send(source, [record('J1'), `[${record('J2', { price: 82.5 })},${record('J3')}]`, record('J1', { type: 'cancelled' })]);
    await raw.drain(topic);
    expect(await raw.orders(source)).toEqual([{ ref: 'J1', status: 'cancelled', total: '100' }, { ref: 'J2', status: 'booked', total: '82.5' }, { ref: 'J3', status: 'booked', total: '100' }]);
    expect(await raw.fence(source)).toMatchObject([{ next: 3, read: 3, applied: 3, duplicate: 0, dead: 0 }]);
    await raw.expectReconciled();
  }, 400_000);

  test('XML, CSV and NDJSON likewise; $received() is Kafka\'s timestamp', async () => {
    const topic = await world.newTopic();
    const [xml, csv, ndjson] = [await raw.newSource('format: xml\nxml: { record: Booking }'), await raw.newSource('format: csv'), await raw.newSource('format: ndjson')];
    const began = Date.now();
    await raw.send(xml, ['<?xml version="1.0"?><All><Booking><ref>X1</ref><price>10</price></Booking><Booking ref="X2" price="20"/></All>']);
    await raw.send(csv, ['ref,price\nC1,10\nC2,20\n']);
    await raw.send(ndjson, [`${record('N1')}\n${record('N2')}\n`]);
    await raw.drain(topic);
    for (const [source, refs] of [[xml, ['X1', 'X2']], [csv, ['C1', 'C2']], [ndjson, ['N1', 'N2']]] as const) expect((await raw.orders(source)).map(({ ref }) => ref)).toEqual(refs);
    const [event] = await world.db.query<{ at: Date }>('select occurred_at as at from booking_event where source = $1 limit 1', [xml]);
    expect(event?.at.getTime()).toBeGreaterThan(began - 60_000);
    expect(event?.at.getTime()).toBeLessThan(Date.now() + 60_000);
  }, 400_000);

  test('a source that is applied, and a topic that is made, while ingest runs are read within seconds; a map that is applied anew holds from then on', async () => {
    const [topic, source] = [await world.newTopic(), `crs-${randomUUID()}`];
    const ingest = await raw.start(topic);
    try {
      await raw.createTopic(source);
      await raw.send(source, [record('A1')]);
      await raw.apply(source);
      await until(async () => (await raw.orders(source)).length === 1);
      await raw.apply(source, 'format: json', oneEvent.replace('"agent": agent', '"agent": "changed " & agent'));
      await raw.send(source, [record('A2', { agent: 'anna' })]);
      await until(async () => (await raw.orders(source)).length === 2);
      expect(await world.db.query(`select state -> 'booking' is not null as there from orders where source = $1`, [source])).toHaveLength(2);
    } finally {
      await ingest.stop();
    }
    const [last] = await world.db.query<{ wire: Buffer }>('select wire from booking_event where source = $1 order by received_at desc, event_id desc limit 1', [source]);
    expect(last?.wire.toString('latin1')).toContain('changed anna');
    expect(await raw.fence(source)).toMatchObject([{ read: 2, applied: 2 }]);
    const { rawRecords, events } = await readStatus(world.db, raw.group, topic, async () => null);
    expect([rawRecords[sourceTopic(source)], events]).toEqual(Array.from({ length: 2 }, () => ({ read: 2, applied: 2, duplicate: 0, late: 0, deadLettered: 0 })));
  }, 400_000);
});

const bomb = `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 9 }, (_, n) => `<!ENTITY ${'bcdefghij'[n]} "${`&${'abcdefghi'[n]};`.repeat(10)}">`).join('')}]><Booking><ref>&j;</ref></Booking>`;

describe('bad messages', () => {
  // Seen to fail (the good half of a value becomes an order) when the records of a value stand alone.
  test('become dead letters with code, reason and original bytes; their neighbours become orders; a value makes all its events or none', async () => {
    const [topic, source] = [await world.newTopic(), await raw.newSource()];
    const bad: readonly (readonly [string, RegExp, string | Buffer | null])[] = [
      ['NULL_VALUE', /no value/, null],
      ['FORMAT', /holds no record/, ''],
      ['FORMAT', /ends before/, '{"ref":"half'],
      ['FORMAT', /not valid utf-8/, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
      ['FORMAT', /record 2 \(line 1\) is no JSON/, `[${record('HALF')},{x:1}]`],
      ['MAP', /price|number/, record('B1', { price: 'ten' })],
      ['MAP', /type/, record('B2', { type: 'teleported' })],
      ['MAP', /bookingRef/, record('', {})],
      ['MAP', /record 2 \(line 1\): .*4 digits/, `[${record('HALF')},${record('B3', { price: '1.23456' })}]`],
      ['MAP', /agent/, record('B4', { agent: 'a\u0000b' })],
      ['SIZE', /4194304/, Buffer.alloc(4 * 1024 * 1024 + 1, 0x20)],
    ];
    await world.admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: sourceTopic(source), configEntries: [{ name: 'max.message.bytes', value: String(6 * 1024 * 1024) }, { name: 'message.timestamp.type', value: 'LogAppendTime' }] }] });
    for (const [n, [, , value]] of bad.entries()) await raw.send(source, [record(`G${String(n).padStart(2, '0')}`), value]);
    await raw.drain(topic);
    expect((await raw.orders(source)).map(({ ref }) => ref)).toEqual(bad.map((_, n) => `G${String(n).padStart(2, '0')}`));
    const letters = await raw.letters(source);
    expect(letters.map(({ code, offset }) => [code, Number(offset)])).toEqual(bad.map(([code], n) => [code, 2 * n + 1]));
    for (const [n, [, reason, value]] of bad.entries()) {
      expect(letters[n]?.reason).toMatch(reason);
      expect(letters[n]?.value?.equals(Buffer.from(value ?? '')) ?? null).toBe(value === null ? null : true);
    }
    expect(await raw.fence(source)).toMatchObject([{ next: 2 * bad.length, read: 2 * bad.length, applied: bad.length, dead: bad.length }]);
    await raw.drain(topic, '-again');
    expect(await raw.fence(source, '-again')).toMatchObject([{ read: 2 * bad.length, applied: bad.length, dead: bad.length }]);
    await raw.expectReconciled();
  }, 400_000);

  test('an XML bomb and an external entity are refused; card numbers are masked where a dead letter is shown', async () => {
    const [topic, source] = [await world.newTopic(), await raw.newSource('format: xml\nxml: { record: Booking }')];
    await raw.send(source, [bomb, '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Booking><ref>&x;</ref></Booking>', '<Booking><ref>E1</ref><price>4111 1111 1111 1111 EUR</price></Booking>', '<Booking><ref>E2</ref><price>5</price></Booking>']);
    await raw.drain(topic);
    expect((await raw.letters(source)).map(({ code }) => code)).toEqual(['FORMAT', 'FORMAT', 'MAP']);
    expect(await raw.orders(source)).toMatchObject([{ ref: 'E2' }]);
    const shown = await showDeadLetter(world.db, null, (await raw.letters(source))[2]?.id ?? '');
    expect(shown.text).toContain('**** **** **** 1111 EUR');
    expect(JSON.stringify(shown)).not.toContain('4111 1111');
  }, 400_000);

  test('a record on which the expression never ends is given up after its limit; meanwhile other sources become orders, and its own neighbours afterwards', async () => {
    const [topic, poisoned, other] = [await world.newTopic(), await raw.newSource('format: json', `(ref = "LOOP" ? ($f := function($n) { $f($n + 1) }; $f(1)); ${oneEvent})`), await raw.newSource()];
    await raw.send(poisoned, [record('P1'), record('LOOP'), record('P2')]);
    const ingest = await raw.start(topic);
    try {
      await until(async () => (await world.db.query(`select 1 from pg_stat_activity where datname = current_database() and application_name = 'midline ingest'`)).length > 0);
      for (let n = 0; n < 5; n++) {
        await raw.send(other, [record(`O${n}`)]);
        await until(async () => (await raw.orders(other)).length === n + 1);
      }
      await until(async () => (await raw.orders(poisoned)).length === 2);
    } finally {
      await ingest.stop();
    }
    expect((await raw.letters(poisoned)).map(({ code, offset }) => [code, offset])).toEqual([['MAP', '1']]);
    expect(await raw.fence(poisoned)).toMatchObject([{ read: 3, applied: 2, dead: 1 }]);
  }, 400_000);

  test('a replay goes to the source\'s topic again: once the map is mended it is applied, before that it is open again', async () => {
    const [topic, source] = [await world.newTopic(), await raw.newSource()];
    await raw.send(source, [record('R1', { price: '12,50' })]);
    await raw.drain(topic);
    const [letter] = await raw.letters(source);
    const replay = async (mended?: Buffer): Promise<void> => {
      const producer = createRelayProducer(world.kafka);
      await replayDeadLetters({ db: world.db, producer, codec: null }, { ids: [letter?.id ?? ''], mended }, 'anna', () => new Date());
      await producer.close();
      await raw.drain(topic);
    };
    await replay(Buffer.from(record('R2', { price: '13,00' })));
    expect((await raw.letters(source)).map(({ state, attempts }) => [state, attempts])).toEqual([['open', 2], ['resolved', 1]]);
    await raw.apply(source, 'format: json', oneEvent.replace('$decimal(price)', '$decimal($replace(price, ",", "."))'));
    await replay();
    expect((await raw.letters(source))[0]).toMatchObject({ state: 'applied' });
    expect(await raw.orders(source)).toEqual([{ ref: 'R2', status: 'booked', total: '13' }]);
    await raw.expectReconciled();
  }, 400_000);
});

describe('kill -9', () => {
  function startProcess(topic: string): ChildProcess {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const child = spawn(process.execPath, ['--import', './test/typescript.mjs', 'test/ingest/process.ts'], {
      cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...env, ...world.environment, LOG_LEVEL: 'error', TEST_TOPIC: topic, TEST_GROUP: raw.group },
    });
    children.push(child);
    return child;
  }

  const ends = async (topic: string): Promise<number> => (await world.admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0);

  test('between producing and committing: the same orders, the second events are duplicates', async () => {
    const [topic, source] = [await world.newTopic(), await raw.newSource()];
    await raw.send(source, Array.from({ length: 40 }, (_, n) => record(`K${n}`)));
    // Whoever wants to raise the fence waits: the events are in Kafka by then.
    await world.db.query(`insert into consumer_offset (consumer_group, topic, partition, next_offset) values ($1, $2, 0, 0)`, [`${raw.group}.${sourceTopic(source)}`, sourceTopic(source)]);
    await world.db.transaction(async (tx) => {
      await tx.query('select 1 from consumer_offset where topic = $1 for update', [sourceTopic(source)]);
      const child = startProcess(topic);
      await until(async () => (await ends(topic)) === 40);
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    });
    expect(await raw.fence(source)).toMatchObject([{ next: 0, read: 0 }]);
    await raw.drain(topic);
    expect(await ends(topic)).toBe(80);
    expect(await raw.fence(source)).toMatchObject([{ next: 40, read: 40, applied: 40 }]);
    expect((await world.fence(topic, raw.group)).reduce((sum, { read, applied, duplicate }) => ({ read: sum.read + read, applied: sum.applied + applied, duplicate: sum.duplicate + duplicate }), { read: 0, applied: 0, duplicate: 0 })).toEqual({ read: 80, applied: 40, duplicate: 40 });
    expect(await raw.orders(source)).toHaveLength(40);
    await raw.expectReconciled();
  }, 400_000);
});

describe('a raw topic that was re-created', () => {
  async function recreate(source: string): Promise<void> {
    await world.admin.deleteTopics({ topics: [sourceTopic(source)] });
    await until(async () => !(await world.admin.listTopics()).includes(sourceTopic(source)));
    await until(() => raw.createTopic(source).then(() => true, () => false));
  }

  // Seen to fail (nothing is said, and the new messages below the old fence are dropped) without `assertSameTopic`, and without the look at the topic's end.
  test('stops the process: it ends below the fence, or another message stands where the last one stood; adopted, it is read from its beginning', async () => {
    const [topic, source] = [await world.newTopic(), await raw.newSource()];
    await raw.send(source, [record('T1'), record('T2')]);
    await raw.drain(topic);
    await recreate(source);
    await expect(raw.drain(topic)).rejects.toThrow(`midline topics adopt ${sourceTopic(source)}`);
    await raw.send(source, [record('T3'), record('T4'), record('T5')]);
    await expect(raw.drain(topic)).rejects.toThrow(`offset 1 of ${sourceTopic(source)} [0] is another message`);
    expect(await raw.orders(source)).toHaveLength(2);
    await adopt(world.db, sourceTopic(source), 'anna', new Date());
    await raw.drain(topic);
    expect((await raw.orders(source)).map(({ ref }) => ref)).toEqual(['T1', 'T2', 'T3', 'T4', 'T5']);
    await raw.expectReconciled();
  }, 400_000);
});
