import { dirname } from 'node:path';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { Client } from 'pg';
import { createDatabase } from '../../services/database.js';
import { deleteData, type RunningServer, type RunningServices, type StartOptions, startServices } from '../../services/start.js';
import { freshDatabase, servers } from '../servers.js';
import { isRunning, startScript, until } from './processes.js';

describe('the servers of a test run', () => {
  test('keep fsync on, and Redis never evicts a job', async () => {
    const { databaseUrl, redisUrl } = await servers();
    expect(await query(databaseUrl, 'show fsync')).toEqual([{ fsync: 'on' }]);
    const redis = new Redis(redisUrl);
    expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    redis.disconnect();
  });

  test('a registry answers in the Confluent protocol', async () => {
    const { registryUrl } = await servers();
    const subject = `start-test-${process.pid}`;
    const answer = await fetch(`${registryUrl}/subjects/${subject}/versions`, { method: 'POST', headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' }, body: JSON.stringify({ schema: '"string"' }) });
    expect(await answer.json()).toEqual({ id: expect.any(Number) });
  });

  test('a topic takes the 8 MB message it is configured for, and no topic comes into being by itself', async () => {
    const { kafkaBrokers } = await servers();
    const kafka = new Kafka({ brokers: [...kafkaBrokers], logLevel: logLevel.NOTHING, retry: { retries: 2 } });
    const admin = kafka.admin();
    const producer = kafka.producer();
    const topic = `start-test-${process.pid}`;
    await admin.connect();
    await producer.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries: [{ name: 'max.message.bytes', value: String(10 * 1024 * 1024) }] }] });
    await producer.send({ topic, messages: [{ value: Buffer.alloc(8 * 1024 * 1024) }] });
    expect(await admin.fetchTopicOffsets(topic)).toEqual([expect.objectContaining({ offset: '1' })]);
    await expect(producer.send({ topic: `${topic}-unknown`, messages: [{ value: 'x' }] })).rejects.toThrow(/topic-partition/);
    await producer.disconnect();
    await admin.disconnect();
  });

  test('give every test file an empty database of its own', async () => {
    const { url, drop } = await freshDatabase();
    expect(await query(url, "select count(*)::int as tables from information_schema.tables where table_schema = 'public'")).toEqual([{ tables: 0 }]);
    await drop();
    await expect(query(url, 'select 1')).rejects.toThrow('does not exist');
  });

  test('copy a database as a template', async () => {
    const { databaseUrl } = await servers();
    const template = await freshDatabase();
    await query(template.url, 'create table marked (id int)');
    const copy = await createDatabase(databaseUrl, { template: new URL(template.url).pathname.slice(1) });
    expect(await query(copy.url, 'select * from marked')).toEqual([]);
    await copy.drop();
    await template.drop();
  });
});

describe('a set of its own', () => {
  let services: RunningServices;
  beforeAll(async () => {
    services = await startServices({ only: ['postgres', 'redis'], environment: { KAFKA_BROKERS: 'kafka.example:9092' } });
  }, 120_000);
  afterAll(() => services.stop());

  test('a server whose variable is set is not started: its address is taken over', async () => {
    expect(services.servers.map(({ name }) => name)).toEqual(['postgres', 'redis']);
    expect(services.environment).toEqual({ KAFKA_BROKERS: 'kafka.example:9092', SCHEMA_REGISTRY_URL: '', DATABASE_URL: server('postgres').address, REDIS_URL: server('redis').address });
    const all = await startServices({ environment: { ...services.environment, SCHEMA_REGISTRY_URL: 'http://registry.example' } });
    expect(all.servers).toEqual([]);
    await all.stop();
  });

  test('a killed server comes back on its port with what was committed', async () => {
    const { address, pid, port } = server('postgres');
    await query(address, 'create table kept as select 1 as one');
    process.kill(pid, 'SIGKILL');
    await services.restart('postgres');
    expect(server('postgres').port).toBe(port);
    expect(server('postgres').pid).not.toBe(pid);
    expect(await query(address, 'select one from kept')).toEqual([{ one: 1 }]);
    await expect(services.restart('kafka')).rejects.toThrow('kafka was not started here.');
  });

  test('stop ends every process and deletes the data', async () => {
    const folder = dirname(dirname(server('redis').log));
    expect(existsSync(folder)).toBe(true);
    await services.stop();
    expect(services.servers.filter(({ pid }) => isRunning(pid))).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  function server(name: string): RunningServer {
    const found = services.servers.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`${name} does not run`);
    return found;
  }
});

// Seen to fail with the guard's reaction to the end of its input taken out: servers and folder stay.
test('kill -9 of the process that started them leaves no server and no data', async () => {
  const { child, firstLine } = await startScript('test/services/holder.ts');
  const started = JSON.parse(firstLine) as readonly RunningServer[];
  expect(started.map(({ pid }) => isRunning(pid))).toEqual([true, true]);
  child.kill('SIGKILL');
  await until('both servers are gone', () => started.every(({ pid }) => !isRunning(pid)));
  await until('their folder is gone', () => started.every(({ log }) => !existsSync(log)));
}, 120_000);

describe('a set in a folder of the caller', () => {
  let dataFolder: string;
  beforeAll(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), 'midline-test-'));
  });
  afterAll(() => rm(dataFolder, { recursive: true }));

  test('finds its data again, unless it is to begin afresh', async () => {
    const tables = async (options: StartOptions, statement: string): Promise<readonly object[]> => {
      const { environment, stop } = await startServices({ only: ['postgres'], dataFolder, environment: {}, ...options });
      await query(environment.DATABASE_URL, statement);
      const found = await query(environment.DATABASE_URL, "select table_name from information_schema.tables where table_schema = 'public'");
      await stop();
      return found;
    };
    expect(await tables({}, 'create table kept ()')).toEqual([{ table_name: 'kept' }]);
    expect(await tables({}, 'select 1')).toEqual([{ table_name: 'kept' }]);
    expect(await tables({ fresh: true }, 'select 1')).toEqual([]);
    await deleteData(dataFolder);
  }, 120_000);

  test('a server that does not come up is an error that quotes its log', async () => {
    await mkdir(join(dataFolder, 'registry'));
    await writeFile(join(dataFolder, 'registry', 'registry.mv.db'), 'no database'.repeat(10_000));
    await expect(startServices({ only: ['registry'], dataFolder, environment: {} })).rejects.toThrow(/registry ended while it was starting \(exit code 1\)\. Its log .*registry\.log ends with:[^]*corrupt/);
  }, 120_000);
});

async function query(url: string, text: string): Promise<readonly object[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<object>(text)).rows;
  } finally {
    await client.end();
  }
}
