import { messagesDue } from '../../domain/outreach/due.js';
import { orderIdOf } from '../../domain/ids.js';
import type { Rejection } from '../../domain/rejection.js';
import { validateEvent } from '../../domain/validate.js';
import { findEvents } from '../../store/booking-events.js';
import type { Database, Queryable } from '../../store/database.js';
import { markApplied, recordDeadLetters, replayedFrom } from '../../store/dead-letters.js';
import { countOutcomes, type Fence, type Outcomes } from '../../store/fence.js';
import { lockOrders, meetSources } from '../../store/orders.js';
import { schemaIdOf, type Codec } from '../../topics/codec.js';
import { rejectionsOfArchived } from '../archive/archived.js';
import type { Batch, Incoming, ReadMessage, RejectedMessage } from './batch.js';
import { createFactsCache, type Facts } from './facts.js';
import { assertDeadLetters, deadLetterOf, fenceBatch, splitAt } from './fenced-batch.js';
import { eventsByOrder, foldInOrder, foldWithHistory, type FoldedOrder, type OrderEvents } from './fold-orders.js';
import { historiesOf } from './histories.js';
import { linkOrders } from './link-orders.js';
import { rateOrders } from './rate-orders.js';
import { saveDecisions } from './save.js';
import { eventKey, sortMessages } from './sort-messages.js';
import { createWire, type Seal } from './wire.js';

/** What became of a batch that was committed. */
export interface Settled {
  readonly outcomes: Outcomes;
  /** Messages below the fence that were dropped: done before. */
  readonly dropped: number;
}

export interface SettleDependencies {
  readonly database: Database;
  readonly codec: Codec;
  /** Encrypts the stored bytes of events with sensitive data; null: no key is configured, such data is not stored. */
  readonly seal: Seal | null;
  /** Wraps a step, so that it is measured under its name. */
  readonly observe: <Result>(step: string, work: () => Promise<Result>) => Promise<Result>;
}

export interface SettleOptions {
  readonly now: number;
  /** What lies between fence and fetch holds no message: go on. */
  readonly acceptGap?: boolean;
  /** Rejections that were found by trying, by offset: the database refuses the message. */
  readonly refused?: ReadonlyMap<number, Rejection>;
}

/**
 * Settles batches: facts → decide → save, in one READ COMMITTED transaction whose first locks are the facts lock (shared) and the fence.
 * Every message ends as applied, duplicate, late or dead letter, or nothing at all is committed.
 * @throws FetchedAhead, TopicRecreated, SettlementConflict, database errors, SchemaRegistryError: in each case nothing was committed.
 */
