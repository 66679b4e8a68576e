import { isNativeError } from 'node:util/types';
import { pino, type Logger } from 'pino';

export type Log = Logger;

/** Fields that never reach a log line, at the top and one level down: secrets, and what says who somebody is. */
const hidden = ['password', 'secret', 'token', 'authorization', 'email', 'emails', 'phone', 'phones', 'to', 'address', 'url', 'wire', 'value']
  .flatMap((field) => [field, `*.${field}`]);

/** `scheme://user:password@host` in a text loses its password (client libraries put their URL into error messages). */
const withoutPasswords = (text: string): string => text.replace(/(\w+:\/\/[^\s:/@]*):[^\s@/]*@/g, '$1:***@');

/**
 * JSON lines to stderr (stdout belongs to the output of commands). Normal operation logs nothing per message.
 * @param bindings are part of every line, for example `{ worker: 'ingest' }`.
 */
export function createLog(level: string, bindings: Readonly<Record<string, unknown>> = {}, destination: pino.DestinationStream = pino.destination({ dest: 2, sync: true })): Log {
  const log = pino({
    level,
    base: null,
    redact: { paths: hidden, censor: '***' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: serialize, err: serialize },
  }, destination);
  return log.child({ ...bindings });
}

/** An error as its name, code, message, stack and cause: not its other fields, which in database errors hold data (`detail: Key (value)=(…)`). */
function serialize(error: unknown): unknown {
  if (!isNativeError(error)) return withoutPasswords(String(error));
  return {
    type: error.name,
    ...('code' in error && { code: error.code }),
    message: withoutPasswords(error.message),
    stack: withoutPasswords(error.stack ?? ''),
    ...(error.cause !== undefined && { cause: serialize(error.cause) }),
  };
}
