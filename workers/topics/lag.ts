import type { Admin } from 'kafkajs';

export interface PartitionLag {
  readonly partition: number;
  readonly messages: number;
}

export interface ConsumerLag {
  readonly partitions: readonly PartitionLag[];
  /** Sum over the partitions. */
  readonly messages: number;
  /** Age of the oldest unread message by Kafka's timestamps, to a tenth of a second; 0 where nothing is unread. */
  readonly seconds: number;
}

/** What a group has done of one partition, as the database knows it. */
export interface GroupPosition {
  readonly partition: number;
  /** Everything below is settled. */
  readonly nextOffset: bigint;
}

/**
 * What a consumer group has not read yet.
 *
 * Offsets alone cannot tell a message from a transaction's control record. A batch's own control record is settled with it; where a group
 * walked over control records alone, it commits that to Kafka only, so the further of both positions counts. Control records that
 * nobody has met yet do count.
 *
 * @param admin connected
 * @param positions of the partitions that the group has ever read; the others count from their beginning
 * @param now in milliseconds
 */
export async function consumerLag(
  admin: Admin,
  group: string,
  topic: string,
  positions: readonly GroupPosition[],
  now: number,
): Promise<ConsumerLag> {
  const [ends, committed] = await Promise.all([admin.fetchTopicOffsets(topic), committedOffsets(admin, group, topic)]);
  const settled = new Map(positions.map(({ partition, nextOffset }) => [partition, nextOffset]));
  const unread = ends
    .toSorted((a, b) => a.partition - b.partition)
    .map(({ partition, low, high }) => {
      const next = largest(BigInt(low), settled.get(partition) ?? 0n, committed.get(partition) ?? 0n);
      return { partition, next, messages: Math.max(0, Number(BigInt(high) - next)) };
    });
  const messages = unread.reduce((sum, partition) => sum + partition.messages, 0);
  const seconds =
    messages === 0 ? 0 : await oldestAge(admin, topic, new Map(unread.filter((p) => p.messages > 0).map((p) => [p.partition, p.next])), now);
  return { partitions: unread.map(({ partition, messages: count }) => ({ partition, messages: count })), messages, seconds };
}

async function committedOffsets(admin: Admin, groupId: string, topic: string): Promise<ReadonlyMap<number, bigint>> {
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return new Map((offsets?.partitions ?? []).map(({ partition, offset }) => [partition, BigInt(offset)]));
}

const largest = (...values: readonly bigint[]): bigint => values.reduce((a, b) => (b > a ? b : a), 0n);

const precision = 100;

/**
 * Kafka answers "the first offset at or after a time". The oldest unread message lies before a time if that offset is beyond
 * the first unread one in some partition: halving finds the time in some thirty questions, without reading a message.
 */
async function oldestAge(admin: Admin, topic: string, unread: ReadonlyMap<number, bigint>, now: number): Promise<number> {
  const liesBefore = async (time: number): Promise<boolean> => {
    const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, time);
    return offsets.some(({ partition, offset }) => BigInt(offset) > (unread.get(partition) ?? BigInt(offset)));
  };
  let age = 1000;
  while (age < now && (await liesBefore(now - age))) age *= 2;
  let [younger, older] = [age === 1000 ? 0 : age / 2, Math.min(age, now)];
  while (older - younger > precision) {
    const middle = Math.floor((younger + older) / 2);
    if (await liesBefore(now - middle)) younger = middle;
    else older = middle;
  }
  return Math.floor(older / precision) / (1000 / precision);
}
