import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDatabase } from '../../workers/store/database.js';

const message = (type: string, body: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
};

/** What Postgres sends to a connection that an operator ends in the moment in which it is ready; here it is one piece every time. */
const readyAndEnded = Buffer.concat([
  message('R', Buffer.alloc(4)),
  message('Z', Buffer.from('I')),
  message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0')),
]);

let server: Server;

beforeAll(async () => {
  server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(readyAndEnded));
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
});

afterAll(async () => { await new Promise((resolve) => { server.close(resolve); }); });

// Seen to end the process (an event `error` that nobody listens to) when only transactions listen: they begin a moment after the connection is there.
test.each(['transaction', 'query'] as const)('a connection that is cut as soon as it is there fails its %s, and not the process', async (kind) => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const db = createDatabase(`postgres://nobody@127.0.0.1:${String(address.port)}/none`);
  await expect(kind === 'query' ? db.query('select 1') : db.transaction((tx) => tx.query('select 1'))).rejects.toThrow();
  await db.close();
});
