import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { Batch, Incoming } from '../actions/settle/batch.js';
import { CircularCompanies } from '../actions/land-customers.js';
import { FetchedAhead } from '../actions/settle/fenced-batch.js';
import type { Settled, SettleOptions } from '../actions/settle/settle.js';
import type { Rejection } from '../domain/rejection.js';
import { pause, pauseBefore } from '../runtime/backoff.js';
import { faultKind } from '../runtime/faults.js';

export interface ConsumeDependencies {
  readonly consumer: Consumer;
  readonly group: string;
  readonly settle: (batch: Batch, options: SettleOptions) => Promise<Settled>;
  /** The lowest offset that Kafka still has. */
  readonly lowWatermark: (topic: string, partition: number) => Promise<number>;
  readonly recordGap: (topic: string, partition: number, firstOffset: number, nextOffset: number) => Promise<void>;
  /** Most messages of one transaction. */
  readonly batchSize: number;
  readonly now: () => number;
  readonly stopping: AbortSignal;
  readonly onSettled: (batch: Batch, settled: Settled, milliseconds: number) => void;
  /** Of the world, and retried: for log, metric and health. */
  readonly onRetry: (error: unknown, attempt: number) => void;
  readonly onGap: (topic: string, partition: number, firstOffset: number, nextOffset: number) => void;
  /** Cannot go on: the process has to stop, with nothing committed. */
  readonly onFault: (error: unknown) => void;
}

/**
 * The handler for `eachBatch`: settles what was fetched, chunk by chunk, and resolves an offset only after its commit.
 * It never throws an error of its own into kafkajs (which would lose the consumer while the process lives on): faults of the world are retried here for ever,
 * others are told to `onFault`. Only what `heartbeat` throws goes through: that is how kafkajs learns to join the group again.
 */
export function createConsume(dependencies: ConsumeDependencies): (payload: EachBatchPayload) => Promise<void> {
  const { consumer, group, settle, batchSize, now, stopping, onSettled, onRetry, onFault } = dependencies;
  /** Where the last seek of a partition went: a fetch that begins above it, again, says that only control records lie between. */
  const sought = new Map<string, number>();

  async function settleChunk(batch: Batch, refused: ReadonlyMap<number, Rejection>): Promise<void> {
    const began = performance.now();
    const acceptGap = sought.get(`${batch.topic} ${batch.partition}`) !== undefined;
    try {
      onSettled(batch, await settle(batch, { now: now(), acceptGap, refused }), performance.now() - began);
    } catch (error) {
      if (faultKind(error) !== 'poison') throw error;
      const [only] = batch.messages;
      if (batch.messages.length > 1) return settleHalves(batch, refused);
      if (only === undefined || refused.has(only.offset)) throw error;
      await settleChunk(batch, new Map([...refused, [only.offset, rejectionOf(error)]]));
    }
  }

  /** Poison: halve the batch until the one message is found; its neighbours are settled. */
  async function settleHalves(batch: Batch, refused: ReadonlyMap<number, Rejection>): Promise<void> {
    const middle = Math.ceil(batch.messages.length / 2);
    const boundary = batch.messages[middle]?.offset ?? batch.nextOffset;
    await settleChunk({ ...batch, messages: batch.messages.slice(0, middle), nextOffset: boundary }, refused);
    await settleChunk({ ...batch, messages: batch.messages.slice(middle), firstOffset: boundary }, refused);
  }

  /** Retries faults of the world for ever, keeping the membership of the group alive meanwhile. */
  async function settleForSure(batch: Batch, heartbeat: () => Promise<void>): Promise<'settled' | 'seek' | 'wait' | 'stop'> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await beating(heartbeat, settleChunk(batch, new Map()));
        return 'settled';
      } catch (error) {
        if (error instanceof HeartbeatFailed) throw error.cause;
        if (stopping.aborted) return 'stop';
        if (error instanceof FetchedAhead) {
          if (await seekBack(batch, error.appliedBelow)) return 'seek';
          continue;
        }
        if (faultKind(error) !== 'world' && !isConflict(error)) {
          onFault(error);
          return 'stop';
        }
        onRetry(error, attempt);
        if (isOfRegistry(error)) return 'wait';
        await pause(pauseBefore(attempt, Math.random(), 20), stopping);
        await heartbeat();
      }
    }
  }

  /** Goes back to the fence; what Kafka has deleted below its low watermark is recorded as a gap and passed. Returns whether a new fetch is needed. */
  async function seekBack(batch: Batch, appliedBelow: number): Promise<boolean> {
    const { topic, partition } = batch;
    const low = await dependencies.lowWatermark(topic, partition);
    if (low > appliedBelow) {
      await dependencies.recordGap(topic, partition, appliedBelow, low);
      dependencies.onGap(topic, partition, appliedBelow, low);
    }
    const from = Math.max(low, appliedBelow);
    sought.set(`${topic} ${partition}`, from);
    if (from >= batch.firstOffset) return false;
    consumer.seek({ topic, partition, offset: String(from) });
    return true;
  }

  return async (payload) => {
    for (const chunk of chunksOf(payload.batch, group, batchSize)) {
      if (!payload.isRunning() || payload.isStale() || stopping.aborted) return;
      const outcome = await settleForSure(chunk, () => payload.heartbeat());
      if (outcome === 'wait') void pause(unknownSchemaPause, stopping).then(payload.pause());
      if (outcome !== 'settled') return;
      sought.delete(`${chunk.topic} ${chunk.partition}`);
      // Kafka's own offset is only a hint: the fence decides.
      payload.resolveOffset(String(chunk.messages.at(-1)?.offset ?? chunk.nextOffset - 1));
      await payload.commitOffsetsIfNecessary(payload.uncommittedOffsets());
      await payload.heartbeat();
    }
  };
}

