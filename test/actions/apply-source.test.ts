import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CreatedDatabase } from '../../services/database.js';
import { migrationSource } from '../../migrations/index.js';
import { applySource, compareSource } from '../../workers/actions/apply-source.js';
import { parseSourceMap, type SourceMap } from '../../workers/sources/source-map.js';
import { createDatabase, type Database } from '../../workers/store/database.js';
import { migrate } from '../../workers/store/schema.js';
import { findSource, findSourceMap, listSources } from '../../workers/store/sources.js';
import { freshDatabase } from '../servers.js';

let created: CreatedDatabase;
let database: Database;
const now = new Date('2026-05-10T12:00:00Z');

beforeAll(async () => {
  created = await freshDatabase();
  await migrate(created.url, migrationSource);
  database = createDatabase(created.url);
  await database.query(`insert into org_unit (id) values ('berlin')`);
});

afterAll(async () => {
  await database.close();
  await created.drop();
});

function mapOf(head: string): SourceMap {
  const parsed = parseSourceMap(`name: A source\nformat: ndjson\nevents: x\n${head}`, '/somewhere/crs.yaml');
  if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.map;
}

const factsVersion = async (): Promise<number> => Number((await database.query<{ version: string }>('select version from facts_version'))[0]?.version);
const audits = async (subject: string) => database.query('select actor, action, details from audit_log where subject = $1 order by id', [subject]);

async function addOrder(source: string): Promise<string> {
  const id = randomUUID();
  await database.query(
    `insert into orders (id, source, booking_ref, revision, status, link, state, updated_at) values ($1, $2, $3, 1, 'booked', 'none', '{}', $4)`,
    [id, source, id, now],
  );
  return id;
}

describe('sources apply', () => {
  test('makes the source what the head of its map says, tells workers, and notes who did it', async () => {
    const before = await factsVersion();
    const map = mapOf('source: crs\norgUnit: berlin\ntimeZone: Europe/Berlin\nfeePolicy: both\nkinds: [lounge-used, card-used]\n');
    expect(await applySource(database, map, 'anna', now)).toMatchObject({ source: 'crs', outcome: 'created', staleOrders: 0 });
    expect(await findSource(database, 'crs')).toEqual({
      id: 'crs', orgUnit: 'berlin', timeZone: 'Europe/Berlin', feePolicy: 'both', kinds: ['card-used', 'lounge-used'], map: 'crs.yaml', appliedAt: now,
    });
    expect(await factsVersion()).toBe(before + 1);
    expect(await audits('crs')).toEqual([{ actor: 'anna', action: 'sources apply', details: expect.anything() }]);
  });

  test('again changes nothing', async () => {
    const map = mapOf('source: again\n');
    await applySource(database, map, 'anna', now);
    const before = await factsVersion();
    expect(await applySource(database, map, 'anna', new Date(now.getTime() + 1000))).toEqual({ source: 'again', outcome: 'unchanged', differences: [], mapStored: false, staleOrders: 0 });
    expect(await factsVersion()).toBe(before);
    expect(await audits('again')).toHaveLength(1);
  });

  test('with another expression keeps the map, and says nothing to those who rate', async () => {
    await applySource(database, mapOf('source: text\n'), 'anna', now);
    const before = await factsVersion();
    const map = mapOf('source: text\ndescription: The same, told better\n');
    expect(await applySource(database, map, 'anna', now)).toEqual({ source: 'text', outcome: 'changed', differences: [], mapStored: true, staleOrders: 0 });
    expect(await findSourceMap(database, 'text')).toMatchObject({ text: map.text });
    expect(await factsVersion()).toBe(before);
    expect(await audits('text')).toHaveLength(2);
  });

  // Seen to fail without markOrdersOfSourceStale: the ledger would keep fees that the new policy does not give.
  test('with another fee policy marks the orders of that source, and no others, to be rated again', async () => {
    await applySource(database, mapOf('source: policy\n'), 'anna', now);
    const own = await addOrder('policy');
    await addOrder('other');
    const applied = await applySource(database, mapOf('source: policy\nfeePolicy: theirs\n'), 'anna', now);
    expect(applied).toEqual({ source: 'policy', outcome: 'changed', differences: [{ field: 'feePolicy', from: 'ours', to: 'theirs' }], mapStored: true, staleOrders: 1 });
    expect(await database.query('select order_id, cause from rating_stale')).toEqual([{ order_id: own, cause: 'source policy applied' }]);
  });

  test('names an org unit that nobody imported, and writes nothing', async () => {
    await expect(applySource(database, mapOf('source: lost\norgUnit: nowhere\n'), 'anna', now)).rejects.toThrow('there is no org unit nowhere; import it first: midline org-units import FILE');
    expect(await findSource(database, 'lost')).toBeUndefined();
  });

  test('of a source that ingest has met before counts as its first', async () => {
    await database.query(`insert into source (id) values ('met')`);
    expect(await compareSource(database, mapOf('source: met\n'))).toBe('unknown');
    expect(await applySource(database, mapOf('source: met\n'), 'anna', now)).toMatchObject({ outcome: 'changed', differences: [] });
    expect(await compareSource(database, mapOf('source: met\n'))).toEqual([]);
    expect(await compareSource(database, mapOf('source: met\ntimeZone: Asia/Tokyo\n'))).toEqual([{ field: 'timeZone', from: 'UTC', to: 'Asia/Tokyo' }]);
  });
});

test('sources are listed with the number of their orders', async () => {
  await database.query(`insert into source (id) values ('counted') on conflict do nothing`);
  await addOrder('counted');
  await addOrder('counted');
  expect((await listSources(database)).find(({ id }) => id === 'counted')).toMatchObject({ orders: '2', appliedAt: null });
});
