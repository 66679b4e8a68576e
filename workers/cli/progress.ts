import { Presets, SingleBar } from 'cli-progress';

/** Shows a growing count on standard error while `work` runs, where that is a terminal. How many there will be is not known: the bar has no end. */
export async function counting<Result>(what: string, work: (count: (so: number) => void) => Promise<Result>): Promise<Result> {
  if (!process.stderr.isTTY) return work(() => undefined);
  const bar = new SingleBar({ format: `{value} ${what}, {duration_formatted}`, stream: process.stderr, clearOnComplete: true }, Presets.legacy);
  bar.start(0, 0);
  try {
    return await work((so) => { bar.update(so); });
  } finally {
    bar.stop();
  }
}

/** Shows how far `work` is, on standard error, where that is a terminal. */
export async function advancing<Result>(what: string, work: (onProgress: (done: number, all: number) => void) => Promise<Result>): Promise<Result> {
  if (!process.stderr.isTTY) return work(() => undefined);
  const bar = new SingleBar({ format: `{bar} {value} of {total} ${what}, {duration_formatted}, {eta_formatted} left`, stream: process.stderr, clearOnComplete: true, etaBuffer: 20 }, Presets.legacy);
  bar.start(0, 0);
  try {
    return await work((done, all) => {
      bar.setTotal(all);
      bar.update(done);
    });
  } finally {
    bar.stop();
  }
}
