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

/** How often a line is written where no bar can be shown, in milliseconds. */
const lineEvery = 10_000;

export interface FileProgress {
  readonly rows: number;
  /** Of the file, from 0 to 1. */
  readonly share: number;
}

/** Shows how far a file has been read, on standard error: as a bar where that is a terminal, else as a line every ten seconds. @param notes what else is to be said */
export async function readingFile<Result>(work: (onProgress: (progress: FileProgress) => void) => Promise<Result>, notes: () => string): Promise<Result> {
  const started = Date.now();
  const text = ({ rows, share }: FileProgress): string => `${rows} rows, ${Math.floor(share * 100)} %, ${Math.round(rows / Math.max(0.001, (Date.now() - started) / 1000))} rows/s${notes()}`;
  if (!process.stderr.isTTY) {
    let next = started + lineEvery;
    return work((progress) => {
      if (Date.now() < next) return;
      next = Date.now() + lineEvery;
      process.stderr.write(`${text(progress)}\n`);
    });
  }
  const bar = new SingleBar({ format: '{bar} {text}, {eta_formatted} left', stream: process.stderr, clearOnComplete: true, etaBuffer: 20 }, Presets.legacy);
  bar.start(1000, 0, { text: '' });
  try {
    return await work((progress) => { bar.update(Math.round(progress.share * 1000), { text: text(progress) }); });
  } finally {
    bar.stop();
  }
}
