import { fileURLToPath } from 'node:url';
import type { ServiceEnvironment } from '../services/start.js';
import type { Running } from './measure.js';
import type { NaiveOptions } from './naive.js';
import { startNode } from './processes.js';

/** Starts the naive consumer in a process of its own. */
export async function startNaiveWay(environment: ServiceEnvironment, { topic, group, partitionsAtOnce }: Pick<NaiveOptions, 'topic' | 'group' | 'partitionsAtOnce'>): Promise<Running> {
  const settings: Omit<NaiveOptions, 'onHandled'> = {
    brokers: environment.KAFKA_BROKERS.split(','), registryUrl: environment.SCHEMA_REGISTRY_URL, databaseUrl: environment.DATABASE_URL, redisUrl: environment.REDIS_URL,
    topic, group, partitionsAtOnce,
  };
  const worker = await startNode([fileURLToPath(new URL('./naive-main.js', import.meta.url)), JSON.stringify(settings)]);
  let handled = 0;
  worker.onMessage((message) => { handled = Number(message); });
  return {
    processes: { naive: worker }, worker,
    handled: async () => handled,
    enqueued: async () => true, // an event is handled when its job is in the queue
    quiet: async () => true,
    steps: async () => ({}),
    stop: () => worker.stop(),
  };
}
