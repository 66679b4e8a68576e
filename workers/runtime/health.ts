import { isNativeError } from 'node:util/types';
import fastify from 'fastify';
import type { Metrics } from './metrics.js';

export interface HealthOptions {
  /** 0: any free port; the URL says which. */
  readonly port: number;
  /** Loopback unless told otherwise. */
  readonly host?: string;
  readonly metrics: Metrics;
  /** Is the process able to work? Each throws when it is not; asked for by `/readyz`. */
  readonly checks: Readonly<Record<string, () => Promise<unknown>>>;
  /** Should the process be left running? False: whoever supervises it restarts it. */
  readonly live: () => boolean;
}

export interface Health {
  readonly url: string;
  close(): Promise<void>;
}

/** Longest wait for one check: a server that hangs is not ready. */
const patience = 2_000;

/** Serves `/livez`, `/readyz` (200 or 503, JSON with one line a check) and `/metrics` (Prometheus text). */
export async function startHealth(options: HealthOptions): Promise<Health> {
  const server = fastify({ forceCloseConnections: true });
  server.get('/livez', async (_request, reply) => {
    const live = options.live();
    return reply.code(live ? 200 : 503).send({ live });
  });
  server.get('/readyz', async (_request, reply) => {
    const answers = await Promise.all(Object.entries(options.checks).map(async ([name, check]) => [name, await answer(check)] as const));
    const ready = answers.every(([, text]) => text === 'ok');
    return reply.code(ready ? 200 : 503).send({ ready, checks: Object.fromEntries(answers) });
  });
  server.get('/metrics', async (_request, reply) => reply.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics()));
  const url = await server.listen({ port: options.port, host: options.host ?? '127.0.0.1' });
  return { url, close: () => server.close() };
}

/** The message of an error may hold addresses of servers; whoever may ask for health may see those, but never a password: only name and code are told. */
async function answer(check: () => Promise<unknown>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => { timer = setTimeout(() => { resolve(`no answer within ${patience} ms`); }, patience); });
  try {
    return await Promise.race([check().then(() => 'ok'), late]);
  } catch (error) {
    if (!isNativeError(error)) return 'failed';
    return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  } finally {
    clearTimeout(timer);
  }
}
