import { setTimeout as delay } from 'node:timers/promises';
import { cpuOf, memoryOf, type NodeProcess } from './processes.js';

/** A way of handling events, at work. */
export interface Running {
  /** Its own processes, by name. */
  readonly processes: Readonly<Record<string, NodeProcess>>;
  /** The one whose memory is looked at. */
  readonly worker: NodeProcess;
  /** Events handled so far. */
  readonly handled: () => Promise<number>;
  /** Nothing of what was handled waits for its job any more; asked once all is handled. */
  readonly enqueued: () => Promise<boolean>;
  /** Nothing at all is left to do; asked after that. */
  readonly quiet: () => Promise<boolean>;
  /** Seconds spent in each step so far; empty where nobody counts them. */
  readonly steps: () => Promise<Readonly<Record<string, number>>>;
  readonly stop: () => Promise<void>;
}

export interface MeasureOptions {
  /** Events that the run handles. */
  readonly total: number;
  /** The first of them, which are not measured: the process warms up. */
  readonly runUp: number;
  /** Pids of the servers that do work for it, by name. */
  readonly servers: Readonly<Record<string, number>>;
}

export interface Measured {
  /** Events that were measured, and how long they took until the last one's job was in the queue. */
  readonly events: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Until the outbox was empty too; the CPU time counts to there. */
  readonly secondsUntilQuiet: number;
  /** Microseconds of CPU time per event by process, user and system; empty where the system has no /proc. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Microseconds per event between begin and end of a step, waiting included; lanes overlap. */
  readonly steps: Readonly<Record<string, number>>;
  /** Resident memory of the worker in MiB: means of the first and the last quarter of the events, and the most. */
  readonly memory: { readonly first: number; readonly last: number; readonly most: number } | null;
  /** Events a second in the first and the last quarter of the events. */
  readonly quarters: { readonly first: number; readonly last: number };
}

interface Snapshot {
  readonly at: number;
  readonly handled: number;
  readonly cpu: Readonly<Record<string, number | null>>;
  readonly steps: Readonly<Record<string, number>>;
}

interface Sample {
  readonly at: number;
  readonly handled: number;
  readonly memory: number | null;
}

const lookEvery = 25;

/** Watches a run from the end of its run-up to its end. Rejects when one of its processes ends early. */
export async function measure(running: Running, { total, runUp, servers }: MeasureOptions): Promise<Measured> {
  const pids = { ...Object.fromEntries(Object.entries(running.processes).map(([name, { pid }]) => [name, pid])), ...servers };
  const samples: Sample[] = [];

  async function snapshot(handled: number): Promise<Snapshot> {
    const at = performance.now();
    return { at, handled, cpu: Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuOf(pid)])), steps: await running.steps() };
  }

  async function untilHandled(count: number): Promise<number> {
    for (;;) {
      const handled = await running.handled();
      samples.push({ at: performance.now(), handled, memory: memoryOf(running.worker.pid) });
      if (handled >= count) return handled;
      await delay(lookEvery);
    }
  }

  async function watch(): Promise<Measured> {
    const begin = await snapshot(await untilHandled(runUp));
    await untilHandled(total);
    await until(running.enqueued);
    const enqueuedAt = performance.now();
    await until(running.quiet);
    const end = await snapshot(total);
    return summaryOf(begin, enqueuedAt, end, samples);
  }

  return Promise.race([watch(), ...Object.values(running.processes).map(({ failed }) => failed)]);
}

async function until(answer: () => Promise<boolean>): Promise<void> {
  while (!(await answer())) await delay(5);
}

function summaryOf(begin: Snapshot, enqueuedAt: number, end: Snapshot, samples: readonly Sample[]): Measured {
  const events = end.handled - begin.handled;
  const perEvent = (before: Readonly<Record<string, number | null>>, after: Readonly<Record<string, number | null>>, factor: number): Record<string, number> =>
    Object.fromEntries(Object.entries(after).flatMap(([name, value]) => (value === null ? [] : [[name, ((value - (before[name] ?? 0)) * factor) / events]])));
  const seconds = (enqueuedAt - begin.at) / 1_000;
  return {
    events, seconds, perSecond: events / seconds, secondsUntilQuiet: (end.at - begin.at) / 1_000,
    cpu: perEvent(begin.cpu, end.cpu, 1), steps: perEvent(begin.steps, end.steps, 1e6),
    ...curveOf(begin, end, samples),
  };
}

function curveOf(begin: Snapshot, end: Snapshot, samples: readonly Sample[]): Pick<Measured, 'memory' | 'quarters'> {
  const quarter = (end.handled - begin.handled) / 4;
  const within = samples.filter(({ handled }) => handled >= begin.handled);
  const first = within.filter(({ handled }) => handled <= begin.handled + quarter);
  const last = within.filter(({ handled }) => handled >= end.handled - quarter);
  const memories = (part: readonly Sample[]): readonly number[] => part.flatMap(({ memory }) => memory ?? []);
  const all = memories(within);
  return {
    memory: all.length === 0 ? null : { first: meanOf(memories(first)), last: meanOf(memories(last)), most: Math.max(...all) },
    quarters: { first: rateOf(first), last: rateOf(last) },
  };
}

function rateOf(samples: readonly Sample[]): number {
  const [first, last] = [samples[0], samples.at(-1)];
  return first === undefined || last === undefined || first === last ? 0 : ((last.handled - first.handled) * 1_000) / (last.at - first.at);
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
