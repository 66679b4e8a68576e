import type { Admin } from 'kafkajs';
import { TopicRecreated } from '../actions/settle/fenced-batch.js';
import type { Queryable } from '../store/database.js';
import { fencePositions } from '../store/fence.js';
import { consumerLag, type ConsumerLag } from '../topics/lag.js';

/** Where a group stands in a topic: its fences in Postgres against ends and hints in Kafka. */
export interface Positions {
  /** Of these partitions those where Kafka's hint lies above the fence, with the offset to go back to: Postgres was restored to an earlier state. */
  behindHint(assigned: readonly number[]): Promise<readonly { readonly partition: number; readonly offset: string }[]>;
  /** @throws TopicRecreated where a partition ends below its fence */
  assertWhole(): Promise<void>;
  /** Whether every partition is settled up to its end. @throws as assertWhole */
  isDrained(): Promise<boolean>;
  lag(now: number): Promise<ConsumerLag>;
  lowWatermark(topic: string, partition: number): Promise<number>;
}

/** @param admin connected before anything is asked */
export function createPositions(admin: Admin, db: Queryable, group: string, topic: string): Positions {
  const fences = (): Promise<ReadonlyMap<number, number>> => fencePositions(db, group, topic);
  /** The fences, and what Kafka holds: read later, so that it never ends below them. */
  async function fencesAndEnds() {
    const standing = await fences();
    const ends = await admin.fetchTopicOffsets(topic);
    const shrunk = ends.find(({ partition, high }) => (standing.get(partition) ?? 0) > Number(high));
    if (shrunk !== undefined) throw new TopicRecreated(topic, `partition ${shrunk.partition} ends at ${shrunk.high}, below the fence`);
    return { standing, ends };
  }
  return {
    async assertWhole() {
      await fencesAndEnds();
    },
    async behindHint(assigned) {
      const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
      const standing = await fences();
      return (committed?.partitions ?? [])
        .map(({ partition, offset }) => ({ partition, hint: Number(offset), fence: standing.get(partition) ?? 0 }))
        .filter(({ partition, hint, fence }) => assigned.includes(partition) && hint > fence)
        .map(({ partition, fence }) => ({ partition, offset: String(fence) }));
    },
    async isDrained() {
      const { standing, ends } = await fencesAndEnds();
      return ends.every(({ partition, low, high }) => Math.max(Number(low), standing.get(partition) ?? 0) >= Number(high));
    },
    async lag(now) {
      return consumerLag(admin, group, topic, [...await fences()].map(([partition, next]) => ({ partition, nextOffset: BigInt(next) })), now);
    },
    async lowWatermark(name, partition) {
      return Number((await admin.fetchTopicOffsets(name)).find((offsets) => offsets.partition === partition)?.low ?? 0);
    },
  };
}
