import type { Rejection } from '../../domain/rejection.js';
import { archivedSince, type ArchivedSince } from '../../store/archive.js';
import type { Queryable } from '../../store/database.js';
import type { StoredOrder } from '../../store/orders.js';

type Named = Pick<StoredOrder, 'source' | 'bookingRef'>;

/** Since when and where an order is archived, and the command that brings it back. */
export const archivedText = ({ source, bookingRef }: Named, { at, file }: ArchivedSince): string =>
  `archived since ${at.toISOString().slice(0, 10)}; to bring it back: midline archive restore ${file} ${source}:${bookingRef}`;

/** Why new events of the archived ones among these orders are rejected, by order; without archived ones it costs nothing. */
export async function rejectionsOfArchived(tx: Queryable, orders: readonly StoredOrder[]): Promise<ReadonlyMap<string, Rejection>> {
  const archived = orders.filter((order) => order.archive !== null);
  if (archived.length === 0) return none;
  const since = await archivedSince(tx, archived.map((order) => order.id));
  return new Map(archived.map((order): [string, Rejection] => {
    const found = since.get(order.id);
    return [order.id, { code: 'ARCHIVED', reason: `The booking is ${found === undefined ? 'archived' : archivedText(order, found)}. Then replay this dead letter.` }];
  }));
}

const none: ReadonlyMap<string, Rejection> = new Map();
