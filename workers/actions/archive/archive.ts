import { hash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ArchivedBooking } from '../../../schemas/archive-file.js';
import { toJson } from '../../../schemas/json.js';
import { foldAll } from '../../domain/fold.js';
import {
  datedHistoryOf, finishArchive, insertArchive, markArchived, removeWires, staleAmong, takeArchiveLock, unfinishedArchives, wholeOrders,
  type Archive, type DatedEvent, type WholeOrder,
} from '../../store/archive.js';
import { audit } from '../../store/audit.js';
import type { StoredEvent } from '../../store/booking-events.js';
import type { Database, Queryable } from '../../store/database.js';
import { shareFacts } from '../../store/facts-lock.js';
import { lockOrders } from '../../store/orders.js';
import { workersBefore } from '../../store/workers.js';
import { transactionJson } from '../orders.js';
import { contentHash } from '../settle/event-content.js';
import type { Wire } from '../settle/wire.js';
import { readBookings, sha256Of, writeLines, writeText } from './file.js';

/** Bookings that are read, or closed in one transaction, at a time. */
const chunk = 500;

export interface ArchiveTools {
  readonly database: Database;
  readonly wire: Wire;
}

export interface ArchiveJob {
  /** A day: bookings whose travel and last event lie before it. */
  readonly before: string;
  /** Where the file is written; made if it is missing. */
  readonly folder: string;
  readonly actor: string;
  readonly version: string;
  readonly now: () => Date;
  readonly onProgress?: ((step: 'exported' | 'closed', bookings: number) => void) | undefined;
}

/** What became of one file. */
export interface Archived {
  readonly file: string;
  readonly bookings: number;
  readonly events: number;
  /** Bookings of the file whose events are now only there. */
  readonly closed: number;
  /** Bookings of the file that changed before they could be closed: they are as they were, and a later run takes them again. */
  readonly changed: number;
}

/** One archive or restore runs at a time. */
class ArchiveBusy extends Error {
  override readonly name = 'ArchiveBusy';
  constructor() {
    super('another midline archive is at work on this database; wait until it has ended');
  }
}

/** Runs work while no other archive or restore is at work. The lock is a connection's, so it goes with the process. */
export async function aloneWithArchives<Result>(database: Database, work: () => Promise<Result>): Promise<Result> {
  return database.transaction(async (tx) => {
    if (!await takeArchiveLock(tx)) throw new ArchiveBusy();
    return work();
  });
}

/**
 * Archives ended bookings: exports them whole to a file, and once that is safe closes them, so many in a transaction; of their events ids and content hashes stay.
 * What a run that was cut short has exported is closed first. Workers may run: a booking that changes between export and closing stays open.
 * @returns a line for each file; none: there was nothing to archive.
 * @throws ArchiveBusy; Error where ingest of a build without archives is alive, or the file of a run that was cut short is not where it was.
 */
export async function archiveBookings(tools: ArchiveTools, job: ArchiveJob): Promise<readonly Archived[]> {
  return aloneWithArchives(tools.database, async () => {
    await requireNewIngest(tools.database);
    const archived: Archived[] = [];
    for (const archive of await unfinishedArchives(tools.database)) archived.push(await close(tools, archive, job));
    const archive = await exportBookings(tools, job);
    if (archive !== null) archived.push(await close(tools, archive, job));
    return archived;
  });
}

/** Ingest of an older build would fold onto an archived order as if nothing were missing. */
async function requireNewIngest(db: Queryable): Promise<void> {
  const older = (await workersBefore(db, migration)).filter(({ kind }) => kind === 'ingest');
  if (older.length > 0) throw new Error(`ingest workers of an older build are alive, to which archived bookings mean nothing (${older.map(({ id }) => id).join(', ')}): replace them first (a killed one is forgotten after 30 s)`);
}

/** Since which the schema knows of archives. */
const migration = '0008-archive.sql';

/** Writes the file and notes it in the database; null: there is nothing to write. A run that is cut before the note leaves a file without a manifest, which nobody reads. */
async function exportBookings({ database, wire }: ArchiveTools, { before, folder, actor, version, now, onProgress }: ArchiveJob): Promise<Archive | null> {
  const createdAt = now();
  const counts = { orders: 0, events: 0 };
  async function* linesFrom(first: readonly WholeOrder[]): AsyncGenerator<string> {
    for (let page = first; page.length > 0; page = await wholeOrders(database, before, page.at(-1)?.order.id ?? null, chunk)) {
      const history = await datedHistoryOf(database, page.map(({ order }) => order.id));
      await wire.prepare(history);
      const events = byOrder(history);
      for (const whole of page) yield `${JSON.stringify(bookingJson(whole, events.get(whole.order.id) ?? [], wire))}\n`;
      counts.orders += page.length;
      counts.events += history.length;
      onProgress?.('exported', counts.orders);
    }
  }
  const first = await wholeOrders(database, before, null, chunk);
  if (first.length === 0) return null;
  await mkdir(folder, { recursive: true });
  const file = join(resolve(folder), `bookings-before-${before}.${createdAt.toISOString().replaceAll(/[-:.]/g, '')}.ndjson.gz`);
  const sha256 = await writeLines(file, linesFrom(first));
  return database.transaction(async (tx) => {
    await audit(tx, actor, 'archive', file, { before, ...counts }, createdAt);
    return insertArchive(tx, { file, sha256, before, ...counts, events: String(counts.events), version, createdAt });
  });
}