/**
 * The registry is away, and this batch has a schema that is not known yet: others can do without it. kafkajs fetches nothing more from a broker
 * while one of its batches is in hand, so the partition gives its batch back and is paused instead of waiting here.
 */
const isOfRegistry = (error: unknown): boolean => error instanceof Error && error.name === 'SchemaRegistryError';
const unknownSchemaPause = 1_000;

const isConflict = (error: unknown): boolean => error instanceof Error && error.name === 'SettlementConflict';

/** What was found by trying: an order that cannot be announced (a sum beyond the contract), or data that Postgres refuses. */
function rejectionOf(error: unknown): Rejection {
  if (error instanceof CircularCompanies) return error.rejection;
  const said = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && error.name === 'EventDoesNotFit') return { code: 'AMOUNT', reason: `What follows from this message is beyond what an order event can hold: ${said}` };
  return { code: 'REFUSED_BY_DATABASE', reason: `The database refuses this message: ${said}` };
}

/** Cuts a fetched batch into transactions. Control records between and behind messages belong to the chunk before them. */
function* chunksOf(batch: EachBatchPayload['batch'], group: string, size: number): Generator<Batch> {
  const { topic, partition, messages } = batch;
  let firstOffset = Number(batch.firstOffset());
  for (let at = 0; at < messages.length; at += size) {
    const next = messages[at + size];
    const nextOffset = next === undefined ? Number(batch.lastOffset()) + 1 : Number(next.offset);
    yield { group, topic, partition, firstOffset, nextOffset, messages: messages.slice(at, at + size).map(toIncoming) };
    firstOffset = nextOffset;
  }
}

function toIncoming(message: KafkaMessage): Incoming {
  return { offset: Number(message.offset), key: message.key, value: message.value, headers: message.headers ?? {}, timestamp: Number(message.timestamp) };
}

/** The heartbeat failed while a batch was in hand: kafkajs wants its own error back. */
class HeartbeatFailed extends Error {
  override readonly name = 'HeartbeatFailed';
}

const beatEvery = 2_000;

/** kafkajs beats only when asked: keeps asking while `work` runs, and reports a failed beat after the work has ended. */
async function beating<Result>(heartbeat: () => Promise<void>, work: Promise<Result>): Promise<Result> {
  let failure: { readonly error: unknown } | null = null;
  const timer = setInterval(() => {
    heartbeat().catch((error: unknown) => { failure = { error }; });
  }, beatEvery);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    throwIfFailed(failure);
  }
}

function throwIfFailed(failure: { readonly error: unknown } | null): void {
  if (failure !== null) throw new HeartbeatFailed('heartbeat failed', { cause: failure.error });
}
