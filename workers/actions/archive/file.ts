import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { archivedBookingSchema, type ArchivedBooking } from '../../../schemas/archive-file.js';

/** Bookings are nobody's but the owner's. */
const mode = 0o600;

/** Writes lines to a gzip file that has its name only when all of it is on disk; one that is cut short is left as `….part`. Returns its SHA-256. */
export async function writeLines(file: string, lines: AsyncIterable<string>): Promise<Buffer> {
  const part = `${file}.part`;
  const digest = createHash('sha256');
  try {
    await pipeline(
      Readable.from(lines), createGzip(),
      async function* hashed(chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          digest.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(part, { flags: 'wx', mode, flush: true }),
    );
    await nameForGood(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return digest.digest();
}

/** Writes a small file in the same way; one of that name is replaced. */
export async function writeText(file: string, text: string): Promise<void> {
  const part = `${file}.part`;
  await writeFile(part, text, { mode, flush: true });
  await nameForGood(part, file);
}

/** A name is safe once its folder is on disk. */
async function nameForGood(part: string, file: string): Promise<void> {
  await rename(part, file);
  const folder = await open(dirname(file));
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The SHA-256 of a file. */
export async function sha256Of(file: string): Promise<Buffer> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(file), digest);
  return digest.digest();
}

/** The bookings of an archive, so many at a time. */
export async function* readBookings(file: string, atOnce: number): AsyncGenerator<readonly ArchivedBooking[]> {
  let bookings: ArchivedBooking[] = [];
  for await (const line of linesOf(createReadStream(file).pipe(createGunzip()))) {
    bookings.push(archivedBookingSchema.parse(JSON.parse(line)));
    if (bookings.length === atOnce) yield bookings.splice(0);
  }
  if (bookings.length > 0) yield bookings;
}

/** Lines by their newline alone: a text may hold other characters that end lines. Each line must end. */
async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  for await (const chunk of bytes) {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8');
      parts = [];
      start = end + 1;
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
}
