import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { startMailCatcher } from '../../services/mail-catcher.js';
import { createMailTransport, outcomeOf, type MailTransport } from '../../workers/outreach/mail-transport.js';

const mail = { messageId: '0d4b8e0c-0000-4000-8000-000000000000', to: { name: 'Müller, "Anna" <x>', address: 'anna@customer.example' }, subject: 'Grüße', html: '<p>ü</p>', text: 'ü' };
const transportTo = (url: string): MailTransport => createMailTransport({ url, from: 'Desk <desk@agency.example>', connections: 2 });

const urlOf = (server: Server): string => {
  const address = server.address();
  return `smtp://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
};

test('a mail arrives as it was written, at one recipient whatever the name holds', async () => {
  const catcher = await startMailCatcher();
  const transport = transportTo(catcher.url);
  expect(await transport.send(mail)).toEqual({ kind: 'accepted', response: expect.stringMatching(/^250/) });
  expect(catcher.mails()).toMatchObject([{ from: 'desk@agency.example', to: ['anna@customer.example'], subject: 'Grüße', text: 'ü' }]);
  transport.close();
  await catcher.close();
});

test('a server that takes the mail and goes away without an answer gets it once, and the outcome is unknown', async () => {
  let taken = 0;
  const speak = (socket: Socket): void => {
    socket.write('220 ready\r\n');
    let inText = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const said = chunk.toString();
      if (inText) {
        if (!said.endsWith('\r\n.\r\n')) return;
        taken += 1;
        socket.destroy();
      } else if (said.startsWith('DATA')) {
        inText = true;
        socket.write('354 go on\r\n');
      } else {
        socket.write('250 ok\r\n');
      }
    });
  };
  const server = createServer(speak).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const transport = transportTo(urlOf(server));
  expect(await transport.send(mail)).toMatchObject({ kind: 'unknown' });
  expect(taken).toBe(1);
  transport.close();
  server.close();
});

test('a server that is not there is tried again later', async () => {
  const transport = transportTo('smtp://127.0.0.1:1');
  expect(await transport.send(mail)).toMatchObject({ kind: 'temporary' });
  transport.close();
});

test('a server that closes every connection before it says anything is tried again later', async () => {
  const server = createServer((socket) => { socket.on('error', () => undefined).end(); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const transport = transportTo(urlOf(server));
  expect(await transport.send(mail)).toMatchObject({ kind: 'temporary' });
  transport.close();
  server.close();
});

test.each([
  ['recipient unknown', { code: 'EENVELOPE', command: 'RCPT TO', responseCode: 550, response: '550 no such user' }, 'refused'],
  ['mailbox full', { code: 'EENVELOPE', command: 'RCPT TO', responseCode: 452, response: '452 full' }, 'temporary'],
  ['text refused', { code: 'EMESSAGE', command: 'DATA', responseCode: 554, response: '554 spam' }, 'refused'],
  ['our login is wrong', { code: 'EAUTH', command: 'AUTH PLAIN', responseCode: 535, response: '535 no' }, 'temporary'],
  ['our sender is refused', { code: 'EENVELOPE', command: 'MAIL FROM', responseCode: 550, response: '550 no' }, 'temporary'],
  ['server closes down', { code: 'ECONNECTION', command: 'CONN', responseCode: 421, response: '421 bye' }, 'temporary'],
  ['name not found', { code: 'EDNS', command: 'CONN' }, 'temporary'],
  ['no greeting', { code: 'ETIMEDOUT', command: 'CONN', timeoutType: 'GREETING_TIMEOUT' }, 'temporary'],
  ['silence in the middle', { code: 'ETIMEDOUT', command: 'CONN', timeoutType: 'SOCKET_TIMEOUT' }, 'unknown'],
  ['connection lost in the middle', { code: 'ECONNECTION', command: 'CONN' }, 'unknown'],
  ['no recipient', { code: 'EENVELOPE', command: 'API' }, 'refused'],
])('%s means %o → %s', (_name, fields, kind) => {
  expect(outcomeOf(Object.assign(new Error('x'), fields)).kind).toBe(kind);
});
