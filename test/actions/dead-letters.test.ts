import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { migrationSource } from '../../migrations/index.js';
import { park, replayDeadLetters, resolve, showDeadLetter } from '../../workers/actions/dead-letters.js';
import { maskCardNumbers } from '../../workers/domain/card-numbers.js';
import { rejectionCodes } from '../../workers/domain/rejection.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { deadLetteredOffsets, listDeadLetters, markApplied, readDeadLetters, recordDeadLetters, replayedFrom, type RejectedMessage } from '../../workers/store/dead-letters.js';
import { migrate } from '../../workers/store/schema.js';
import { createCodec, schemaIdOf, type Codec } from '../../workers/topics/codec.js';
import { createKafka } from '../../workers/topics/connection.js';
import { createRelayProducer, type RelayProducer } from '../../workers/topics/relay-producer.js';
import { readTopic } from '../relay/read-topic.js';
import { freshDatabase, servers } from '../servers.js';

let db: Database;
let drop: () => Promise<void>;
let kafka: Kafka;
let producer: RelayProducer;
let codec: Codec;

beforeAll(async () => {
  const addresses = await servers();
  const database = await freshDatabase();
  drop = database.drop;
  await migrate(database.url, migrationSource);
  db = createDatabase(database.url);
  kafka = createKafka({ brokers: addresses.kafkaBrokers, clientId: 'test' });
  producer = createRelayProducer(kafka);
  codec = createCodec({ registryUrl: addresses.registryUrl });
  await codec.register();
});

afterAll(async () => {
  await producer.close();
  await db.close();
  await drop();
});

const now = (): Date => new Date();
const event = { eventId: 'e-1', source: 'gds', type: 'cancelled', bookingRef: 'ABC', occurredAt: Date.parse('2026-05-01T10:00:00Z') };

