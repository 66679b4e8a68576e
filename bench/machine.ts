import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Redis } from 'ioredis';
import { projectRoot } from '../services/places.js';
import type { Database } from '../workers/store/database.js';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Processes that wanted a core, mean of the last minute, before the benchmark began: above 0.5 somebody else was at work. */
  readonly loadBefore: number;
  readonly versions: Readonly<Record<string, string>>;
}

const packages = ['kafkajs', 'pg', 'knex', 'bullmq', 'ioredis', 'avsc', '@kafkajs/confluent-schema-registry'] as const;

/** What the numbers were measured on. @param loadBefore of the machine, read before the servers were started */
export async function describeMachine(database: Database, redisUrl: string, loadBefore: number): Promise<Machine> {
  const [postgres] = await database.query<{ readonly server_version: string }>('show server_version');
  const { versions, ...machine } = describeHost(loadBefore, packages);
  const { midline = '', node = '', ...others } = versions;
  return { ...machine, versions: { midline, node, postgres: postgres?.server_version ?? 'unknown', redis: await redisVersion(redisUrl), ...others } };
}

/** As `describeMachine`, where no server takes part. @param packageNames whose versions count */
export function describeHost(loadBefore: number, packageNames: readonly string[]): Machine {
  const require = createRequire(new URL('package.json', `file://${projectRoot()}/`));
  return {
    cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), system: `${platform()} ${release()}`, loadBefore,
    versions: { midline: versionIn(`${projectRoot()}/package.json`), node: process.versions.node, ...Object.fromEntries(packageNames.map((name) => [name, versionOf(require, name)])) },
  };
}

export const loadNow = (): number => loadavg()[0] ?? 0;

async function redisVersion(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    return /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? 'unknown';
  } finally {
    redis.disconnect();
  }
}

/** A package's own package.json lies above its main file; some do not export it. */
function versionOf(require: NodeJS.Require, name: string): string {
  const main = require.resolve(name);
  const root = main.slice(0, main.lastIndexOf(`/node_modules/${name}/`));
  return versionIn(`${root}/node_modules/${name}/package.json`);
}

function versionIn(file: string): string {
  const description: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof description === 'object' && description !== null && 'version' in description ? String(description.version) : 'unknown';
}
