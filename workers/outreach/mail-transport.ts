import { isNativeError } from 'node:util/types';
import { createTransport } from 'nodemailer';
import type { OutgoingMail, SendOutcome } from '../actions/send-message.js';

export interface MailTransport {
  /** Hands one mail to the server and says what the server said. Never throws. */
  send(mail: OutgoingMail): Promise<SendOutcome>;
  /** Throws when the server cannot be reached or refuses the login. */
  verify(): Promise<void>;
  close(): void;
}

export interface MailTransportOptions {
  /** smtp:// or smtps://, with user and password where the server wants them. */
  readonly url: string;
  /** `Name <address>`. */
  readonly from: string;
  readonly connections: number;
}

/**
 * A pool of SMTP connections. The pool takes another connection by itself only for a mail that it has not begun to send.
 */
export function createMailTransport({ url, from, connections }: MailTransportOptions): MailTransport {
  const transport = createTransport({
    url, pool: true, maxConnections: connections, idleTimeout: 20_000,
    connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000, disableFileAccess: true, disableUrlAccess: true,
  });
  let closed = false; // the pool then says of mails that it had begun what else it says only of others
  const domain = /@([^\s@>]+)>?\s*$/.exec(from)?.[1] ?? 'localhost.localdomain';
  return {
    async send({ messageId, to, subject, html, text }) {
      try {
        const sent = await transport.sendMail({
          from, to: { name: to.name, address: to.address }, subject, html, text,
          messageId: `<${messageId}@${domain}>`,
          headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
        });
        return { kind: 'accepted', response: sent.response };
      } catch (error) {
        return closed ? { kind: 'unknown', reason: 'the sender was stopped' } : outcomeOf(error);
      }
    },
    async verify() {
      await transport.verify();
    },
    close() {
      closed = true;
      transport.close();
    },
  };
}

/** What the pool says of a mail for which connection after connection was closed before it could begin. */
const neverBegun = /^Reached maximum number of retries/;

/** These end an attempt before the server has the mail. */
const beforeSending: ReadonlySet<unknown> = new Set(['EDNS', 'ETLS', 'EREQUIRETLS', 'EAUTH', 'ENOAUTH', 'EOAUTH2', 'EPROXY', 'ECONFIG', 'EMAXLIMIT']);

/**
 * What a failed attempt means. A 5xx answer to the recipient or the text is final; any other answer (4xx; 5xx to login or sender, which is our own trouble) is for the moment.
 * No answer: certain only where the connection was never made; else the server may have the mail.
 */
export function outcomeOf(error: unknown): SendOutcome {
  if (!isNativeError(error)) return { kind: 'unknown', reason: String(error) };
  const { code, command, response, responseCode, syscall, timeoutType } = fieldsOf(error);
  const reason = typeof response === 'string' ? response : error.message;
  if (typeof responseCode === 'number') {
    const final = responseCode >= 500 && responseCode < 600 && responseCode !== 503 && (command === 'RCPT TO' || command === 'DATA');
    if (!final) return { kind: 'temporary', reason };
    return { kind: 'refused', reason, ...(command === 'RCPT TO' && { unreachable: true }) };
  }
  if (code === 'EENVELOPE' || code === 'EMESSAGE') return { kind: 'refused', reason };
  const notConnected = syscall === 'connect' || neverBegun.test(error.message) || (typeof timeoutType === 'string' && timeoutType !== 'SOCKET_TIMEOUT');
  return { kind: notConnected || beforeSending.has(code) ? 'temporary' : 'unknown', reason };
}

/** nodemailer's fields of an error; see its errors.js and smtp-connection. */
function fieldsOf(error: Error): Readonly<Record<'code' | 'command' | 'response' | 'responseCode' | 'syscall' | 'timeoutType', unknown>> {
  const read = (name: string): unknown => Object.getOwnPropertyDescriptor(error, name)?.value;
  return {
    code: read('code'), command: read('command'), response: read('response'), responseCode: read('responseCode'), syscall: read('syscall'), timeoutType: read('timeoutType'),
  };
}
