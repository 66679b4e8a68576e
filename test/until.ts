import { setTimeout as pause } from 'node:timers/promises';

/** Asks again and again, fifty times a second, until the answer is yes. @throws Error after so many seconds in vain */
export async function until(answer: () => Promise<boolean>, seconds = 120): Promise<void> {
  for (const end = Date.now() + seconds * 1_000; !await answer(); await pause(20)) if (Date.now() > end) throw new Error(`waited ${seconds} s in vain`);
}
