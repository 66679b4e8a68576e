import { createHash } from 'node:crypto';
import pg from 'pg';

/** Anything that runs SQL: the pool, or the one connection of a transaction. Values come back as text for numeric, bigint and date (no zone shifts, no floats). */
export interface Queryable {
  /** Runs one statement, prepared once per connection under a name made from its text. */
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

export interface Database extends Queryable {
  /** Runs `work` in one READ COMMITTED transaction: commits its result, rolls back and rethrows its error. */
  transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
  /** Cuts every connection: statements in hand fail at once, and nothing of them is committed, except a commit that was on its way already. */
  cut(): void;
}

const asText = (value: string): string => value;

/** date, numeric and bigint stay text; jsonb and timestamptz are parsed. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === pg.types.builtins.DATE || oid === pg.types.builtins.NUMERIC || oid === pg.types.builtins.INT8) return asText;
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
  },
} as pg.CustomTypesConfig;

const names = new Map<string, string>();

/** One prepared statement per text: callers keep their texts constant and pass arrays or JSON, never a text per batch size. */
function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = createHash('md5').update(text).digest('hex');
    names.set(text, name);
  }
  return name;
}

function queryable(client: pg.Pool | pg.PoolClient): Queryable {
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []) {
      const result = await client.query<Row>({ name: statementName(text), text, values: [...values] });
      return result.rows;
    },
  };
}

/**
 * Opens a pool. @param url a postgres:// URL; @param options.max connections; @param options.application shown in pg_stat_activity.
 * Nothing connects until the first query; a broken idle connection is dropped silently and replaced.
 */
export function createDatabase(url: string, options: { readonly max?: number; readonly application?: string } = {}): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.application ?? 'midline',
    options: '-c jit=off -c timezone=UTC',
    types,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  pool.on('error', () => undefined);
  const clients = new Set<pg.PoolClient>();
  pool.on('connect', (client) => {
    clients.add(client);
    // A connection that is cut says so to its queries, and by this event, which would end the process in a moment in which nobody else listens.
    client.on('error', () => undefined);
  });
  pool.on('remove', (client) => { clients.delete(client); });
  return {
    ...queryable(pool),
    async transaction(work) {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        await client.query('begin');
        const result = await work(queryable(client));
        await client.query('commit');
        return result;
      } catch (error) {
        await client.query('rollback').catch((rollback: Error) => { broken = rollback; });
        throw error;
      } finally {
        client.release(broken);
      }
    },
    close: () => pool.end(),
    cut: () => { for (const client of clients) client.connection.stream.destroy(); },
  };
}

/** As the first statement of a transaction that only reads: whatever is committed meanwhile, everything is read as it was at one moment. */
export async function readAtOneMoment(tx: Queryable): Promise<void> {
  await tx.query('set transaction isolation level repeatable read, read only');
}
