import type { Database } from '../store/database.js';
import { fencePositions, type Outcomes } from '../store/fence.js';
import { databaseStatus, outcomesOf, type DatabaseStatus } from '../store/status.js';
import { listWorkers, type SeenWorker } from '../store/workers.js';
import type { ConsumerLag, GroupPosition } from '../topics/lag.js';
import { customerEventsTopic, customersGroup } from '../topics/names.js';

/** How far a group is behind the end of the topic. */
export type Lag = Pick<ConsumerLag, 'messages' | 'seconds'>;

export interface Status extends DatabaseStatus {
  readonly group: string;
  readonly events: Outcomes;
  /** Of the topic of customers. */
  readonly customerEvents: Outcomes;
  /** Null: Kafka did not answer. */
  readonly lag: Lag | null;
  readonly workers: readonly SeenWorker[];
}

/** @param lagOf asks Kafka how far these positions are behind */
export async function readStatus(database: Database, group: string, topic: string, lagOf: (positions: readonly GroupPosition[]) => Promise<Lag | null>): Promise<Status> {
  const [events, customerEvents, rest, fences, workers] = await Promise.all([
    outcomesOf(database, group, topic), outcomesOf(database, customersGroup(group), customerEventsTopic), databaseStatus(database), fencePositions(database, group, topic), listWorkers(database),
  ]);
  const lag = await lagOf([...fences].map(([partition, next]) => ({ partition, nextOffset: BigInt(next) })));
  return { group, events, customerEvents, ...rest, lag, workers };
}
