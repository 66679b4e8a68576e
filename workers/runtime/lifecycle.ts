import type { Log } from './log.js';

export interface Worker {
  /** Finishes or drops what is in hand and closes everything, in reverse order of opening. */
  stop(): Promise<void>;
  /** Ends when the worker has nothing more to do; rejects when it cannot go on. Left out or never ending: it works until it is stopped. */
  readonly done?: Promise<void>;
}

/** Longest time that a stop may take, in milliseconds; what supervises processes usually kills after ten seconds. */
const patience = 10_000;

/**
 * Runs a worker until SIGTERM or SIGINT comes or it is done, stops it, and ends the process: 0 after an orderly stop,
 * 1 after a fault (logged as fatal), when stopping takes longer than ten seconds, or at the second signal.
 * @param start may take long (retrying a connection); its signal aborts when the process shall stop.
 */
export async function runUntilStopped(start: (signal: AbortSignal) => Promise<Worker>, log: Log): Promise<never> {
  const stopping = new AbortController();
  const signalled = new Promise<void>((resolve) => {
    const onSignal = (name: NodeJS.Signals): void => {
      if (stopping.signal.aborted) leave(log, `${name} again`);
      stopping.abort();
      setTimeout(() => { leave(log, `not stopped after ${patience} ms`); }, patience).unref();
      resolve();
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
  try {
    const worker = await start(stopping.signal);
    const outcome = await settled(Promise.race([signalled, worker.done ?? signalled]));
    setTimeout(() => { leave(log, `not stopped after ${patience} ms`); }, patience).unref();
    await worker.stop();
    if (outcome !== undefined) throw outcome.error;
  } catch (error) {
    if (!stopping.signal.aborted || !isAbort(error)) {
      log.fatal({ error }, 'stopped by a fault');
      process.exit(1);
    }
  }
  return process.exit(0);
}

async function settled(work: Promise<void>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return { error };
  }
}

function leave(log: Log, reason: string): never {
  log.fatal({ reason }, 'gave up stopping in order');
  process.exit(1);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
