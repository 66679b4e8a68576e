import { pause } from '../runtime/backoff.js';
import { insist, type LoopOptions } from '../runtime/loop.js';
import { listenForWork } from '../store/notifications.js';
import type { Alarm } from './alarm.js';

/** Rings the alarms whenever a transaction says that it left work; without it (the connection broke) the loops still look by themselves. */
export async function listenAndRing(databaseUrl: string, alarms: readonly Alarm[], options: LoopOptions): Promise<void> {
  const ring = (): void => { for (const alarm of alarms) alarm.ring(); };
  while (!options.signal.aborted) {
    const lost = new AbortController();
    const listen = () => listenForWork(databaseUrl, ring, (error) => { options.onFault(error); lost.abort(); });
    const listener = await insist(listen, options);
    ring(); // for what happened while nobody listened
    await pause(longest, AbortSignal.any([options.signal, lost.signal]));
    await listener?.close().catch(() => undefined);
  }
}

/** The longest time that a timer knows: 24 days. */
const longest = 2 ** 31 - 1;
