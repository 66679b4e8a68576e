import { migrationSource } from '../migrations/index.js';
import { createDatabase, type CreatedDatabase } from '../services/database.js';
import type { ServiceEnvironment } from '../services/start.js';
import { migrate } from '../workers/store/schema.js';

/** The real servers of this test run. */
export interface TestServers {
  readonly kafkaBrokers: readonly string[];
  readonly registryUrl: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** The servers of this test run, shared by all tests: the first call starts them. Use topics, databases and queues of your own. */
export async function servers(): Promise<TestServers> {
  const door = process.env['TEST_SERVERS_DOOR'];
  if (door === undefined) throw new Error('Tests that need servers are run by jest (test/global-setup.mjs).');
  const answer = await fetch(door, { signal: AbortSignal.timeout(600_000) });
  if (!answer.ok) throw new Error(await answer.text());
  const environment = (await answer.json()) as ServiceEnvironment;
  return {
    kafkaBrokers: environment.KAFKA_BROKERS.split(','),
    registryUrl: environment.SCHEMA_REGISTRY_URL,
    databaseUrl: environment.DATABASE_URL,
    redisUrl: environment.REDIS_URL,
  };
}

/** An empty database of its own for a test file. */
export async function freshDatabase(): Promise<CreatedDatabase> {
  return createDatabase((await servers()).databaseUrl);
}

/** A database of its own with the newest schema. */
export async function migratedDatabase(): Promise<CreatedDatabase> {
  const database = await freshDatabase();
  await migrate(database.url, migrationSource);
  return database;
}

/** A copy of a database that nobody is connected to. */
export async function copyOf(database: CreatedDatabase): Promise<CreatedDatabase> {
  return createDatabase((await servers()).databaseUrl, { template: new URL(database.url).pathname.slice(1) });
}
