import type { RejectionCode } from '../domain/rejection.js';

/** One record of a file, or the piece of it that could not be read as one. */
export type SourceRecord = GoodRecord | BadRecord;

interface GoodRecord {
  /** The record's place in its file, from 1; a header is not counted, a bad record is. */
  readonly number: number;
  /** The line on which it begins, from 1. */
  readonly line: number;
  readonly value: unknown;
  /** What the map's `fetch` brought for it. */
  readonly fetched?: unknown;
}

export interface BadRecord {
  readonly number: number;
  readonly line: number;
  readonly problem: string;
  /** The one cell that is wrong; left out: the record as a whole. */
  readonly cell?: BadCell;
  /** What kind of problem; left out: it cannot be read in its format. */
  readonly code?: RejectionCode;
}

export interface BadCell {
  readonly field: string;
  /** Its bytes, read as latin1. */
  readonly value: string;
}

/** The bytes of a file as they come. */
export type Bytes = AsyncIterable<Uint8Array>;

/** Longest record in bytes: one that is not ended by then is a quotation mark, bracket or tag that nobody closed. */
export const recordLimit = 16 * 1024 * 1024;

export const tooLong = `is longer than ${recordLimit} bytes: something in it is not closed`;

/** A file cannot be read on, or not at all: it is no zip, has no header, holds a DTD. What was read of it before stands. */
export class UnreadableFileError extends Error {
  override readonly name = 'UnreadableFileError';
}