async function newTopic(): Promise<string> {
  const topic = `dead-${randomUUID()}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 2 }] });
  await admin.disconnect();
  return topic;
}

const rejected = (topic: string, offset: number, fields: Partial<RejectedMessage> = {}): RejectedMessage => ({
  topic, epoch: 0, partition: 0, offset, code: 'DECODE', reason: 'the bytes end too early', key: Buffer.from('gds:ABC'), value: Buffer.from([0, 1, 2]), headers: {}, kafkaTimestamp: 1_750_000_000_000, ...fields,
});

async function record(...messages: readonly RejectedMessage[]) {
  await recordDeadLetters(db, messages);
  return (await listDeadLetters(db, { limit: 10_000 })).filter((letter) => letter.topic === messages[0]?.topic);
}

const one = async (id: string) => (await readDeadLetters(db, [id]))[0];
const auditOf = (id: string) => db.query<{ action: string; actor: string }>('select action, actor from audit_log where subject = $1 order by id', [id]);

describe('recording', () => {
  test('bytes, key and headers are kept exactly, whatever they hold, and reasons with U+0000 are storable', async () => {
    const [letter] = await record(rejected('exact', 1, {
      key: Buffer.from([0, 255]), value: Buffer.from([0, 0, 255]), reason: 'text \u0000 \ud800 end', headers: { 'a\u0000b': 'x', twice: [Buffer.from([0]), 'y'] },
    }));
    const stored = await one(letter?.id ?? '');
    expect(stored).toMatchObject({ state: 'open', attempts: 1, reason: 'text \ufffd \ufffd end', key: Buffer.from([0, 255]), value: Buffer.from([0, 0, 255]) });
    expect(stored?.headers).toEqual({ 'a\ufffdb': [Buffer.from('x')], twice: [Buffer.from([0]), Buffer.from('y')] });
  });

  test('a message that is read again stays one dead letter', async () => {
    await record(rejected('again', 1));
    expect(await record(rejected('again', 1), rejected('again', 2))).toHaveLength(2);
    expect(await deadLetteredOffsets(db, 'again', 0, 0, 1, 3)).toEqual(new Set([1, 2]));
    expect(await deadLetteredOffsets(db, 'again', 1, 0, 1, 3)).toEqual(new Set());
  });

  test('a replay that fails again is the same dead letter with one attempt more; its own offset is found too', async () => {
    const [letter] = await record(rejected('fails', 1));
    const id = letter?.id ?? '';
    const headers = { 'midline-dead-letter': id };
    const letters = await record(rejected('fails', 9, { code: 'DATE', reason: 'no such day', value: Buffer.from('mended'), headers }));
    expect(letters.filter((one) => one.state === 'open')).toMatchObject([{ id, code: 'DATE', reason: 'no such day', attempts: 2, offset: '1', relay: 'pending' }]);
    expect((await one(id))?.value?.toString()).toBe('mended');
    expect(await deadLetteredOffsets(db, 'fails', 0, 0, 0, 100)).toEqual(new Set([1, 9]));
    await record(rejected('fails', 9, { headers })); // the same batch, read again
    expect((await one(id))?.attempts).toBe(2);
  });

  test.each(['0', '-1', 'abc', '99999999999999999999', '999999999'])('a header that names no dead letter (%s) is ignored', async (value) => {
    const topic = `forged-${value}`;
    expect(await record(rejected(topic, 1, { headers: { 'midline-dead-letter': value } }))).toMatchObject([{ state: 'open', attempts: 1 }]);
  });

  test('a header that names another topic\'s dead letter changes nothing there', async () => {
    const [other] = await record(rejected('theirs', 1));
    await record(rejected('ours', 1, { headers: { 'midline-dead-letter': other?.id } }));
    expect(await one(other?.id ?? '')).toMatchObject({ attempts: 1, code: 'DECODE' });
  });
});

describe('replay', () => {
  test('sends the original bytes, key and headers to the original topic, with the header that names the dead letter', async () => {
    const topic = await newTopic();
    const [letter] = await record(rejected(topic, 5, { headers: { trace: [Buffer.from([0, 1]), Buffer.from('b')] } }));
    const id = letter?.id ?? '';
    expect(await replayDeadLetters({ db, producer, codec: null }, { ids: [id] }, 'anna', now)).toEqual([id]);
    const [sent] = await readTopic(kafka, topic, 1);
    expect(sent).toMatchObject({ key: Buffer.from('gds:ABC'), value: Buffer.from([0, 1, 2]), headers: { trace: [Buffer.from([0, 1]), Buffer.from('b')], 'midline-dead-letter': Buffer.from(id) } });
    expect(replayedFrom(sent?.headers ?? {})).toBe(id);
    expect(await one(id)).toMatchObject({ state: 'replayed' });
    expect(await auditOf(id)).toEqual([{ action: 'dead-letter replay', actor: 'anna' }]);
    await markApplied(db, [id]);
    expect(await one(id)).toMatchObject({ state: 'applied' });
    await expect(replayDeadLetters({ db, producer, codec: null }, { ids: [id] }, 'anna', now)).rejects.toThrow(`dead letter ${id} is applied`);
  });

  test('sends a mended event in place of the bytes', async () => {
    const topic = await newTopic();
    const [letter] = await record(rejected(topic, 5, { key: null }));
    await replayDeadLetters({ db, producer, codec }, { ids: [letter?.id ?? ''], mended: event }, 'anna', now);
    const [sent] = await readTopic(kafka, topic, 1);
    expect(sent?.key?.toString()).toBe('gds:ABC');
    await codec.prepare([schemaIdOf(sent?.value ?? null) ?? -1]);
    expect(codec.decode(sent?.value ?? null)).toMatchObject({ ok: true, event });
  });

  test('all of a code: only those, only open ones; a dry run changes nothing; the rate is kept', async () => {
    const topic = await newTopic();
    const letters = await record(rejected(topic, 1, { code: 'TIME' }), rejected(topic, 2, { code: 'TIME' }), rejected(topic, 3, { code: 'AMOUNT' }), rejected(topic, 4, { code: 'TIME' }));
    await resolve(db, letters[3]?.id ?? '', 'a test', 'anna', now());
    const expected = letters.slice(0, 2).map((letter) => letter.id);
    const tools = { db, producer, codec: null };
    expect(await replayDeadLetters(tools, { code: 'TIME', dryRun: true }, 'anna', now)).toEqual(expected);
    expect(await one(expected[0] ?? '')).toMatchObject({ state: 'open' });
    const started = performance.now();
    expect(await replayDeadLetters(tools, { code: 'TIME', perSecond: 10 }, 'anna', now)).toEqual(expected);
    expect(performance.now() - started).toBeGreaterThan(195);
    expect(await readTopic(kafka, topic, 2)).toHaveLength(2);
    expect(await replayDeadLetters(tools, { code: 'TIME' }, 'anna', now)).toEqual([]);
  });

  // Seen to fail without `reopen`.
  test('what Kafka does not take is open again', async () => {
    const [letter] = await record(rejected('no topic of this name', 1));
    await expect(replayDeadLetters({ db, producer, codec: null }, { ids: [letter?.id ?? ''] }, 'anna', now)).rejects.toThrow();
    expect(await one(letter?.id ?? '')).toMatchObject({ state: 'open' });
  }, 120_000);
});

test('resolving keeps the note and who did it, and happens once', async () => {
  const [letter] = await record(rejected('resolved', 1));
  const id = letter?.id ?? '';
  await resolve(db, id, 'not ours', 'anna', now());
  expect(await one(id)).toMatchObject({ state: 'resolved', note: 'not ours' });
  expect(await auditOf(id)).toEqual([{ action: 'dead-letter resolve', actor: 'anna' }]);
  await expect(resolve(db, id, 'again', 'anna', now())).rejects.toThrow(/no dead letter/);
});

test('a message that stops ingest can be parked, once, and then is among the offsets that ingest passes', async () => {
  const topic = await newTopic();
  await producer.send(topic, Array.from({ length: 3 }, (_, n) => ({ key: 'k', value: Buffer.from(`v${n}`), headers: { n: String(n) } })));
  const admin = kafka.admin();
  await admin.connect();
  const partition = (await admin.fetchTopicOffsets(topic)).find((one) => one.high === '3')?.partition ?? -1;
  await admin.disconnect();
  const parked = { topic, partition, offset: '1', code: 'REFUSED_BY_DATABASE', reason: 'stops everything' } as const;
  const id = await park(db, kafka, parked, 'anna', now());
  expect(await one(id)).toMatchObject({ state: 'open', value: Buffer.from('v1'), headers: { n: [Buffer.from('1')] }, code: 'REFUSED_BY_DATABASE' });
  expect(await deadLetteredOffsets(db, topic, 0, partition, 0, 3)).toEqual(new Set([1]));
  expect(await auditOf(id)).toEqual([{ action: 'dead-letter park', actor: 'anna' }]);
  await expect(park(db, kafka, parked, 'anna', now())).rejects.toThrow(/already/);
  await expect(park(db, kafka, { ...parked, offset: '7' }, 'anna', now())).rejects.toThrow(/holds the offsets from 0 to below 3/);
});

describe('showing', () => {
  test('a dead letter that is an event is decoded; card numbers are masked in everything', async () => {
    const value = codec.encodeBookingEvent({ ...event, agent: 'pays with 4111 1111 1111 1111' });
    const [letter] = await record(rejected('shown', 1, { code: 'TIME', value, key: Buffer.from('4111111111111111'), headers: { card: '4111-1111-1111-1111' } }));
    const shown = await showDeadLetter(db, codec, letter?.id ?? '');
    expect(shown).toMatchObject({ code: 'TIME', event: { eventId: 'e-1', agent: 'pays with **** **** **** 1111', occurredAt: '2026-05-01T10:00:00.000Z' }, undecodable: null, key: '************1111' });
    expect(JSON.stringify(shown)).not.toMatch(/4111/);
    expect(Buffer.from(shown.hex ?? '', 'hex').toString()).not.toContain('4111');
  });

  test('other bytes are shown as they are, with the reason why they are no event', async () => {
    const [letter] = await record(rejected('shown-bytes', 1));
    expect(await showDeadLetter(db, codec, letter?.id ?? '')).toMatchObject({ event: null, undecodable: expect.stringContaining('schema'), hex: '000102', bytes: 3 });
  });

  test('numbers that only look like cards stay', () => {
    expect(maskCardNumbers('ticket 2201234567890, card 5500000000000004')).toBe('ticket 2201234567890, card ************0004');
  });
});

test('docs/dead-letters.md lists every code with its sentence, and no other', async () => {
  const page = await readFile(new URL('../../docs/dead-letters.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (.+?) \|/gm)].map(([, code, sentence]) => [code, sentence]);
  expect(rows).toEqual(Object.entries(rejectionCodes));
});
