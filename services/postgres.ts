import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDatabase, databaseExists } from './database.js';
import { postgresUser } from './places.js';
import type { Command, Place, Server } from './server.js';

const execute = promisify(execFile);
const mebibyte = 1024 * 1024;

/** PostgreSQL with one superuser and one database, both called midline; whoever reaches the loopback address may enter. */
export const postgres: Server = {
  name: 'postgres',
  variable: 'DATABASE_URL',
  defaultPort: 5432,
  get user() {
    return postgresUser();
  },
  stopSignal: 'SIGINT',
  abortSignal: 'SIGQUIT',
  address: (port) => `postgres://midline@127.0.0.1:${port}/midline`,
  prepare,
  probe,
};

async function prepare({ binaries, folder, port }: Place): Promise<Command> {
  const data = join(folder, 'data');
  if (!existsSync(join(data, 'PG_VERSION')))
    await execute(join(binaries.postgres, 'initdb'), ['-D', data, '-U', 'midline', '--auth=trust', '-E', 'UTF8', '--no-locale'], { cwd: folder, ...postgresUser() });
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    jit: 'off',
    max_connections: '200',
    shared_buffers: `${sharedBuffersMb()}MB`,
    max_wal_size: '4GB',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return { executable: join(binaries.postgres, 'postgres'), args: ['-D', data, '-p', String(port), ...options], env: {} };
}

/** An eighth of the machine's memory, at most 512 MB. fsync and everything else that makes a commit safe stay on. */
function sharedBuffersMb(): number {
  return Math.max(32, Math.min(512, Math.floor(totalmem() / 8 / mebibyte)));
}

async function probe(address: string): Promise<void> {
  const maintenance = new URL(address);
  const name = maintenance.pathname.slice(1);
  maintenance.pathname = '/postgres';
  if (!(await databaseExists(maintenance.href, name))) await createDatabase(maintenance.href, { name });
}
