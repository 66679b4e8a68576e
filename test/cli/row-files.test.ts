import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CreatedDatabase } from '../../services/database.js';
import { migratedDatabase, servers } from '../servers.js';
import { runMidline, type Outcome } from './run-midline.js';

let folder: string;
let database: CreatedDatabase;
let environment: Readonly<Record<string, string>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'midline-rows-'));
  database = await migratedDatabase();
  const { kafkaBrokers, registryUrl } = await servers();
  environment = { DATABASE_URL: database.url, KAFKA_BROKERS: kafkaBrokers.join(','), SCHEMA_REGISTRY_URL: registryUrl };
  await writeFile(join(folder, 'map.yaml'), 'record: externalId\nkind: person\ncolumns:\n  givenName: givenName\n');
  await writeFile(join(folder, 'source.yaml'), 'source: desk\nname: Desk\nformat: csv\nevents: |\n  { "eventId": id, "bookingRef": id, "type": "cancelled", "occurredAt": $local(at) }\n');
});

afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

const midline = (...args: readonly string[]): Promise<Outcome> => runMidline(args, { environment, folder });

/** Every command that reads a file of rows. */
const commands = [
  ['customers import', (file: string) => ['customers', 'import', file]],
  ['customers publish', (file: string) => ['customers', 'publish', file]],
  ['match', (file: string) => ['match', '--map', 'map.yaml', '--in', file, '--out', 'decisions.ndjson']],
  ['publish', (file: string) => ['publish', '--map', 'source.yaml', '--dry-run', file]],
] as const;

describe.each(commands)('midline %s', (_, argsFor) => {
  test('tells of a file with a first line and no rows, which is no error', async () => {
    await writeFile(join(folder, 'header.csv'), 'externalId,givenName\n');
    expect(await midline(...argsFor('header.csv'))).toMatchObject({ code: 0, err: expect.stringMatching(/^header\.csv: 0 rows, nothing was done\.$/m) });
  });
});
