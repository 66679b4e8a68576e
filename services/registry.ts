import { join } from 'node:path';
import type { Command, Place, Server } from './server.js';

/** Apicurio Registry, which speaks the Confluent schema registry's protocol below /apis/ccompat/v7. */
export const registry: Server = {
  name: 'registry',
  variable: 'SCHEMA_REGISTRY_URL',
  defaultPort: 8081,
  user: {},
  stopSignal: 'SIGTERM',
  abortSignal: 'SIGKILL',
  address: (port) => `http://127.0.0.1:${port}/apis/ccompat/v7`,
  prepare,
  probe,
};

/**
 * Schemas are kept in a file that is written at once: in memory, ids would start again at 1 after a restart
 * while old messages still carry theirs.
 */
async function prepare({ binaries, folder, port }: Place): Promise<Command> {
  return {
    executable: 'java',
    args: ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dquarkus.http.host=127.0.0.1', `-Dquarkus.http.port=${port}`, '-Dquarkus.log.level=WARN', '-jar', binaries.registry],
    env: { REGISTRY_DATASOURCE_URL: `jdbc:h2:file:${join(folder, 'registry')};WRITE_DELAY=0` },
  };
}

async function probe(address: string): Promise<void> {
  const answer = await fetch(`${address.replace(/\/$/, '')}/subjects`, { signal: AbortSignal.timeout(5000) });
  await answer.text();
  if (!answer.ok) throw new Error(`The schema registry answered ${answer.status}.`);
}
