import { createWriteStream } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toJson } from '../../schemas/json.js';
import { assignmentLines, customerLines } from '../domain/generate/customer-rows.js';
import { generateEvents, type EventSettings } from '../domain/generate/events.js';

export interface GeneratedFiles {
  readonly folder: string;
  readonly customers: number;
  readonly companies: number;
  readonly bookings: number;
  readonly events: number;
  /** Names in the folder, in the order in which they are to be used. */
  readonly files: readonly string[];
}

const sharedFiles = ['org-units.yaml', 'fees-standard.yaml', 'fees-corporate.yaml'] as const;

/**
 * Writes a company's data into a folder, made from a seed: org units, fee tables, customers, assignments, booking events.
 * The same settings write the same bytes. Streams: a million bookings need no more memory than ten.
 * @param onProgress called with the events written so far
 */
export async function generateFiles(folder: string, settings: EventSettings, onProgress: (events: number) => void = () => undefined): Promise<GeneratedFiles> {
  await mkdir(folder, { recursive: true });
  for (const file of sharedFiles) await copyFile(new URL(`../domain/generate/files/${file}`, import.meta.url), join(folder, file));
  await write(join(folder, 'customers.csv'), customerLines(settings));
  await write(join(folder, 'assignments.csv'), assignmentLines(settings));
  let events = 0;
  await write(join(folder, 'events.ndjson'), eventLines(settings, () => {
    events++;
    if (events % 1000 === 0) onProgress(events);
  }));
  const { customers, companies, bookings } = settings;
  return { folder, customers, companies, bookings, events, files: [...sharedFiles, 'customers.csv', 'assignments.csv', 'events.ndjson'] };
}

function* eventLines(settings: EventSettings, onEvent: () => void): Generator<string> {
  for (const event of generateEvents(settings)) {
    onEvent();
    yield `${JSON.stringify(toJson('BookingEvent', event))}\n`;
  }
}

/** In pieces of many lines: a write for each line would cost more than making it. */
async function write(path: string, lines: Iterable<string>): Promise<void> {
  await pipeline(Readable.from(pieces(lines)), createWriteStream(path));
}

const pieceLength = 256 * 1024;

function* pieces(lines: Iterable<string>): Generator<string> {
  let piece = '';
  for (const next of lines) {
    piece += next;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
