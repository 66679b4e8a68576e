import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

export interface CaughtMail {
  readonly from: string;
  /** The addresses of the envelope. */
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** By lower-case name; the text of the last one where a name stands several times. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface MailCatcher {
  /** `smtp://127.0.0.1:PORT`, for SMTP_URL. */
  readonly url: string;
  /** All mails that were accepted, in that order. */
  mails(): readonly CaughtMail[];
  /** The first mail, caught or yet to come, that `predicate` is true of. */
  waitFor(predicate: (mail: CaughtMail) => boolean): Promise<CaughtMail>;
  /** Refuses the next mail with this SMTP code after its text; called twice, the next two. */
  failNext(code: number): void;
  /** Knows no such recipient from now on. */
  refuse(address: string): void;
  close(): Promise<void>;
}

/**
 * An SMTP server on loopback that delivers nothing: it shows what would have been sent.
 * @param options.port any free one when left out
 * @param options.folder where each mail is also written as `0001.eml` and `0001.html`
 */
export async function startMailCatcher(options: { readonly port?: number; readonly folder?: string } = {}): Promise<MailCatcher> {
  const caught: CaughtMail[] = [];
  const failures: number[] = [];
  const unknown = new Set<string>();
  const waiting = new Set<(mail: CaughtMail) => void>();
  if (options.folder !== undefined) await mkdir(options.folder, { recursive: true });

  async function accept(bytes: Buffer, from: string, to: readonly string[]): Promise<void> {
    const failure = failures.shift();
    if (failure !== undefined) throw Object.assign(new Error('refused as asked for'), { responseCode: failure });
    const mail = await parse(bytes, from, to);
    caught.push(mail);
    if (options.folder !== undefined) await store(options.folder, caught.length, bytes, mail);
    for (const tell of waiting) tell(mail);
  }

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    logger: false,
    onRcptTo({ address }, _session, done) { done(unknown.has(address.toLowerCase()) ? Object.assign(new Error('no such user'), { responseCode: 550 }) : null); },
    onData(stream, session, done) {
      const { mailFrom, rcptTo } = session.envelope;
      collect(stream)
        .then((bytes) => accept(bytes, mailFrom === false ? '' : mailFrom.address, rcptTo.map((recipient) => recipient.address)))
        .then(() => { done(); }, (error: Error) => { done(error); });
    },
  });
  server.on('error', () => undefined); // a client that goes away in the middle
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;

  return {
    url: `smtp://127.0.0.1:${port}`,
    mails: () => [...caught],
    waitFor: (predicate) => new Promise((resolve) => {
      const known = caught.find(predicate);
      if (known !== undefined) {
        resolve(known);
        return;
      }
      const tell = (mail: CaughtMail): void => {
        if (!predicate(mail)) return;
        waiting.delete(tell);
        resolve(mail);
      };
      waiting.add(tell);
    }),
    refuse(address) { unknown.add(address.toLowerCase()); },
    failNext(code) {
      failures.push(code);
    },
    close: () => new Promise((resolve) => { server.close(resolve); }),
  };
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function parse(bytes: Buffer, from: string, to: readonly string[]): Promise<CaughtMail> {
  const mail = await simpleParser(bytes, { skipImageLinks: true });
  return {
    from,
    to,
    subject: mail.subject ?? '',
    text: mail.text ?? '',
    html: mail.html === false ? '' : mail.html,
    headers: Object.fromEntries(mail.headerLines.map(({ key, line }) => [key, line.slice(line.indexOf(':') + 1).trim()])),
  };
}

async function store(folder: string, number: number, bytes: Buffer, mail: CaughtMail): Promise<void> {
  const name = String(number).padStart(4, '0');
  await writeFile(join(folder, `${name}.eml`), bytes);
  await writeFile(join(folder, `${name}.html`), mail.html === '' ? mail.text : mail.html);
}
