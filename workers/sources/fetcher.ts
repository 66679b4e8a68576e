import { isUtf8 } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import { isNativeError } from 'node:util/types';
import type { FetchOptions } from '../../schemas/source-map.js';
import type { RejectionCode } from '../domain/rejection.js';
import { parsedJson } from './read-lines.js';
import { parseXmlDocument } from './read-xml.js';
import type { SourceRecord } from './record.js';
import { createSlots } from './slots.js';

/** What was fetched for a record, or what is wrong with this one record. */
export type Fetched = { readonly fetched: unknown } | { readonly code: RejectionCode; readonly problem: string };

/** Fetches what a record only names. */
export interface Fetcher {
  /** @throws FetchFailed once the retries are used up: the server is away or busy, or a variable of a header is not set. */
  readonly fetch: (record: unknown) => Promise<Fetched>;
}

export interface FetcherOptions {
  /** The value of a variable that a header names. It is asked for each request, so that a secret in a file may change. */
  readonly secret: (name: string) => string | undefined;
  /** Gives up what is under way. */
  readonly signal: AbortSignal;
}

/** An answer, or one that may be another the next time; gone: what is asked for is not there, so far. */
type Answer = Fetched | { readonly again: string; readonly gone: boolean };

/** No answer that says anything about the record: try again later. Holds neither ids nor headers. */
class FetchFailed extends Error {
  override readonly name = 'FetchFailed';
  /** Read by `faultKind`. */
  readonly retryable = true;
}

/** Requests under way at once; `perSecond` says how often one begins. */
const atOnce = 4;
const responseLimit = 4 * 1024 * 1024;
const mostRedirects = 3;
const longestPause = 30_000;
/** What a server may ask for with Retry-After. */
const longestHold = 3_600_000;

/** Answers that concern the caller or the moment, not the record: login, timeout, too early, too many. Those of 500 and above too. */
const passing: ReadonlySet<number> = new Set([401, 407, 408, 425, 429]);

