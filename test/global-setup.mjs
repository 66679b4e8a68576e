// One set of real servers for the whole test run, started when the first test asks for it (test/servers.ts),
// so that a run of pure tests starts none. Tests run in other processes: they ask over a loopback port.
import { once } from 'node:events';
import { createServer } from 'node:http';
import './typescript.mjs';

export default async function setUp() {
  let starting;
  const door = createServer(async (request, response) => {
    starting ??= start();
    try {
      response.end(JSON.stringify((await starting).environment));
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
