import type { Command } from 'commander';
import { migrationNames } from '../../migrations/index.js';
import { retryForever } from '../runtime/backoff.js';
import type { Config } from '../runtime/config.js';
import { faultKind } from '../runtime/faults.js';
import { runUntilStopped, type Worker } from '../runtime/lifecycle.js';
import { createLog, type Log } from '../runtime/log.js';
import { configOf, withDatabase } from './connect.js';
import { examples } from './output.js';
import { counting } from './progress.js';

type Running = Worker & { readonly healthUrl: string };

interface IngestOptions {
  readonly group: string;
  readonly drain?: boolean;
  readonly json?: boolean;
}

/** `midline worker …`: the processes. Their code is loaded only when they run. */
export function registerWorker(program: Command): void {
  const worker = program.command('worker').description('run a process: it works until SIGTERM, stops in order within ten seconds, and serves /livez, /readyz and /metrics');
  worker
    .command('ingest')
    .description('settle booking events: match, charge, store; more processes of one group share the partitions')
    .option('--group <name>', 'consumer group', 'midline')
    .option('--drain', 'end when everything that is in the topic is settled')
    .option('--json', 'with --drain: print what was settled as one JSON document')
    .addHelpText('after', examples('midline worker ingest', 'midline worker ingest --group replay --drain', 'HEALTH_PORT=9101 INGEST_PARTITIONS_AT_ONCE=4 midline worker ingest'))
    .action(ingest);
  worker
    .command('relay')
    .description('carry due messages to the queue, order events and dead letters to Kafka')
    .addHelpText('after', examples('midline worker relay'))
    .action(async () => {
      const { startRelay } = await import('../relay/main.js');
      const config = configOf('KAFKA_BROKERS', 'DATABASE_URL', 'REDIS_URL');
      await run('relay', config, (how) => startRelay(config, how));
    });
  worker
    .command('outreach')
    .description('render and send what is queued')
    .addHelpText('after', examples('midline worker outreach'))
    .action(async () => {
      const { startOutreach } = await import('../outreach/main.js');
      const config = configOf('DATABASE_URL', 'REDIS_URL', 'SMTP_URL');
      await run('outreach', config, (how) => startOutreach(config, how));
    });
  worker
    .command('all')
    .description('ingest, relay and outreach in one process, for small installations; HEALTH_PORT and the two ports above it are used')
    .option('--group <name>', 'consumer group of ingest', 'midline')
    .addHelpText('after', examples('midline worker all'))
    .action(async ({ group }: { readonly group: string }) => {
      const config = configOf('KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL', 'SMTP_URL');
      const at = (place: number): typeof config => ({ ...config, HEALTH_PORT: config.HEALTH_PORT === 0 ? 0 : config.HEALTH_PORT + place });
      const [{ startIngest }, { startRelay }, { startOutreach }] = await Promise.all([import('../ingest/main.js'), import('../relay/main.js'), import('../outreach/main.js')]);
      await run('all', config, async (how) => {
        const workers = await Promise.all([startIngest(at(0), { ...how, group }), startRelay(at(1), how), startOutreach(at(2), how)]);
        return {
          healthUrl: workers.map((one) => one.healthUrl).join(' '),
          done: Promise.race(workers.map((one) => one.done ?? new Promise<void>(() => undefined))),
          stop: async () => { await Promise.all(workers.map((one) => one.stop())); },
        };
      });
    });
}

async function ingest({ group, drain = false, json = false }: IngestOptions): Promise<void> {
  const { startIngest } = await import('../ingest/main.js');
  const config = configOf('KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL');
  if (!drain) return run('ingest', config, (how) => startIngest(config, { ...how, group }));
  const began = performance.now();
  let settled = 0;
  await counting('messages settled', (count) => run('ingest', config, async (how) => {
    const worker = await startIngest(config, { ...how, group, drain, onProgress: (so) => { count(settled = so); } });
    let drained = false;
    return {
      ...worker,
      done: worker.done.then(() => { drained = true; }),
      async stop() {
        await worker.stop();
        const seconds = Math.round(performance.now() - began) / 1_000;
        const end = drained ? 'nothing is left to read.' : 'stopped before the end.';
        process.stdout.write(json ? `${JSON.stringify({ group, drained, settled, seconds })}\n` : `Settled ${settled} messages in ${seconds} s; ${end}\n`);
      },
    };
  }));
}

interface How {
  readonly log: Log;
  /** The newest migration that this build knows. */
  readonly schema: string;
}

/** Starts once the database answers, and only if this build fits to its schema. */
async function run(kind: string, { LOG_LEVEL }: Pick<Config, 'LOG_LEVEL'>, start: (how: How) => Promise<Running>): Promise<void> {
  const log = createLog(LOG_LEVEL, { worker: kind });
  const schema = (await migrationNames()).at(-1) ?? '';
  await runUntilStopped(async (signal) => {
    await retryForever(() => withDatabase(async () => undefined), {
      signal,
      worthRetrying: (error) => faultKind(error) === 'world',
      onFault: (error) => { log.warn({ error, fault: 'schema' }, 'trying again'); },
    });
    const worker = await start({ log, schema });
    log.info({ health: worker.healthUrl }, 'started');
    return worker;
  }, log);
}
