import { setTimeout as sleep } from 'node:timers/promises';

export interface BackoffOptions {
  /** Ends the waiting: the last fault, or the abort, is thrown. */
  readonly signal: AbortSignal;
  /** Called for every fault before the pause: `attempt` from 1, `pause` in milliseconds. The place for log, metric and health. */
  readonly onFault?: (error: unknown, attempt: number, pause: number) => void;
  /** Which faults are worth another try; the others are thrown. All, when left out. */
  readonly worthRetrying?: (error: unknown) => boolean;
  /** Longest pause before the second attempt, in milliseconds. */
  readonly first?: number;
  /** Longest pause of all, in milliseconds. */
  readonly longest?: number;
}

/** How long to wait before attempt `attempt + 1`: doubles from `first` up to `longest`, then a random share between half and all of it, so that many workers do not come back together. */
export function pauseBefore(attempt: number, random: number, first = 100, longest = 5_000): number {
  const whole = Math.min(longest, first * 2 ** Math.min(attempt - 1, 30));
  return Math.round(whole / 2 + (whole / 2) * random);
}

/** Waits; returns early, without an error, when `signal` aborts. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** Waits for `work` to end, well or not, but no longer than `milliseconds`. */
export async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const ended = new AbortController();
  await Promise.race([work.catch(() => undefined), pause(milliseconds, ended.signal)]);
  ended.abort();
}

/** Does `work` until it succeeds, for ever: errors of the world go away. */
export async function retryForever<Result>(work: () => Promise<Result>, options: BackoffOptions): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    options.signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (options.signal.aborted || options.worthRetrying?.(error) === false) throw error;
      const wait = pauseBefore(attempt, Math.random(), options.first, options.longest);
      options.onFault?.(error, attempt, wait);
      await pause(wait, options.signal);
    }
  }
}
