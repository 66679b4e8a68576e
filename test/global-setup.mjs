// One set of real servers for the whole test run. They are started before the tests if one of the chosen files leads to
// test/servers.ts (so no test's time is spent on it), else when a test asks after all; a run of pure tests starts none.
// Tests run in other processes: they ask over a loopback port.
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import './typescript.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));

export default async function setUp({ testPathPatterns }) {
  let starting;
  const answer = () => (starting ??= start());
  const door = createServer(async (_, response) => {
    response.setHeader('Connection', 'close'); // a kept connection may be closed at the moment when a test uses it again
    try {
      response.end(JSON.stringify((await answer()).environment));
    } catch (error) {
      response.writeHead(500).end(error.message);
    }
  });
  door.listen(0, '127.0.0.1').unref();
  await once(door, 'listening');
  process.env.TEST_SERVERS_DOOR = `http://127.0.0.1:${door.address().port}`;
  globalThis.stopTestServers = async () => {
    door.close();
    await starting?.then((services) => services.stop(), () => undefined);
  };
  const needed = chosenFiles(testPathPatterns.patterns).some((file) => leadsToServers(file));
  if (needed) await answer().catch(() => undefined); // told to every test that asks
}

function chosenFiles(patterns) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.test.ts')).map((file) => join(folder, file));
  return patterns.length === 0 ? files : files.filter((file) => patterns.some((pattern) => new RegExp(pattern).test(file)));
}

/** Does the file import test/servers.ts, itself or through other files of test/? */
function leadsToServers(file, seen = new Set()) {
  if (file === join(folder, 'servers.ts')) return true;
  if (seen.has(file) || !file.startsWith(folder) || !existsSync(file)) return false;
  seen.add(file);
  const imported = [...readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)\.js'/g)].map(([, path]) => join(file, '..', `${path}.ts`));
  return imported.some((path) => leadsToServers(path, seen));
}

/** Never the servers of the developer's own variables: only those given for tests are taken over. */
async function start() {
  const { startServices } = await import('../services/start.ts');
  const { TEST_KAFKA_BROKERS, TEST_SCHEMA_REGISTRY_URL, TEST_DATABASE_URL, TEST_REDIS_URL } = process.env;
  return startServices({
    environment: { KAFKA_BROKERS: TEST_KAFKA_BROKERS, SCHEMA_REGISTRY_URL: TEST_SCHEMA_REGISTRY_URL, DATABASE_URL: TEST_DATABASE_URL, REDIS_URL: TEST_REDIS_URL },
    onProgress: (text) => console.error(text),
  });
}
