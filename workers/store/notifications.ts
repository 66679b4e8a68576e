import pg from 'pg';
import type { Queryable } from './database.js';

const channel = 'midline_relay';

/** Tells the relay, once this transaction has committed, that there may be work. A hint only: the relay looks by itself too. */
export async function wakeRelay(tx: Queryable): Promise<void> {
  await tx.query(`select pg_notify('${channel}', '')`);
}

/**
 * Listens for `wakeRelay` on a connection of its own.
 * @param onLost is called once when the connection breaks; listening again is the caller's business.
 */
export async function listenForWork(url: string, onWork: () => void, onLost: (error: Error) => void): Promise<{ close(): Promise<void> }> {
  const client = new pg.Client({ connectionString: url, application_name: 'midline relay listen', keepAlive: true, connectionTimeoutMillis: 10_000 });
  let closing = false;
  client.on('error', () => undefined); // 'end' follows
  client.on('notification', onWork);
  await client.connect();
  client.once('end', () => { if (!closing) onLost(new Error('Connection terminated while listening')); });
  await client.query(`listen ${channel}`);
  return {
    async close() {
      closing = true;
      await client.end();
    },
  };
}