export function createFetcher(options: FetchOptions, { secret, signal }: FetcherOptions): Fetcher {
  const slots = createSlots(atOnce);
  const server = new URL(options.url.replace(/\{[^{}]*\}/g, '0')).origin;
  let next = 0;
  let heldUntil = 0;

  /** Waits until the next request may begin. */
  async function turn(): Promise<void> {
    for (;;) {
      const at = Math.max(Date.now(), next, heldUntil);
      next = at + 1_000 / options.perSecond;
      await sleep(at - Date.now(), undefined, { signal });
      if (Date.now() >= heldUntil) return;
    }
  }

  async function insist(url: URL, record: unknown): Promise<Fetched> {
    for (let attempt = 1; ; attempt++) {
      await turn();
      const answer = await ask(url, record).catch((error: unknown) => {
        signal.throwIfAborted();
        if (error instanceof FetchFailed) throw error;
        return { again: reasonOf(error), gone: false };
      });
      if (!('again' in answer)) return answer;
      if (attempt > options.retries) {
        if (answer.gone) return { code: 'FETCH_GONE', problem: answer.again };
        throw new FetchFailed(`${server} ${answer.again} (${attempt} attempts)`);
      }
      await sleep(Math.min(longestPause, 200 * 2 ** attempt) * (0.5 + Math.random() / 2), undefined, { signal });
    }
  }

  async function ask(url: URL, record: unknown): Promise<Answer> {
    const limit = new AbortController();
    const stop = (): void => { limit.abort(signal.reason); };
    const timer = setTimeout(() => { limit.abort(new Error('no answer in time', { cause: { code: 'TIMEOUT' } })); }, options.timeout * 1_000);
    signal.addEventListener('abort', stop);
    try {
      return await askWithin(url, record, limit.signal);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  async function askWithin(url: URL, record: unknown, limit: AbortSignal): Promise<Answer> {
    const response = await request(url, record, limit);
    if ('problem' in response) return response;
    const { status } = response;
    const said = `answered ${status}`;
    if (response.ok) return parse(await bytesOf(response));
    await response.body?.cancel();
    if (status === 404 || status === 410) return options.notFound === 'retry' && status === 404 ? { again: said, gone: true } : { code: 'FETCH_GONE', problem: said };
    if (status < 500 && !passing.has(status)) return { code: 'FETCH_REFUSED', problem: said };
    heldUntil = Math.max(heldUntil, Date.now() + holdOf(response.headers.get('retry-after')));
    return { again: said, gone: false };
  }

  /** Follows redirects within the server only: headers may carry secrets, and a record must not choose who is asked. */
  async function request(first: URL, record: unknown, limit: AbortSignal): Promise<Response | Fetched & { readonly problem: string }> {
    let url = first;
    for (let redirects = 0; ; redirects++) {
      const body = options.method === 'POST' ? { body: JSON.stringify(record) } : {};
      const response = await fetch(url, { method: options.method, headers: headersOf(), redirect: 'manual', signal: limit, ...body });
      const location = response.headers.get('location');
      if (response.status < 300 || response.status > 399 || location === null) return response;
      await response.body?.cancel();
      if (!URL.canParse(location, url.href) || new URL(location, url).origin !== server) return { code: 'FETCH_REFUSED', problem: `answered ${response.status}: a redirect to another server, which is not followed` };
      if (redirects === mostRedirects) return { code: 'FETCH_REFUSED', problem: `redirects more than ${mostRedirects} times` };
      url = new URL(location, url);
    }
  }

  function headersOf(): Headers {
    const headers = new Headers({ accept: options.expect === 'json' ? 'application/json' : 'application/xml, text/xml', ...(options.method === 'POST' && { 'content-type': 'application/json' }) });
    for (const [name, template] of Object.entries(options.headers)) {
      const value = template.replace(/\$\{(\w+)\}/g, (_, variable: string) => {
        const found = valueOf(variable);
        if (typeof found === 'string') return found;
        throw new FetchFailed(`the header ${name} of ${server} needs the variable ${variable}: ${found.problem}`);
      });
      try {
        headers.set(name, value);
      } catch {
        // The error of the platform would quote the value.
        throw new FetchFailed(`the header ${name} of ${server} has a value that HTTP does not allow`);
      }
    }
    return headers;
  }

  function valueOf(variable: string): string | { readonly problem: string } {
    try {
      return secret(variable) ?? { problem: 'it is not set' };
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) };
    }
  }

  function parse(bytes: Buffer | null): Fetched {
    if (bytes === null) return { code: 'FETCH_ANSWER', problem: `the answer is longer than ${responseLimit} bytes` };
    if (!isUtf8(bytes)) return { code: 'FETCH_ANSWER', problem: 'the answer is not valid utf-8' };
    const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
    const read = options.expect === 'json' ? parsedJson(text) : parseXmlDocument(text);
    return 'problem' in read ? { code: 'FETCH_ANSWER', problem: `the answer ${read.problem}` } : { fetched: read.value };
  }

  return {
    async fetch(record) {
      const url = urlOf(options.url, record);
      return typeof url === 'string' ? { code: 'MAP', problem: url } : slots(() => insist(url, record));
    },
  };
}

/** Fetches for each good record of some what it names; those for which it cannot be had become bad ones. Their order stays. */
export function fetchRecords(fetcher: Fetcher, records: readonly SourceRecord[]): Promise<readonly SourceRecord[]> {
  return Promise.all(records.map(async (record): Promise<SourceRecord> => {
    if ('problem' in record) return record;
    const fetched = await fetcher.fetch(record.value);
    return 'problem' in fetched ? { number: record.number, line: record.line, ...fetched } : { ...record, ...fetched };
  }));
}

/** The URL for a record, or why there is none. What is put in is encoded; dots alone would climb to another path. */
function urlOf(template: string, record: unknown): URL | string {
  let problem: string | undefined;
  const url = template.replace(/\{([^{}]*)\}/g, (_, path: string) => {
    const value = path.split('.').reduce<unknown>((inside, name) => (typeof inside === 'object' && inside !== null && Object.hasOwn(inside, name) ? (inside as Readonly<Record<string, unknown>>)[name] : undefined), record);
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    if (text.trim() === '') problem ??= `fetch.url: the record has no ${path}`;
    else if (/^\.+$/.test(text) || !text.isWellFormed()) problem ??= `fetch.url: the record's ${path} cannot stand in a URL`;
    else return encodeURIComponent(text);
    return '';
  });
  return problem ?? new URL(url);
}

/** Null: there is more than is allowed. */
async function bytesOf(response: Response): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > responseLimit) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Seconds or a date, as milliseconds from now. */
function holdOf(retryAfter: string | null): number {
  if (retryAfter === null) return 0;
  const wait = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(wait) ? 0 : Math.min(Math.max(wait, 0), longestHold);
}

/** Errors of fetch say what they are in their cause. */
function reasonOf(error: unknown): string {
  if (!isNativeError(error)) return 'did not answer';
  const { cause } = error;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : error.name;
  return `did not answer (${code})`;
}
