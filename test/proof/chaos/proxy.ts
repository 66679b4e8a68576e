import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What a proxy that speaks a protocol does with one connection; it may hold bytes back, put others in their place, or end the connection (null). */
export interface Tap {
  toServer(chunk: Buffer): Buffer | null;
  toClient(chunk: Buffer): Buffer | null;
}

/** A door to one server that can be made to fail as networks do. */
export interface Proxy {
  readonly port: number;
  /** Ends every connection in the middle of whatever it says. */
  cut(): void;
  /** While `away` nobody gets through: connections are ended, new ones at once. */
  setAway(away: boolean): void;
  /** Holds every answer for so many milliseconds, in order; 0 ends that. */
  slowDown(milliseconds: number): void;
  /** The next connection that asks for something gets no answer, ever, and is not ended. Resolves when it has asked. */
  swallowNext(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Listens on a free loopback port and passes bytes to the server at `port` and back.
 * @param tap made anew for each connection
 */
export async function startProxy(port: number, tap: () => Tap = () => transparent): Promise<Proxy> {
  const connections = new Set<Connection>();
  let away = false;
  let milliseconds = 0;
  let swallow: (() => void) | null = null;
  const server = createServer((client) => {
    if (away) {
      client.resetAndDestroy();
      return;
    }
    const connection = join(client, connect(port, '127.0.0.1'), tap(), {
      delay: () => milliseconds,
      isSwallowed() {
        const told = swallow;
        swallow = null;
        told?.();
        return told !== null;
      },
    });
    connections.add(connection);
    client.on('close', () => { connections.delete(connection); });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const cut = (): void => { for (const connection of connections) connection.end(); };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut,
    setAway(now) {
      away = now;
      if (away) cut();
    },
    slowDown(now) { milliseconds = now; },
    swallowNext: () => new Promise((resolve) => { swallow = resolve; }),
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

const transparent: Tap = { toServer: (chunk) => chunk, toClient: (chunk) => chunk };

interface Connection {
  end(): void;
}

/** What is wrong with a door, asked whenever something passes. */
interface Trouble {
  readonly delay: () => number;
  /** Asked at each request: whether nothing of this connection is answered any more. */
  readonly isSwallowed: () => boolean;
}

function join(client: Socket, server: Socket, tap: Tap, { delay, isSwallowed }: Trouble): Connection {
  let swallowed = false;
  const end = (): void => {
    for (const socket of [client, server]) if (!socket.destroyed) socket.resetAndDestroy();
  };
  const answer = inOrder((chunk: Buffer) => { client.write(chunk); });
  for (const socket of [client, server]) {
    socket.setNoDelay(true);
    socket.on('error', end);
    socket.on('close', () => { if (socket === client || !swallowed) end(); });
  }
  client.on('data', (chunk) => {
    swallowed ||= isSwallowed();
    if (swallowed) return;
    const passed = tap.toServer(chunk);
    if (passed === null) end();
    else server.write(passed);
  });
  server.on('data', (chunk) => {
    const passed = tap.toClient(chunk);
    if (passed === null) end();
    else answer(passed, delay());
  });
  client.on('end', () => { server.end(); });
  server.on('end', () => { if (!swallowed) client.end(); });
  return { end };
}

/** Does something with each item after its delay, and never before the items ahead of it. */
function inOrder<Item>(work: (item: Item) => void): (item: Item, delay: number) => void {
  const waiting: { readonly item: Item; readonly due: number }[] = [];
  function run(): void {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const wait = next.due - performance.now();
      if (wait > 0) {
        setTimeout(run, wait);
        return;
      }
      waiting.shift();
      work(next.item);
    }
  }
  return (item, delay) => {
    waiting.push({ item, due: performance.now() + delay });
    if (waiting.length === 1) run();
  };
}
