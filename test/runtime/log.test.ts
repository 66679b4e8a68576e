import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { createLog } from '../../workers/runtime/log.js';

function captured(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  const destination = new Writable({ write(chunk: Buffer, _encoding, done) { lines.push(chunk.toString()); done(); } });
  write(createLog('info', { worker: 'relay' }, destination));
  return lines.join('');
}

// Seen to fail without `redact`, without `withoutPasswords`, and with pino's own error serializer.
test('secrets and personal data do not reach a log line', () => {
  const error = Object.assign(new Error('connect to postgres://midline:hunter2@db failed'), { code: '23505', detail: 'Key (email)=(anna@example.com) already exists.' });
  const text = captured((log) => { log.error({ error, password: 'hunter2', party: { email: 'anna@example.com' } }, 'failed'); });
  expect(text).not.toContain('hunter2');
  expect(text).not.toContain('anna@example.com');
  expect(JSON.parse(text)).toMatchObject({ level: 'error', worker: 'relay', msg: 'failed', error: { code: '23505', message: 'connect to postgres://midline:***@db failed' } });
});

test('the cause of an error is told with it', () => {
  const text = captured((log) => { log.error({ error: new Error('outer', { cause: new Error('inner') }) }, 'failed'); });
  expect(JSON.parse(text)).toMatchObject({ error: { message: 'outer', cause: { message: 'inner' } } });
});