function byOrder(history: readonly DatedEvent[]): ReadonlyMap<string, readonly DatedEvent[]> {
  const events = new Map<string, DatedEvent[]>();
  for (const event of history) {
    const before = events.get(event.orderId);
    if (before === undefined) events.set(event.orderId, [event]);
    else before.push(event);
  }
  return events;
}

/** The events' sensitive data is only in their bytes, which are as the inbox had them: encrypted, or without it. */
function bookingJson(whole: WholeOrder, history: readonly DatedEvent[], wire: Wire) {
  const events = history.map((row) => ({ row, event: wire.decode(row) }));
  return {
    ...whole,
    transactions: foldAll(events.map(({ event }) => event)).transactions.map(transactionJson),
    events: events.map(({ row, event }) => ({
      eventId: row.eventId, receivedAt: row.receivedAt, form: row.wireForm, wire: row.wire.toString('base64'),
      event: toJson('BookingEvent', event.booking == null ? event : { ...event, booking: { ...event.booking, sensitive: null } }),
    })),
  };
}

/** Closes the bookings of a file that is on disk as it was written. May be cut short at any moment and done again. */
async function close(tools: ArchiveTools, archive: Archive, { actor, now, onProgress }: ArchiveJob): Promise<Archived> {
  const { file, sha256, before, orders, events, version, createdAt } = archive;
  await requireWhole(archive);
  const manifest = { file, sha256: sha256.toString('hex'), before, bookings: orders, events: Number(events), midline: version, createdAt };
  await writeText(`${file}.manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  let seen = 0;
  onProgress?.('closed', seen);
  for await (const bookings of readBookings(file, chunk)) {
    await tools.database.transaction((tx) => closeWithin(tx, tools.wire, archive, bookings, actor, now()));
    seen += bookings.length;
    onProgress?.('closed', seen);
  }
  const closed = await tools.database.transaction((tx) => finishArchive(tx, archive.id, now()));
  return { file, bookings: orders, events: Number(events), closed, changed: orders - closed };
}

async function requireWhole({ file, sha256 }: Archive): Promise<void> {
  const found = await sha256Of(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Error(`an earlier midline archive was cut short, and its file ${file} is not there: put it back, or run this where it is`);
    throw error;
  });
  if (!found.equals(sha256)) throw new Error(`${file} is not what was written (another SHA-256): put the whole file back`);
}

/** Closes those of the bookings that are as they were exported; the order's lock keeps them so. */
async function closeWithin(tx: Queryable, wire: Wire, archive: Archive, bookings: readonly ArchivedBooking[], actor: string, now: Date): Promise<void> {
  await shareFacts(tx);
  const ids = bookings.map(({ order }) => order.id).sort();
  const locked = new Map((await lockOrders(tx, ids)).map((order) => [order.id, order]));
  const stale = await staleAmong(tx, ids);
  const same = bookings.filter(({ order: { id, revision } }) => locked.get(id)?.revision === revision && locked.get(id)?.archive === null && !stale.has(id));
  if (same.length === 0) return;
  const events = same.flatMap(eventsOf);
  await wire.prepare(events);
  const removed = await removeWires(tx, events.map((event) => (
    { source: event.source, eventId: event.eventId, wireHash: hash('sha256', event.wire, 'buffer'), contentHash: contentHash(wire.decode(event)) })));
  const folded = same.reduce((sum, { order }) => sum + (locked.get(order.id)?.state.eventCount ?? 0), 0);
  if (removed !== folded) throw new Error(`${folded} events were folded into ${same.length} bookings of ${archive.file}, and ${removed} are in the database as the file has them: nothing of these bookings was closed; see midline reconcile`);
  await markArchived(tx, archive.id, same.map(({ order }) => order.id), now);
  await audit(tx, actor, 'archive close', archive.file, { bookings: same.length, events: removed }, now);
}

/** The events of an archived booking as the inbox had them. */
export const eventsOf = ({ order, events }: ArchivedBooking): readonly StoredEvent[] =>
  events.map(({ eventId, form, wire }) => ({ source: order.source, eventId, orderId: order.id, wire: Buffer.from(wire, 'base64'), wireForm: form }));
