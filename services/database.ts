import { randomBytes } from 'node:crypto';
import { Client, escapeIdentifier } from 'pg';

/** A database made for one purpose. */
export interface CreatedDatabase {
  readonly url: string;
  /** Deletes the database, whoever is still connected. */
  readonly drop: () => Promise<void>;
}

/**
 * Creates a database on the server of `databaseUrl`, empty or as a copy of the database `template`.
 *
 * Without a name it gets a random one. A template must have no connections while it is copied.
 */
export async function createDatabase(databaseUrl: string, options: { readonly name?: string; readonly template?: string } = {}): Promise<CreatedDatabase> {
  const { name = `midline_${randomBytes(6).toString('hex')}`, template = 'template0' } = options;
  await execute(databaseUrl, `create database ${escapeIdentifier(name)} template ${escapeIdentifier(template)}`);
  const url = new URL(databaseUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return { url: url.href, drop: () => execute(databaseUrl, `drop database if exists ${escapeIdentifier(name)} with (force)`) };
}

/** Puts a database in the place of another, which is deleted. Nobody may be connected to either. */
export async function replaceDatabase(databaseUrl: string, name: string, by: string): Promise<void> {
  await execute(databaseUrl, `drop database if exists ${escapeIdentifier(name)} with (force)`);
  await execute(databaseUrl, `alter database ${escapeIdentifier(by)} rename to ${escapeIdentifier(name)}`);
}

export async function databaseExists(databaseUrl: string, name: string): Promise<boolean> {
  return withClient(databaseUrl, async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    return rowCount === 1;
  });
}

async function execute(databaseUrl: string, statement: string): Promise<void> {
  await withClient(databaseUrl, (client) => client.query(statement));
}

async function withClient<T>(databaseUrl: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined); // a broken connection also rejects the query that runs on it
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
  }
}
