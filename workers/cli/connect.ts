import { migrationNames } from '../../migrations/index.js';
import { readConfig, type Address, type Config } from '../runtime/config.js';
import { configuredEncryption, type Encryption } from '../runtime/encryption.js';
import { createDatabase, type Database } from '../store/database.js';
import { assertSchema } from '../store/schema.js';

/** The configuration of a command: the addresses that it needs, and all settings. */
export const configOf = <Needed extends Address>(...needed: readonly Needed[]): Config<Needed> => readConfig(process.env, needed);

/**
 * Runs a command's work with a database that is closed afterwards.
 * @throws Error where this build does not fit to the database's schema
 */
export async function withDatabase<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
  const database = createDatabase(configOf('DATABASE_URL').DATABASE_URL, { max: 4, application: 'midline cli' });
  try {
    await assertSchema(database, await migrationNames());
    return await work(database);
  } finally {
    await database.close();
  }
}

/** Who does it, for the audit log: the person's login, or what MIDLINE_ACTOR says. */
export const actor = (): string => process.env['MIDLINE_ACTOR'] ?? process.env['USER'] ?? process.env['LOGNAME'] ?? 'cli';

/** The configured encryption at rest; null: no key. */
export const encryptionOf = (): Encryption | null => configuredEncryption(configOf());
