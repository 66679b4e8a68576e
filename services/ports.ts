import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that systems hand out to outgoing connections (Linux: from 32768), so none takes it in between. */
const lowest = 16_000;
const highest = 32_000;

/** A free loopback port that this function has not answered before. */
export function createPortFinder(): (preferred?: number) => Promise<number> {
  const given = new Set<number>();
  return async (preferred) => {
    for (let port = preferred ?? randomInt(lowest, highest); ; port = randomInt(lowest, highest)) {
      if (given.has(port)) continue;
      given.add(port);
      if (await isFree(port)) return port;
    }
  };
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
