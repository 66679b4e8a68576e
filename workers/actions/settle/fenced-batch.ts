import type { Queryable } from '../../store/database.js';
import { deadLetteredOffsets } from '../../store/dead-letters.js';
import { shareFacts, takeFactsLockExclusively } from '../../store/facts-lock.js';
import { raiseFence, type Fence } from '../../store/fence.js';
import type { Batch, Incoming, RejectedMessage } from './batch.js';

/** The fetch began above the fence (Postgres was restored, or Kafka's commit ran ahead): nothing was committed; seek to `appliedBelow`. */
export class FetchedAhead extends Error {
  override readonly name = 'FetchedAhead';
  readonly appliedBelow: number;
  constructor(appliedBelow: number) {
    super(`the fetch begins above the fence at ${appliedBelow}`);
    this.appliedBelow = appliedBelow;
  }
}

/** Messages below the fence are unknown: the topic is not the one that was read before. */
export class TopicRecreated extends Error {
  override readonly name = 'TopicRecreated';
  constructor(topic: string, sign: string) {
    super(`${sign}: the topic was re-created. If that is intended, run: midline topics adopt ${topic}`);
  }
}

/**
 * Takes the first two locks of every batch, the facts lock and the fence, and moves the fence to the batch's end.
 * @param options.acceptGap what lies between fence and fetch holds no message: go on
 * @param options.exclusive takes the facts lock alone, to change facts
 * @throws FetchedAhead
 */
export async function fenceBatch(tx: Queryable, batch: Batch, { acceptGap = false, exclusive = false }: { readonly acceptGap?: boolean | undefined; readonly exclusive?: boolean }): Promise<Fence> {
  const { group, topic, partition } = batch;
  await (exclusive ? takeFactsLockExclusively(tx) : shareFacts(tx));
  const fence = await raiseFence(tx, group, topic, partition, batch.nextOffset);
  if (batch.firstOffset > fence.appliedBelow && !acceptGap) throw new FetchedAhead(fence.appliedBelow);
  return fence;
}

/** What was done before, and what is new behind the fence. */
export function splitAt<Read extends { readonly message: Incoming }>(messages: readonly Read[], fence: Fence): { readonly done: readonly Read[]; readonly todo: readonly Read[] } {
  const first = messages.findIndex((read) => read.message.offset >= fence.appliedBelow);
  const at = first < 0 ? messages.length : first;
  return { done: messages.slice(0, at), todo: messages.slice(at) };
}

/**
 * A message below the fence of which nothing is known was a dead letter, unless the topic is another one than before.
 * @throws TopicRecreated
 */
export async function assertDeadLetters(tx: Queryable, { topic, partition, firstOffset }: Batch, { epoch, appliedBelow }: Fence, unknown: readonly { readonly message: Incoming }[]): Promise<void> {
  if (unknown.length === 0) return;
  const dead = await deadLetteredOffsets(tx, topic, epoch, partition, firstOffset, appliedBelow);
  const lost = unknown.find(({ message }) => !dead.has(message.offset));
  if (lost !== undefined) throw new TopicRecreated(topic, `offset ${lost.message.offset} of ${topic} [${partition}] lies below the fence but was never applied`);
}

/** A rejected message as its row wants it. */
export function deadLetterOf({ topic, partition }: Batch, { epoch }: Fence, { message, rejection }: Pick<RejectedMessage, 'message' | 'rejection'>) {
  const { offset, key, value, headers, timestamp } = message;
  return { topic, epoch, partition, offset, key, value, headers, kafkaTimestamp: timestamp, code: rejection.code, reason: rejection.reason };
}
