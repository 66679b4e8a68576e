import { setTimeout } from 'node:timers/promises';

/** Asks again and again, fifty times a second, until the answer is yes; the test's own time limit ends it. */
export async function until(answer: () => Promise<boolean>): Promise<void> {
  while (!await answer()) await setTimeout(20);
}
