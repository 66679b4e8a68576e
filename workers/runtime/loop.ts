import { retryForever } from './backoff.js';
import { faultKind } from './faults.js';

/** What a process's loops share: when to end, and where faults of the world are told. */
export interface LoopOptions {
  readonly signal: AbortSignal;
  readonly onFault: (error: unknown) => void;
}

/**
 * Does `step` over and over until the signal aborts, with a backoff of its own. Faults of the world are retried; any other is thrown.
 * @param step says whether more may be waiting; if not, `rest` comes before the next one.
 */
export async function keepGoing(step: () => Promise<boolean>, rest: () => Promise<void>, options: LoopOptions): Promise<void> {
  while (!options.signal.aborted) {
    const more = await insist(step, options);
    if (more !== true) await rest();
  }
}

/** Does `work` until it succeeds; undefined when the signal ended that. Faults that are none of the world's are thrown. */
export async function insist<Result>(work: () => Promise<Result>, { signal, onFault }: LoopOptions): Promise<Result | undefined> {
  try {
    return await retryForever(work, { signal, onFault, worthRetrying: (error) => faultKind(error) === 'world' });
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}
