import { Redis } from 'ioredis';
import type { Command, Place, Server } from './server.js';

/** Redis without any persistence: it may be wiped at any time (the jobs are rebuilt from Postgres). */
export const redis: Server = {
  name: 'redis',
  variable: 'REDIS_URL',
  defaultPort: 6379,
  user: {},
  stopSignal: 'SIGTERM',
  abortSignal: 'SIGKILL',
  address: (port) => `redis://127.0.0.1:${port}`,
  prepare,
  probe,
};

async function prepare({ binaries, port }: Place): Promise<Command> {
  return {
    executable: binaries.redis,
    args: ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
    env: {},
  };
}

async function probe(address: string): Promise<void> {
  const client = new Redis(address, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 5000, maxRetriesPerRequest: 0 });
  client.on('error', () => undefined); // the same error rejects connect()
  try {
    await client.connect();
    await client.ping();
  } finally {
    if (client.status !== 'end') client.disconnect(); // after the end it would keep a timer for 2 s
  }
}
