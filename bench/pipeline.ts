import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createPortFinder } from '../services/ports.js';
import type { ServiceEnvironment } from '../services/start.js';
import { createDatabase } from '../workers/store/database.js';
import type { Running } from './measure.js';
import { startNode } from './processes.js';

export interface PipelineOptions {
  readonly topic: string;
  readonly group: string;
  /** Lanes of the one ingest process. */
  readonly partitionsAtOnce: number;
  /** For Node, before the file: `--cpu-prof`, for example. */
  readonly nodeOptions?: readonly string[];
}

/** Node's options as the first line of the command says them. */
const nodeOptionsOfCli = ['--max-semi-space-size=64'] as const;
const cli = fileURLToPath(new URL('../workers/cli/main.js', import.meta.url));
const readyWithin = 30_000;

/** Starts midline as it is run: `midline worker relay` and `midline worker ingest`, each in a process of its own, with nothing changed but the lanes. */
export async function startPipeline(environment: ServiceEnvironment, { topic, group, partitionsAtOnce, nodeOptions = [] }: PipelineOptions): Promise<Running> {
  const freePort = createPortFinder();
  const database = createDatabase(environment.DATABASE_URL, { max: 1, application: 'midline bench' });
  const before = await nextOffsets();

  async function startWorker(kind: 'ingest' | 'relay', more: readonly string[] = []) {
    const port = await freePort();
    const process = await startNode([...nodeOptionsOfCli, ...nodeOptions, cli, 'worker', kind, ...more], {
      ...environment, LOG_LEVEL: 'error', HEALTH_PORT: String(port), INGEST_PARTITIONS_AT_ONCE: String(partitionsAtOnce),
    });
    const url = `http://127.0.0.1:${port}`;
    await Promise.race([untilReady(url), process.failed]);
    return { process, url };
  }

  async function nextOffsets(): Promise<number> {
    const [row] = await database.query<{ readonly sum: string | null }>('select sum(next_offset) as sum from consumer_offset where consumer_group = $1 and topic = $2', [group, topic]);
    return Number(row?.sum ?? 0);
  }

  const isEmpty = async (rows: string): Promise<boolean> => (await database.query(`select 1 from ${rows} limit 1`)).length === 0;

  const relay = await startWorker('relay');
  const ingest = await startWorker('ingest', ['--group', group]);
  return {
    processes: { ingest: ingest.process, relay: relay.process }, worker: ingest.process,
    handled: async () => (await nextOffsets()) - before,
    enqueued: () => isEmpty(`message where state = 'due'`),
    quiet: () => isEmpty('outbox'),
    steps: () => secondsByStep(ingest.url),
    async stop() {
      await ingest.process.stop();
      await relay.process.stop();
      await database.close();
    },
  };
}

async function untilReady(url: string): Promise<void> {
  for (const deadline = Date.now() + readyWithin; ; await delay(50)) {
    const response = await fetch(`${url}/readyz`).catch(() => null);
    if (response?.ok === true) return;
    if (Date.now() > deadline) throw new Error(`a worker was not ready within ${readyWithin / 1_000} s: ${response === null ? 'no answer' : await response.text()}`);
  }
}

/** The sums of the histogram `midline_step_seconds`. */
async function secondsByStep(url: string): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Object.fromEntries([...text.matchAll(/^midline_step_seconds_sum\{step="([^"]+)"\} (\S+)$/gm)].map(([, step = '', seconds]) => [step, Number(seconds)]));
}
