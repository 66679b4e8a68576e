import { expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { freshDatabase, servers } from '../servers.js';

test('every server of the test run can be used', async () => {
  const { databaseUrl, redisUrl, registryUrl } = await servers();
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query('show fsync');
  expect(rows).toEqual([{ fsync: 'on' }]);
  await client.end();
  const redis = new Redis(redisUrl);
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
  expect(await (await fetch(`${registryUrl}/subjects`)).json()).toEqual([]);
});

test('a test gets an empty database of its own', async () => {
  const { url, drop } = await freshDatabase();
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query("select count(*)::int as tables from information_schema.tables where table_schema = 'public'");
  expect(rows).toEqual([{ tables: 0 }]);
  await client.end();
  await drop();
});