export function createSettle({ database, codec, seal, observe }: SettleDependencies): (batch: Batch, options: SettleOptions) => Promise<Settled> {
  const factsAt = createFactsCache();
  /** Sources that are known to stand in their table: it is asked once for each, not in every batch. */
  const met = new Set<string>();
  const wire = createWire(codec, seal);

  async function read(messages: readonly Incoming[], refused: ReadonlyMap<number, Rejection>): Promise<readonly ReadMessage[]> {
    await codec.prepare(messages.flatMap((message) => schemaIdOf(message.value) ?? []));
    return messages.map((message): ReadMessage => {
      const rejection = refused.get(message.offset);
      if (rejection !== undefined) return { message, rejection };
      const decoded = codec.decode(message.value);
      return decoded.ok ? { message, event: decoded.event } : { message, rejection: decoded };
    });
  }

  /** Folds what it can from the state alone and asks for the history of the others. */
  async function fold(tx: Queryable, orders: readonly OrderEvents[]): Promise<readonly FoldedOrder[]> {
    const quick = orders.map((order) => ({ order, folded: foldInOrder(order) }));
    const histories = await historiesOf(tx, wire, quick.flatMap(({ order, folded }) => (folded === null && order.stored !== null ? [order.id] : [])));
    return quick.map(({ order, folded }) => folded ?? foldWithHistory(order, histories.get(order.id) ?? []));
  }

  async function settleWithin(tx: Queryable, batch: Batch, messages: readonly ReadMessage[], { now, acceptGap = false }: SettleOptions): Promise<Settled & { readonly unmet: readonly string[] }> {
    const { group, topic, partition } = batch;
    const fence = await fenceBatch(tx, batch, { acceptGap });
    const facts = await factsAt(tx, fence.factsVersion);
    const { done, todo } = splitAt(messages, fence);
    await assertDone(tx, batch, fence, done);
    // A dead letter stays one until it is replayed, whoever reads it again: so every group ends with the same orders, and a parked message stops nobody.
    const living = todo.filter((read) => !fence.dead.has(read.message.offset));

    const checked = living.map((read) => check(read, facts));
    const events = checked.flatMap((read) => (read.event === undefined ? [] : [read.event]));
    const orderIds = new Map(events.map((event) => [event, orderIdOf(event.source, event.bookingRef)]));
    const stored = new Map((await observe('lock', () => lockOrders(tx, [...new Set(orderIds.values())].sort()))).map((order) => [order.id, order]));
    const known = events.length === 0 ? [] : await observe('inbox', () => findEvents(tx, events));
    await wire.prepare(known);
    const sorted = sortMessages(
      checked.map((read) => ({ ...read, ...(read.event !== undefined && { orderId: orderIds.get(read.event) ?? '' }) })),
      new Map(known.map((row) => [eventKey(row), { isSaidBy: (event, received) => wire.says(row, event, received) }])),
      await rejectionsOfArchived(tx, [...stored.values()]),
    );

    const unmet = [...new Set(sorted.fresh.map(({ event }) => event.source))].filter((source) => !facts.sources.has(source) && !met.has(source)).sort();
    if (unmet.length > 0) await meetSources(tx, unmet);

    const folded = await observe('fold', () => fold(tx, eventsByOrder(sorted.fresh, stored)));
    const linked = await observe('match', () => linkOrders(tx, folded, facts));
    const rated = await observe('rate', () => rateOrders(tx, linked.orders, facts, (ids) => historiesOf(tx, wire, ids)));
    const messagesToSend = folded.flatMap((order) => messagesDue(order.id, newTransactions(order), facts.triggers, now));
    await observe('save', async () => {
      await saveDecisions(tx, { orders: rated, links: linked, events: sorted.fresh, messages: messagesToSend }, wire, codec, now);
      await markApplied(tx, [...sorted.fresh, ...sorted.duplicates].flatMap(({ message }) => replayedFrom(message.headers) ?? []));
      await recordDeadLetters(tx, sorted.rejected.map((rejected) => deadLetterOf(batch, fence, rejected)));
    });

    const late = folded.reduce((sum, order) => sum + order.lateCount, 0);
    const outcomes = {
      read: todo.length, applied: sorted.fresh.length - late, duplicate: sorted.duplicates.length, late, deadLettered: sorted.rejected.length + todo.length - living.length,
    };
    await countOutcomes(tx, group, topic, partition, outcomes);
    return { outcomes, dropped: done.length, unmet };
  }

  /** A message below the fence was done before, unless the topic is another one than before. */
  async function assertDone(tx: Queryable, batch: Batch, fence: Fence, done: readonly ReadMessage[]): Promise<void> {
    if (done.length === 0) return;
    const events = done.flatMap((read) => (read.event === undefined ? [] : [read.event]));
    const stored = new Set((await findEvents(tx, events)).map(eventKey));
    await assertDeadLetters(tx, batch, fence, done.filter((read) => read.event === undefined || !stored.has(eventKey(read.event))));
  }

  return async (batch, options) => {
    const messages = await observe('decode', () => read(batch.messages, options.refused ?? new Map()));
    const { unmet, ...settled } = await database.transaction((tx) => settleWithin(tx, batch, messages, options));
    for (const source of unmet) met.add(source);
    return settled;
  };
}

function check(read: ReadMessage, facts: Facts): ReadMessage {
  if (read.event === undefined) return read;
  const rejection = validateEvent(read.event, { declaredKinds: facts.sources.get(read.event.source)?.kinds ?? noKinds, receivedAt: read.message.timestamp });
  return rejection === null ? read : { message: read.message, rejection } satisfies RejectedMessage;
}

const noKinds: ReadonlySet<string> = new Set();

/** Of a whole history only the transactions of this batch's events are new. */
function newTransactions(order: FoldedOrder): FoldedOrder['transactions'] {
  const ids = new Set(order.newEvents.map((event) => event.eventId));
  return order.transactions.filter((transaction) => ids.has(transaction.eventId));
}
