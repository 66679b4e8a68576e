import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { copyInto } from '../../bench/copy.js';
import type { CreatedDatabase } from '../../services/database.js';
import { freshDatabase } from '../servers.js';

let database: CreatedDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await freshDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('create table copied (id integer primary key, text text, bytes bytea, state jsonb)');
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

test('COPY writes what an insert would write: separators, escapes, bytes, nothing', async () => {
  const rows = [
    { id: 1, text: 'a\tb\\c\nd\re', bytes: Buffer.from([0, 9, 10, 92, 255]), state: { text: '\\"\n' } },
    { id: 2, text: null, bytes: null, state: null },
  ];
  await copyInto(client, 'copied', ['id', 'text', 'bytes', 'state'], rows.map((row) => Object.values(row)));
  expect((await client.query('select * from copied order by id')).rows).toEqual(rows);
});

test('a row that the table refuses is told, and the connection goes on', async () => {
  await expect(copyInto(client, 'copied', ['id'], [[7], [7]])).rejects.toThrow('duplicate key');
  expect((await client.query('select count(*)::int as count from copied where id = 7')).rows).toEqual([{ count: 0 }]);
});
