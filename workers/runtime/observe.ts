import type { Log } from './log.js';
import type { Metrics } from './metrics.js';

/** Wraps a step: its duration goes to `midline_step_seconds{step}`, a fault to the debug log with the step's name; result and error pass through unchanged. Steps themselves stay silent. */
export function observe<Arguments extends readonly unknown[], Result>(
  name: string,
  step: (...input: Arguments) => Promise<Result>,
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
): (...input: Arguments) => Promise<Result> {
  return async (...input) => {
    const end = metrics.stepSeconds.startTimer({ step: name });
    try {
      return await step(...input);
    } catch (error) {
      log.debug({ step: name, error }, 'step failed');
      throw error;
    } finally {
      end();
    }
  };
}
