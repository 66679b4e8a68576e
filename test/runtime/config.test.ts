import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ConfigError, kafkaOptions, readConfig } from '../../workers/runtime/config.js';

const addresses = {
  KAFKA_BROKERS: 'a:9092, b:9093', SCHEMA_REGISTRY_URL: 'http://registry:8080/apis/ccompat/v7', DATABASE_URL: 'postgres://midline:secret@db/midline',
  REDIS_URL: 'redis://cache:6379', SMTP_URL: 'smtp://mail:25',
};

const problemsOf = (read: () => unknown): readonly string[] => {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
};

test('a complete environment becomes values with the right types, and settings have defaults', () => {
  const config = readConfig({ ...addresses, HEALTH_PORT: '8081', KAFKA_SSL: 'true', LOG_LEVEL: '' });
  expect(config.KAFKA_BROKERS).toEqual(['a:9092', 'b:9093']);
  expect(config.HEALTH_PORT).toBe(8081);
  expect(config.KAFKA_SSL).toBe(true);
  expect(config.LOG_LEVEL).toBe('info');
  expect(kafkaOptions(config)).toEqual({ brokers: ['a:9092', 'b:9093'], ssl: true });
});

test('all problems are told at once, each with variable, what is wrong and what to do', () => {
  const problems = problemsOf(() => readConfig({ ...addresses, DATABASE_URL: '', REDIS_URL: 'http://cache', HEALTH_PORT: '99999', MIDLINE_ENCRYPTION_KEY: 'short' }));
  expect(problems).toHaveLength(4);
  expect(problems).toContainEqual(expect.stringMatching(/^DATABASE_URL: is not set; set it, or DATABASE_URL_FILE/));
  expect(problems).toContainEqual(expect.stringMatching(/^REDIS_URL: is no URL of the form redis:\/\//));
  expect(problems).toContainEqual('HEALTH_PORT: must be a whole number from 0 to 65535');
  expect(problems).toContainEqual(expect.stringMatching(/^MIDLINE_ENCRYPTION_KEY: must be 32 bytes in base64/));
});

test('a command is not stopped by addresses that it does not need', () => {
  expect(readConfig({ DATABASE_URL: addresses.DATABASE_URL, REDIS_URL: 'nonsense' }, ['DATABASE_URL']).DATABASE_URL).toBe(addresses.DATABASE_URL);
});

test('a secret may come from a file, but not from both', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'midline-config-'));
  try {
    const file = join(folder, 'url');
    await writeFile(file, `${addresses.DATABASE_URL}\n`);
    expect(readConfig({ DATABASE_URL_FILE: file }, ['DATABASE_URL']).DATABASE_URL).toBe(addresses.DATABASE_URL);
    expect(problemsOf(() => readConfig({ DATABASE_URL_FILE: file, DATABASE_URL: 'x' }, ['DATABASE_URL']))).toEqual(['DATABASE_URL: DATABASE_URL_FILE is set too; unset one of them']);
    expect(problemsOf(() => readConfig({ DATABASE_URL_FILE: join(folder, 'none') }, ['DATABASE_URL']))).toEqual([expect.stringMatching(/^DATABASE_URL_FILE: cannot be read/)]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a login to Kafka is complete or absent', () => {
  expect(problemsOf(() => readConfig({ ...addresses, KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'u' }))).toEqual([expect.stringMatching(/^KAFKA_SASL_PASSWORD: is not set/)]);
  const config = readConfig({ ...addresses, KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' });
  expect(kafkaOptions(config).sasl).toEqual({ mechanism: 'scram-sha-512', username: 'u', password: 'p' });
});

test('no value of a secret is repeated in a problem', () => {
  const problems = problemsOf(() => readConfig({ ...addresses, DATABASE_URL: 'mysql://midline:hunter2@db' }));
  expect(problems).toHaveLength(1);
  expect(problems.join()).not.toContain('hunter2');
});
