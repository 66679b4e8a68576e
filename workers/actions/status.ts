import type { Database } from '../store/database.js';
import { fencePositions, type Outcomes } from '../store/fence.js';
import { databaseStatus, outcomesByTopic, type DatabaseStatus } from '../store/status.js';
import { listWorkers, type SeenWorker } from '../store/workers.js';
import type { ConsumerLag, GroupPosition } from '../topics/lag.js';
import { customerEventsTopic, customersGroup, sourceTopicPrefix } from '../topics/names.js';

/** How far a group is behind the end of the topic. */
export type Lag = Pick<ConsumerLag, 'messages' | 'seconds'>;

export interface Status extends DatabaseStatus {
  readonly group: string;
  readonly events: Outcomes;
  /** Of the topic of customers. */
  readonly customerEvents: Outcomes;
  /** Of topics that carry the raw records of a source, by their names; what they made is counted among the events. */
  readonly rawRecords: Readonly<Record<string, Outcomes>>;
  /** Null: Kafka did not answer. */
  readonly lag: Lag | null;
  readonly workers: readonly SeenWorker[];
}

/** @param lagOf asks Kafka how far these positions are behind */
export async function readStatus(database: Database, group: string, topic: string, lagOf: (positions: readonly GroupPosition[]) => Promise<Lag | null>): Promise<Status> {
  const [outcomes, rest, fences, workers] = await Promise.all([outcomesByTopic(database, group, customersGroup(group)), databaseStatus(database), fencePositions(database, group, topic), listWorkers(database)]);
  const lag = await lagOf([...fences].map(([partition, next]) => ({ partition, nextOffset: BigInt(next) })));
  const of = (name: string): Outcomes => outcomes.get(name) ?? none;
  const rawRecords = Object.fromEntries([...outcomes].filter(([name]) => name.startsWith(sourceTopicPrefix)));
  return { group, events: of(topic), customerEvents: of(customerEventsTopic), rawRecords, ...rest, lag, workers };
}

const none: Outcomes = { read: 0, applied: 0, duplicate: 0, late: 0, deadLettered: 0 };
