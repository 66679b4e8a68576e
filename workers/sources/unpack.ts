import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { Unzip, UnzipInflate } from 'fflate';
import { UnreadableFileError, type Bytes } from './record.js';

/** One file to read: a plain or gzipped one itself, or one of those in a zip (its name is then `zip/inner name`). */
export interface UnpackedFile {
  readonly name: string;
  readonly bytes: Bytes;
}

/** Opens plain, gzipped and zipped files by their first bytes, whatever their names. Each file's bytes must be read before the next is asked for. */
export async function* unpack(name: string, bytes: Bytes): AsyncGenerator<UnpackedFile> {
  const { head, all } = await peek(bytes);
  if (startsWith(head, [0x50, 0x4b, 0x03, 0x04])) yield* unzip(name, all);
  else if (startsWith(head, [0x1f, 0x8b])) yield { name, bytes: gunzip(all) };
  else yield { name, bytes: all };
}

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((byte, index) => bytes[index] === byte);

/** The first bytes (four, if there are as many), and all of them again. */
async function peek(bytes: Bytes): Promise<{ readonly head: Uint8Array; readonly all: Bytes }> {
  const rest = bytes[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  while (head.length < 4) {
    const next = await rest.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* again(): AsyncGenerator<Uint8Array> {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  }
  return { head, all: again() };
}

async function* gunzip(bytes: Bytes): AsyncGenerator<Uint8Array> {
  const source = Readable.from(bytes);
  const stream = createGunzip();
  source.on('error', (error) => stream.destroy(error));
  try {
    for await (const chunk of source.pipe(stream) as AsyncIterable<Uint8Array>) yield chunk;
  } catch (error) {
    throw isZlibError(error) ? new UnreadableFileError(`is no whole gzip file (${error.message})`) : error;
  }
}

const isZlibError = (error: unknown): error is { readonly message: string } =>
  typeof error === 'object' && error !== null && 'message' in error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');

type ZipPart = { readonly name: string } | { readonly data: Uint8Array; readonly final: boolean };

/** Small, so that what one piece inflates to stays small too (at most a thousand times as much). */
const pieceLength = 16 * 1024;

/** The files in a zip in their order, without folders, hidden files and the extra entries of macOS. */
async function* unzip(zip: string, bytes: Bytes): AsyncGenerator<UnpackedFile> {
  const parts: ZipPart[] = [];
  const source = pump(bytes, parts);
  const next = async (): Promise<ZipPart | undefined> => {
    while (parts.length === 0) if ((await source.next()).done === true) return undefined;
    return parts.shift();
  };
  async function* dataOf(name: string): AsyncGenerator<Uint8Array> {
    for (let part = await next(); ; part = await next()) {
      if (part === undefined || 'name' in part) throw new UnreadableFileError(`is no whole zip: ${name} is cut off`);
      yield part.data;
      if (part.final) return;
    }
  }
  let files = 0;
  for (let part = await next(); part !== undefined; part = await next()) {
    if (!('name' in part)) continue;
    files++;
    const data = dataOf(part.name);
    yield { name: `${zip}/${part.name}`, bytes: data };
    for await (const _ of data);
  }
  if (files === 0) throw new UnreadableFileError('is a zip without a file in it');
}

/** Pushes the bytes through the unzipper piece by piece; what comes out is put into `parts`. */
async function* pump(bytes: Bytes, parts: ZipPart[]): AsyncGenerator<void> {
  const unzipper = new Unzip((file) => {
    if (isHidden(file.name)) return;
    parts.push({ name: file.name });
    file.ondata = (error, data, final) => {
      if (error !== null) throw error;
      parts.push({ data, final });
    };
    file.start();
  });
  unzipper.register(UnzipInflate);
  for await (const chunk of bytes) {
    for (let start = 0; start < chunk.length; start += pieceLength) {
      push(unzipper, chunk.subarray(start, start + pieceLength), false);
      yield;
    }
  }
  push(unzipper, new Uint8Array(), true);
  yield;
}

function push(unzipper: Unzip, piece: Uint8Array, final: boolean): void {
  try {
    unzipper.push(piece, final);
  } catch (error) {
    throw new UnreadableFileError(`is no whole zip (${error instanceof Error ? error.message : String(error)})`);
  }
}

const isHidden = (name: string): boolean => name.endsWith('/') || name.split('/').some((part) => part.startsWith('.') || part === '__MACOSX');
