import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import type { Command, Place, Server } from './server.js';

const execute = promisify(execFile);

/** One Kafka node in KRaft mode, broker and controller at once. */
export const kafka: Server = {
  name: 'kafka',
  variable: 'KAFKA_BROKERS',
  defaultPort: 9092,
  user: {},
  stopSignal: 'SIGTERM',
  abortSignal: 'SIGKILL',
  address: (port) => `127.0.0.1:${port}`,
  prepare,
  probe,
};

async function prepare({ binaries, folder, port, freePort }: Place): Promise<Command> {
  const configuration = join(folder, 'server.properties');
  const data = join(folder, 'data');
  await writeFile(configuration, properties(data, port, await freePort()));
  const java = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', `-Dlog4j2.configurationFile=${fileURLToPath(new URL('./log4j2.properties', import.meta.url))}`];
  if (!existsSync(join(data, 'meta.properties')))
    await execute('java', [...java, '-cp', binaries.kafka, 'kafka.tools.StorageTool', 'format', '--standalone', '-t', clusterId(), '-c', configuration]);
  return {
    executable: 'java',
    args: ['-Xms256m', '-Xmx512m', ...java, '-cp', binaries.kafka, 'kafka.Kafka', configuration],
    env: {},
  };
}

/** Sixteen random bytes in URL-safe base64, as Kafka's own tool makes them; a leading dash would read as an option. */
function clusterId(): string {
  return Buffer.from(`4${randomUUID().replaceAll('-', '').slice(1)}`, 'hex').toString('base64url');
}

/**
 * Topics are created by `midline topics create` alone; one may be configured up to 10 MiB a message
 * (`max.message.bytes`), for which replicas must be allowed to fetch as much.
 */
function properties(data: string, port: number, controllerPort: number): string {
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': data,
    'num.partitions': '6',
    'replica.fetch.max.bytes': String(11 * 1024 * 1024),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** Usable means: the metadata answers, and a consumer group finds its coordinator. */
async function probe(address: string): Promise<void> {
  const client = new Kafka({ clientId: 'midline-services', brokers: address.split(','), logLevel: logLevel.NOTHING, connectionTimeout: 1000, requestTimeout: 5000, retry: { retries: 0 } });
  const admin = client.admin();
  try {
    await admin.connect();
    await admin.describeCluster();
    await admin.fetchOffsets({ groupId: 'midline-services', topics: [] });
  } finally {
    await admin.disconnect();
  }
}
