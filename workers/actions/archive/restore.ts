import type { ArchivedBooking } from '../../../schemas/archive-file.js';
import { archiveOf, restoreWires, unmarkArchived, type Archive } from '../../store/archive.js';
import { audit } from '../../store/audit.js';
import { historyOf } from '../../store/booking-events.js';
import type { Queryable } from '../../store/database.js';
import { markStale, shareFacts } from '../../store/facts-lock.js';
import { lockOrders } from '../../store/orders.js';
import { contentHash } from '../settle/event-content.js';
import { eventKey } from '../settle/sort-messages.js';
import type { Wire } from '../settle/wire.js';
import { aloneWithArchives, eventsOf, type ArchiveTools } from './archive.js';
import { readBookings, sha256Of } from './file.js';

const chunk = 500;

export interface RestoreJob {
  readonly file: string;
  /** Orders by `source:bookingRef`, by the bare booking reference, or by id; none: all of the file. */
  readonly refs: readonly string[];
  /** Check everything and change nothing. */
  readonly dryRun: boolean;
  readonly actor: string;
  readonly now: () => Date;
  readonly onProgress?: ((bookings: number) => void) | undefined;
}

export interface Restored {
  readonly bookings: number;
  readonly events: number;
  /** Bookings that were asked for and are not archived in this file (any more): they are left as they are. */
  readonly others: number;
  /** What was asked for and is not in the file. */
  readonly missing: readonly string[];
}

/**
 * Puts the events of archived bookings back from their file, each compared with the hash that was kept of it, and opens the orders again.
 * They are marked to be rated again: facts may have changed while they were archived.
 * @throws ArchiveBusy; Error where the file is not an archive of this database, or an event in it is not the one that was archived
 */
export async function restoreBookings({ database, wire }: ArchiveTools, { file, refs, dryRun, actor, now, onProgress }: RestoreJob): Promise<Restored> {
  return aloneWithArchives(database, async () => {
    const archive = await archiveOf(database, await sha256Of(file));
    if (archive === null) throw new Error(`${file} is no archive of this database, or not as it was written (no archive has its SHA-256)`);
    if (archive.finishedAt === null) throw new Error(`the midline archive that wrote ${file} was cut short: run midline archive again first, it goes on where it was`);
    const missing = new Set(refs);
    const counts = { bookings: 0, events: 0, others: 0 };
    let seen = 0;
    for await (const bookings of readBookings(file, chunk)) {
      const wanted = refs.length === 0 ? bookings : bookings.filter((booking) => namesOf(booking).filter((name) => refs.includes(name)).map((name) => missing.delete(name)).length > 0);
      const restored = await database.transaction((tx) => restoreWithin(tx, wire, archive, wanted, { dryRun, actor, now: now() }));
      counts.bookings += restored.bookings;
      counts.events += restored.events;
      counts.others += wanted.length - restored.bookings;
      seen += bookings.length;
      onProgress?.(seen);
    }
    return { ...counts, missing: [...missing] };
  });
}

const namesOf = ({ order: { id, source, booking_ref: ref } }: ArchivedBooking): readonly string[] => [`${source}:${ref}`, ref, id];

async function restoreWithin(
  tx: Queryable, wire: Wire, archive: Archive, bookings: readonly ArchivedBooking[], { dryRun, actor, now }: { readonly dryRun: boolean; readonly actor: string; readonly now: Date },
) {
  await shareFacts(tx);
  const locked = await lockOrders(tx, bookings.map(({ order }) => order.id).sort());
  const ids = locked.filter((order) => order.archive === archive.id).map((order) => order.id);
  const archived = bookings.filter(({ order }) => ids.includes(order.id));
  if (archived.length === 0) return { bookings: 0, events: 0 };
  const events = archived.flatMap(eventsOf);
  await wire.prepare(events);
  const kept = new Map((await historyOf(tx, ids)).map((row) => [eventKey(row), row.wire]));
  for (const event of events) {
    const hash = kept.get(eventKey(event));
    if (hash === undefined || !hash.equals(contentHash(wire.decode(event)))) throw new Error(`event ${event.eventId} of ${event.source} in ${archive.file} is not the one that was archived`);
  }
  if (kept.size !== events.length) throw new Error(`${kept.size} events were archived of ${archived.length} bookings of ${archive.file}, and it has ${events.length}`);
  if (!dryRun) {
    await restoreWires(tx, events);
    await unmarkArchived(tx, ids);
    await markStale(tx, ids, 'restored from the archive');
    await audit(tx, actor, 'archive restore', archive.file, { bookings: ids.length, events: events.length }, now);
  }
  return { bookings: ids.length, events: events.length };
}
