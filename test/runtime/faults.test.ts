import { expect, test } from '@jest/globals';
import { faultKind } from '../../workers/runtime/faults.js';

const withFields = (fields: object, message = 'x'): Error => Object.assign(new Error(message), fields);

test.each([
  ['connection refused', withFields({ code: 'ECONNREFUSED' }), 'world'],
  ['deadlock', withFields({ code: '40P01', severity: 'ERROR' }), 'world'],
  ['Postgres shuts down', withFields({ code: '57P01', severity: 'FATAL' }), 'world'],
  ['too many connections', withFields({ code: '53300', severity: 'FATAL' }), 'world'],
  ['text with U+0000', withFields({ code: '22021', severity: 'ERROR' }), 'poison'],
  ['check constraint', withFields({ code: '23514', severity: 'ERROR' }), 'poison'],
  ['missing table', withFields({ code: '42P01', severity: 'ERROR' }), 'unknown'],
  ['connection lost in a query', new Error('Connection terminated unexpectedly'), 'world'],
  ['kafkajs retriable', withFields({ retriable: true }), 'world'],
  ['kafkajs gave up on a connection', withFields({ name: 'KafkaJSNumberOfRetriesExceeded', retriable: false }), 'world'],
  ['kafkajs found no broker that coordinates the group', withFields({ name: 'KafkaJSGroupCoordinatorNotFound', retriable: false }), 'world'],
  ['kafkajs waited for its own lock in vain', withFields({ name: 'KafkaJSLockTimeout', retriable: false }), 'world'],
  ['both addresses of localhost refused', new AggregateError([withFields({ code: 'ECONNREFUSED' }), withFields({ code: 'ECONNREFUSED' })]), 'world'],
  ['a cause from the network', new Error('fetch failed', { cause: withFields({ code: 'ECONNRESET' }) }), 'world'],
  ['a mistake in the code', new TypeError('x is not a function'), 'unknown'],
  ['no error at all', 'text', 'unknown'],
])('%s is sorted as it must be', (_name, error, kind) => {
  expect(faultKind(error)).toBe(kind);
});
