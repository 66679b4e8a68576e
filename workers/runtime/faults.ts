import { isNativeError } from 'node:util/types';

/**
 * What to do about a fault: `world` (a server is away or busy: try again for ever), `poison` (the data of one message is refused: find that message),
 * `unknown` (stop the process: going on could do harm).
 */
export type FaultKind = 'world' | 'poison' | 'unknown';

const sqlStates: Readonly<Record<string, FaultKind>> = {
  '08': 'world', // connection
  '40': 'world', // serialization, deadlock
  '53': 'world', // resources: connections, memory, disk
  '57': 'world', // operator intervention: shutdown, cancel
  '22': 'poison', // data
  '23': 'poison', // constraint
};

const networkCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ESOCKETTIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN',
  'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT',
]);

/** Errors without a code that pg, ioredis and BullMQ throw when the connection is not there. */
const connectionLost = /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|timeout expired|Connection is closed|Stream isn't writeable|Command timed out|Reached the max retries per request|LOADING |READONLY |MISCONF |OOM |UNBLOCKED )/;

/** Sorts a thrown error by SQLSTATE class, network code, or a mark (`poison`, a client library's own); looks into `cause` and the errors of an AggregateError. */
export function faultKind(error: unknown): FaultKind {
  if (!isNativeError(error)) return 'unknown';
  const code: unknown = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in error) return sqlStates[code.slice(0, 2)] ?? 'unknown';
  if ('poison' in error && error.poison === true) return 'poison';
  if (networkCodes.has(code) || connectionLost.test(error.message) || isRetriable(error)) return 'world';
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0) return worst(error.errors.map(faultKind));
  return error.cause === undefined ? 'unknown' : faultKind(error.cause);
}

/** kafkajs marks its errors with `retriable`, our registry client with `retryable`; the one it throws after its own retries wraps the last one, and a closed or timed-out connection, and a group whose broker is just away, is not marked at all. */
function isRetriable(error: Error): boolean {
  return ('retriable' in error && error.retriable === true) || ('retryable' in error && error.retryable === true) || /^KafkaJS(ConnectionError|ConnectionClosedError|RequestTimeoutError|NumberOfRetriesExceeded|BrokerNotFound|GroupCoordinatorNotFound|Timeout|LockTimeout)$/.test(error.name);
}

function worst(kinds: readonly FaultKind[]): FaultKind {
  return kinds.find((kind) => kind === 'unknown') ?? kinds.find((kind) => kind === 'poison') ?? 'world';
}

/** The first fault that a process cannot go on with: whoever meets it reports it, whoever runs the process waits for it. */
export interface Failure {
  report(error: unknown): void;
  reported(): boolean;
  /** Rejects with the first fault; never resolves. */
  readonly first: Promise<never>;
}

export function createFailure(): Failure {
  let reject: (error: unknown) => void = () => undefined;
  let reported = false;
  const first = new Promise<never>((_resolve, fail) => { reject = fail; });
  first.catch(() => undefined); // nobody may be waiting yet
  return {
    report(error) {
      reported = true;
      reject(error);
    },
    reported: () => reported,
    first,
  };
}
