import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { readConfig } from '../../workers/runtime/config.js';

const condition = z.object({ condition: z.enum(['service_healthy', 'service_completed_successfully', 'service_started']) });
const scalar = z.union([z.string(), z.number()]);
const service = z.strictObject({
  image: z.string(),
  build: z.literal('.').optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), scalar).default({}),
  depends_on: z.record(z.string(), condition).default({}),
  healthcheck: z.object({ test: z.tuple([z.literal('CMD')], z.string()), interval: z.string(), timeout: z.string(), retries: z.number(), start_period: z.string().optional() }).optional(),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/)).default([]),
  volumes: z.array(z.string()).default([]),
  restart: z.enum(['unless-stopped', 'on-failure']),
  init: z.boolean().optional(),
  shm_size: z.string().optional(),
});
const composeFile = z.object({ name: z.string(), services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) });

type Service = z.infer<typeof service>;

let compose: z.infer<typeof composeFile>;
let dockerfile: string;
beforeAll(async () => {
  compose = await readCompose();
  dockerfile = await readFile(projectFile('Dockerfile'), 'utf8');
});

describe('docker-compose.yml', () => {
  test('has every server, the steps before the workers, and the workers', () => {
    expect(Object.keys(compose.services)).toEqual(['kafka', 'registry', 'postgres', 'redis', 'mail', 'migrate', 'topics', 'ingest', 'relay', 'outreach']);
  });

  test('what runs on has a health check; what ends is waited for until it succeeded', () => {
    const steps = ['migrate', 'topics'];
    const unchecked = names(({ healthcheck }) => healthcheck === undefined);
    expect(unchecked).toEqual(steps);
    const awaited = Object.values(compose.services).flatMap((one) => Object.entries(one.depends_on).map(([name, { condition: what }]) => `${name} ${what}`));
    expect([...new Set(awaited)].toSorted()).toEqual(
      ['kafka', 'mail', 'postgres', 'redis', 'registry'].map((name) => `${name} service_healthy`).concat(steps.map((name) => `${name} service_completed_successfully`)).toSorted(),
    );
  });

  test.each(['ingest', 'relay', 'outreach', 'migrate', 'topics'])('%s gets a complete configuration that names services of this file', (name) => {
    const config = readConfig(environmentOf(name));
    const hosts = [config.KAFKA_BROKERS.join(), new URL(config.SCHEMA_REGISTRY_URL).host, new URL(config.DATABASE_URL).host, new URL(config.REDIS_URL).host, new URL(config.SMTP_URL).host];
    expect(hosts).toEqual(['kafka:19092', 'registry:8080', 'postgres:5432', 'redis:6379', 'mail:1025']);
    expect(config.HEALTH_PORT).toBe(9400);
  });

  test('a worker starts after the tables, the topics and all that it connects to', () => {
    for (const name of ['ingest', 'relay', 'outreach']) expect(startsAfter(name)).toEqual(new Set(['migrate', 'topics', 'kafka', 'registry', 'postgres', 'redis', 'mail']));
  });

  test('the database that Postgres makes is the one that the workers use', () => {
    const url = new URL(readConfig(environmentOf('ingest')).DATABASE_URL);
    const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = serviceOf('postgres').environment;
    expect([url.username, url.password, url.pathname]).toEqual([POSTGRES_USER, POSTGRES_PASSWORD, `/${POSTGRES_DB}`]);
  });

  test('ports are open on the loopback address alone, each once, and volumes are declared', () => {
    const ports = Object.values(compose.services).flatMap((one) => one.ports.map((port) => port.split(':')[1]));
    expect(new Set(ports).size).toBe(ports.length);
    const volumes = Object.values(compose.services).flatMap((one) => one.volumes.map((volume) => volume.split(':')[0]));
    expect(new Set(volumes)).toEqual(new Set(Object.keys(compose.volumes)));
  });

  test('an encryption key from outside reaches the workers', async () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    const { services } = await readCompose({ MIDLINE_ENCRYPTION_KEY: key });
    expect(services['ingest']?.environment['MIDLINE_ENCRYPTION_KEY']).toBe(key);
  });
});

describe('Dockerfile', () => {
  test('does not run as root', () => {
    expect(dockerfile.split('\n').findLast((line) => line.startsWith('USER '))).toBe('USER node');
  });

  test('copies what exists, and starts the command of package.json', async () => {
    const copied = [...dockerfile.matchAll(/^COPY (?:--from=build \/app\/)?(.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '));
    expect(copied).toEqual(['package.json', 'package-lock.json', '.', 'package.json', 'node_modules', 'dist']);
    expect(copied.filter((path) => path !== 'dist' && !existsSync(projectFile(path)))).toEqual([]);
    const { bin } = z.object({ bin: z.object({ midline: z.string() }) }).parse(JSON.parse(await readFile(projectFile('package.json'), 'utf8')));
    expect(dockerfile).toContain(`ENTRYPOINT ["node", "--max-semi-space-size=64", "${bin.midline}"]`);
  });
});

function projectFile(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}

/** Reads the file as Docker does: first the YAML, then `${NAME:-default}` in its values (the variable, else what stands behind `:-`). */
async function readCompose(variables: Readonly<Record<string, string>> = {}): Promise<z.infer<typeof composeFile>> {
  const parsed: unknown = parse(await readFile(projectFile('docker-compose.yml'), 'utf8'), { merge: true });
  const filled = JSON.stringify(parsed).replace(/\$\{(\w+):-([^}]*)\}/g, (_, name: string, fallback: string) => variables[name] ?? fallback);
  return composeFile.parse(JSON.parse(filled));
}

function serviceOf(name: string): Service {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no ${name}`);
  return found;
}

function environmentOf(name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(serviceOf(name).environment).map(([variable, value]) => [variable, String(value)]));
}

function names(applies: (service: Service) => boolean): readonly string[] {
  return Object.keys(compose.services).filter((name) => applies(serviceOf(name)));
}

function startsAfter(name: string): Set<string> {
  const direct = Object.keys(serviceOf(name).depends_on);
  return new Set([...direct, ...direct.flatMap((other) => [...startsAfter(other)])]);
}
