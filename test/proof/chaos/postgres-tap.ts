import type { Tap } from './proxy.js';

/** Which statements fail instead of being run, as long as this is set. */
export interface SqlFailure {
  /** Five characters, for example 53100: disk full. */
  readonly sqlState: string;
  /** Asked once a statement. */
  readonly strikes: () => boolean;
}

const header = 5;
const [parse, bind, sync, simpleQuery] = ['P', 'B', 'S', 'Q'];

/**
 * Lets statements fail in Postgres itself: in place of what the client asks for, the server gets a block that raises the wanted SQLSTATE. Its answers,
 * ErrorResponse and ReadyForQuery, are those that the client waits for, and the transaction is as broken as the client is told.
 * @param failure what is wrong at this moment; null: nothing
 */
export function createPostgresTap(failure: () => SqlFailure | null): Tap {
  let unread: Buffer = Buffer.alloc(0);
  let begun = false;
  /** The SQLSTATE in place of the series of messages (Parse … Sync) that is being swallowed. */
  let swallowing: string | null = null;
  let inSeries = false;

  function one(type: string, message: Buffer): Buffer {
    if (!inSeries && (type === parse || type === bind || type === simpleQuery)) swallowing = struck(failure());
    const ends = type === sync || type === simpleQuery;
    inSeries = !ends;
    if (swallowing === null) return message;
    const instead = ends ? raising(swallowing) : Buffer.alloc(0);
    if (ends) swallowing = null;
    return instead;
  }

  return {
    toServer(chunk) {
      unread = Buffer.concat([unread, chunk]);
      const out: Buffer[] = [];
      // The first message of a connection has no type.
      for (let start = begun ? 1 : 0; unread.length >= start + 4; start = 1) {
        const length = start + unread.readInt32BE(start);
        if (unread.length < length) break;
        const message = unread.subarray(0, length);
        unread = unread.subarray(length);
        out.push(begun ? one(String.fromCharCode(message[0] ?? 0), message) : message);
        begun = true;
      }
      return Buffer.concat(out);
    },
    toClient: (chunk) => chunk,
  };
}

const struck = (failure: SqlFailure | null): string | null => (failure !== null && failure.strikes() ? failure.sqlState : null);

function raising(sqlState: string): Buffer {
  const text = Buffer.from(`do $$ begin raise exception 'struck by a test' using errcode = '${sqlState}'; end $$\0`);
  const message = Buffer.alloc(header + text.length);
  message.write(simpleQuery, 0, 'latin1');
  message.writeInt32BE(text.length + 4, 1);
  text.copy(message, header);
  return message;
}
