import kafkajs, { type Kafka, type KafkaConfig, type LogEntry } from 'kafkajs';
import { restIdleConnections } from './rest-idle-connections.js';

export type KafkaLogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface KafkaConnection {
  /** `host:port` of some brokers. */
  readonly brokers: readonly string[];
  /** Names this process in Kafka's own logs and quotas. */
  readonly clientId: string;
  readonly ssl?: NonNullable<KafkaConfig['ssl']>;
  readonly sasl?: NonNullable<KafkaConfig['sasl']>;
  /** Gets what kafkajs says from `warn` on; nothing is logged without it. Fields hold no message contents. */
  readonly log?: (level: KafkaLogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/**
 * The client that producers, consumers and admins are made from. It connects when one of them does.
 * Its requests are retried for some seconds, then they throw: whoever calls retries for ever.
 */
export function createKafka({ brokers, clientId, ssl, sasl, log }: KafkaConnection): Kafka {
  restIdleConnections();
  return new kafkajs.Kafka({
    brokers: [...brokers],
    clientId,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
    connectionTimeout: 3000,
    retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 8 },
    logLevel: log === undefined ? kafkajs.logLevel.NOTHING : kafkajs.logLevel.WARN,
    logCreator: () => (entry) => {
      if (log !== undefined && !isExpected(entry)) log(levelOf(entry.level), entry.log.message, fieldsOf(entry));
    },
  });
}

/** Retries are limited on purpose: after a rejection the caller makes a new producer, and consumers know repeated events by their ids. */
const limitedRetries = 'Limiting retries for the idempotent producer may invalidate EoS guarantees';

/**
 * What every coordinator answers once or twice while it wakes up, or while a new topic's leader is elected; kafkajs asks again.
 * The texts are those of kafkajs's own table of protocol errors.
 */
const expected = [
  limitedRetries,
  'The group coordinator is not available',
  "The coordinator is loading and hence can't process requests",
  'This is not the correct coordinator',
  'There is no leader for this topic-partition as we are in the middle of a leadership election',
  'This server does not host this topic-partition',
];

function isExpected({ log }: LogEntry): boolean {
  const error: unknown = log['error'];
  const texts = [log.message, ...(typeof error === 'string' ? [error] : [])];
  return texts.some((text) => expected.some((known) => text.includes(known)));
}

function levelOf(level: number): KafkaLogLevel {
  switch (level) {
    case kafkajs.logLevel.ERROR:
      return 'error';
    case kafkajs.logLevel.WARN:
      return 'warn';
    case kafkajs.logLevel.INFO:
      return 'info';
    default:
      return 'debug';
  }
}

function fieldsOf({ namespace, log }: LogEntry): Readonly<Record<string, unknown>> {
  const { timestamp: _timestamp, message: _message, logger: _logger, ...fields } = log;
  return { namespace, ...fields };
}
