import type { ServiceName } from '../../../services/start.js';
import type { WorkerKind } from './crew.js';
import type { Step, StepStrike } from './step.js';

/** Servers that the workers reach through a proxy. */
export type Door = 'postgres' | 'registry' | 'redis' | 'smtp';

/** What happens, to whom, and for how long. */
export type Fault =
  /** kill -9; workers of that kind all or one; servers come back after a second. */
  | { readonly how: 'kill'; readonly what: readonly (WorkerKind | ServiceName)[]; readonly all?: boolean }
  /** SIGSTOP, and SIGCONT after so many seconds. */
  | { readonly how: 'freeze'; readonly what: WorkerKind | ServiceName; readonly seconds: number }
  /** All connections end in the middle, several times. */
  | { readonly how: 'cut'; readonly what: Door; readonly times: number }
  /** Nobody gets through. */
  | { readonly how: 'away'; readonly what: Door; readonly seconds: number }
  /** Every answer comes late. */
  | { readonly how: 'slow'; readonly what: Door; readonly milliseconds: number; readonly seconds: number }
  /** A share of all statements fails with this SQLSTATE. */
  | { readonly how: 'sql'; readonly sqlState: string; readonly share: number; readonly seconds: number }
  /** Postgres ends the sessions of all workers, several times. */
  | { readonly how: 'terminate'; readonly times: number }
  | { readonly how: 'flush' }
  /** Everything in Redis is deleted while messages wait there. */
  | { readonly how: 'flush waiting' }
  /** Messages that have a job get a second one, for so many seconds: as an add whose answer was lost and that is tried again. */
  | { readonly how: 'jobs twice'; readonly seconds: number }
  /** One request is never answered, and its connection never ended. */
  | { readonly how: 'swallow'; readonly what: Door }
  /** Whoever settles a batch has to wait so long for the facts lock. */
  | { readonly how: 'hold'; readonly seconds: number }
  /** Everybody gets another fee table, from the past on, while a batch that was rated by the old one is about to be written. */
  | { readonly how: 'assign' }
  /** Postgres goes back to an earlier state, and Kafka does not. */
  | { readonly how: 'restore' }
  /** Ingest meets an error that it does not know: it must end, with exit code 1. */
  | { readonly how: 'unknown error' }
  /** Nothing but load, for so many seconds. */
  | { readonly how: 'time'; readonly seconds: number }
  /** Kafka is killed and comes back after so many seconds, while everybody gets another fee table: order events have to wait. */
  | { readonly how: 'kafka gone'; readonly seconds: number }
  /** Another group overtakes the first, and freezes with events in hand that the first then settles. */
  | { readonly how: 'race' }
  /** A second relay works beside the first. */
  | { readonly how: 'second relay'; readonly seconds: number }
  /** The mail server takes so many mails, and the connection ends before its answer. */
  | { readonly how: 'vanish'; readonly mails: number }
  | { readonly how: 'join' }
  | { readonly how: 'leave' }
  | { readonly how: 'second group' }
  /** A worker falls (or freezes, for so many seconds) at a step of its work. */
  | { readonly how: 'step'; readonly what: WorkerKind; readonly step: Step; readonly signal: StepStrike['signal']; readonly upTo: number; readonly seconds?: number };

/** Work that has to go on: a commit in every partition of the topic; what waited for Kafka and Redis has gone there; a message is sent. */
export type Way = 'ingest' | 'relay' | 'outreach';

export interface Scenario {
  readonly name: string;
  readonly meaning: string;
  readonly fault: Fault;
  /** An ingest process starts while it lasts, and an older one leaves afterwards: whoever starts needs all servers. */
  readonly arrival?: boolean;
  /** What must go on after it; the recovery is measured until all of it did. */
  readonly ways: readonly Way[];
}

const all: readonly Way[] = ['ingest', 'relay', 'outreach'];
const [settlement, fence, database, orders, letters] = ['workers/store/settlement.js', 'workers/store/fence.js', 'workers/store/database.js', 'workers/store/orders.js', 'workers/store/dead-letters.js'];
const [messages, outbox, queue, producer, transport] = ['workers/store/messages.js', 'workers/store/outbox.js', 'workers/queue/queue.js', 'workers/topics/relay-producer.js', 'workers/outreach/mail-transport.js'];

/** A worker killed at a step, at some passage up to `upTo`. */
function at(what: WorkerKind, name: string, meaning: string, step: Step, upTo = 10): Scenario {
  return { name: `${what}-${name}`, meaning: `${what} is killed ${meaning}`, fault: { how: 'step', what, step, signal: 'SIGKILL', upTo }, ways: what === 'ingest' ? ['ingest'] : [what] };
}

/** Everything that may happen. To add one: a line here, and where it is of a new kind, a function in faults.ts. */
export const scenarios: readonly Scenario[] = [
  { name: 'kill-ingest', meaning: 'one of two ingest processes is killed', fault: { how: 'kill', what: ['ingest'] }, ways: ['ingest'] },
  { name: 'kill-all-ingest', meaning: 'both ingest processes are killed', fault: { how: 'kill', what: ['ingest'], all: true }, ways: ['ingest'] },
  { name: 'kill-relay', meaning: 'relay is killed', fault: { how: 'kill', what: ['relay'] }, ways: ['relay'] },
  { name: 'kill-outreach', meaning: 'outreach is killed', fault: { how: 'kill', what: ['outreach'] }, ways: ['outreach'] },
  { name: 'kill-all-workers', meaning: 'every worker is killed at once', fault: { how: 'kill', what: ['ingest', 'relay', 'outreach'], all: true }, ways: all },
  { name: 'kill-kafka', meaning: 'Kafka is killed and starts again', fault: { how: 'kill', what: ['kafka'] }, ways: ['ingest', 'relay'] },
  { name: 'kill-postgres', meaning: 'Postgres is killed and starts again', fault: { how: 'kill', what: ['postgres'] }, ways: all },
  { name: 'kill-redis', meaning: 'Redis is killed and starts again empty', fault: { how: 'kill', what: ['redis'] }, ways: ['relay', 'outreach'] },
  { name: 'kill-registry', meaning: 'the registry is killed and starts again', fault: { how: 'kill', what: ['registry'] }, ways: ['ingest'] },
  { name: 'kill-postgres-and-kafka', meaning: 'Postgres and Kafka are killed together', fault: { how: 'kill', what: ['postgres', 'kafka'] }, ways: all },
  { name: 'flush-redis', meaning: 'everything in Redis is deleted', fault: { how: 'flush' }, ways: ['relay', 'outreach'] },
  { name: 'start-without-registry', meaning: 'an ingest process starts while the registry is dead', fault: { how: 'kill', what: ['registry'] }, arrival: true, ways: ['ingest'] },

  { name: 'freeze-ingest', meaning: 'an ingest process freezes for longer than its session, loses its partitions, and wakes', fault: { how: 'freeze', what: 'ingest', seconds: 9 }, ways: ['ingest'] },
  { name: 'freeze-relay', meaning: 'relay freezes', fault: { how: 'freeze', what: 'relay', seconds: 4 }, ways: ['relay'] },
  { name: 'freeze-outreach', meaning: 'outreach freezes for longer than Redis believes in it', fault: { how: 'freeze', what: 'outreach', seconds: 8 }, ways: ['outreach'] },
  { name: 'freeze-kafka', meaning: 'Kafka freezes for longer than the sessions of its consumers', fault: { how: 'freeze', what: 'kafka', seconds: 8 }, ways: ['ingest', 'relay'] },
  { name: 'freeze-postgres', meaning: 'Postgres freezes with all its backends', fault: { how: 'freeze', what: 'postgres', seconds: 5 }, ways: all },
  { name: 'freeze-redis', meaning: 'Redis freezes', fault: { how: 'freeze', what: 'redis', seconds: 5 }, ways: ['relay', 'outreach'] },
  { name: 'freeze-registry', meaning: 'the registry accepts connections and says nothing while an ingest process starts', fault: { how: 'freeze', what: 'registry', seconds: 5 }, arrival: true, ways: ['ingest'] },

  { name: 'cut-postgres', meaning: 'the connections to Postgres break, again and again', fault: { how: 'cut', what: 'postgres', times: 5 }, ways: all },
  { name: 'cut-redis', meaning: 'the connections to Redis break, again and again', fault: { how: 'cut', what: 'redis', times: 5 }, ways: ['relay', 'outreach'] },
  { name: 'cut-registry', meaning: 'the connections to the registry break while an ingest process starts', fault: { how: 'cut', what: 'registry', times: 8 }, arrival: true, ways: ['ingest'] },
  { name: 'cut-smtp', meaning: 'the connections to the mail server break in the middle of mails', fault: { how: 'cut', what: 'smtp', times: 5 }, ways: ['outreach'] },
  { name: 'no-way-to-postgres', meaning: 'nobody reaches Postgres', fault: { how: 'away', what: 'postgres', seconds: 4 }, ways: all },
  { name: 'no-way-to-redis', meaning: 'nobody reaches Redis', fault: { how: 'away', what: 'redis', seconds: 4 }, ways: ['relay', 'outreach'] },
  { name: 'no-way-to-smtp', meaning: 'nobody reaches the mail server', fault: { how: 'away', what: 'smtp', seconds: 3 }, ways: ['outreach'] },

  { name: 'slow-postgres', meaning: 'every answer of Postgres takes 60 ms', fault: { how: 'slow', what: 'postgres', milliseconds: 60, seconds: 4 }, ways: all },
  { name: 'slow-redis', meaning: 'every answer of Redis takes 300 ms', fault: { how: 'slow', what: 'redis', milliseconds: 300, seconds: 4 }, ways: ['relay', 'outreach'] },
  { name: 'slow-registry', meaning: 'every answer of the registry takes a second while an ingest process starts', fault: { how: 'slow', what: 'registry', milliseconds: 1_000, seconds: 5 }, arrival: true, ways: ['ingest'] },
  { name: 'slow-smtp', meaning: 'every answer of the mail server takes 700 ms', fault: { how: 'slow', what: 'smtp', milliseconds: 700, seconds: 4 }, ways: ['outreach'] },
  { name: 'smtp-vanishes', meaning: 'the mail server takes mails and vanishes before it says so', fault: { how: 'vanish', mails: 5 }, ways: ['outreach'] },

  { name: 'disk-full', meaning: 'statements fail with SQLSTATE 53100', fault: { how: 'sql', sqlState: '53100', share: 0.3, seconds: 4 }, ways: all },
  { name: 'deadlocks', meaning: 'statements fail with SQLSTATE 40P01', fault: { how: 'sql', sqlState: '40P01', share: 0.1, seconds: 4 }, ways: all },
  { name: 'sessions-ended', meaning: 'Postgres ends all sessions of the workers, again and again (57P01)', fault: { how: 'terminate', times: 5 }, ways: all },

  { name: 'ingest-joins', meaning: 'a third ingest process joins under load, and an older one leaves', fault: { how: 'join' }, ways: ['ingest'] },
  { name: 'ingest-leaves', meaning: 'an ingest process is asked to stop under load', fault: { how: 'leave' }, ways: ['ingest'] },
  { name: 'second-group', meaning: 'another group begins to read the topic from its beginning', fault: { how: 'second group' }, ways: ['ingest'] },

  at('ingest', 'before-transaction', 'with a batch in hand, before its transaction', { module: database, export: 'createDatabase', method: 'transaction', at: 'before' }),
  at('ingest', 'behind-fence', 'after it raised the fence', { module: fence, export: 'raiseFence', at: 'after' }),
  at('ingest', 'with-orders', 'after it locked the orders', { module: orders, export: 'lockOrders', at: 'after' }),
  at('ingest', 'before-save', 'before it writes', { module: settlement, export: 'saveSettlement', at: 'before' }),
  at('ingest', 'before-letters', 'after it wrote orders, before it writes dead letters', { module: letters, export: 'recordDeadLetters', at: 'before' }),
  at('ingest', 'before-commit', 'after its last statement, before the commit', { module: fence, export: 'countOutcomes', at: 'after' }),
  at('ingest', 'after-commit', 'after the commit, before it tells Kafka', { module: database, export: 'createDatabase', method: 'transaction', at: 'after' }),
  {
    name: 'ingest-freezes-with-batch', meaning: 'ingest freezes with a batch in hand, another settles it, and it wakes',
    fault: { how: 'step', what: 'ingest', step: { module: database, export: 'createDatabase', method: 'transaction', at: 'before' }, signal: 'SIGSTOP', upTo: 10, seconds: 9 }, ways: ['ingest'],
  },
  {
    name: 'ingest-freezes-in-transaction', meaning: 'ingest freezes in the middle of a transaction, holding its locks, and wakes after its session',
    fault: { how: 'step', what: 'ingest', step: { module: settlement, export: 'saveSettlement', at: 'after' }, signal: 'SIGSTOP', upTo: 10, seconds: 9 }, ways: ['ingest'],
  },
  at('relay', 'before-queue', 'after it marked messages as queued, before Redis has them', { module: queue, export: 'createQueue', method: 'addAll', at: 'before' }, 5),
  at('relay', 'after-queue', 'after Redis has the jobs', { module: queue, export: 'createQueue', method: 'addAll', at: 'after' }, 5),
  at('relay', 'before-kafka', 'with order events in hand, before Kafka has them', { module: producer, export: 'createRelayProducer', method: 'send', at: 'before' }),
  at('relay', 'after-kafka', 'after Kafka has order events, before they are deleted', { module: producer, export: 'createRelayProducer', method: 'send', at: 'after' }),
  at('relay', 'before-commit', 'after it deleted order events, before the commit', { module: outbox, export: 'deleteFromOutbox', at: 'after' }),
  at('outreach', 'after-claim', 'after it claimed a message', { module: messages, export: 'claim', at: 'after' }),
  at('outreach', 'before-mail', 'before it hands the mail over', { module: transport, export: 'createMailTransport', method: 'send', at: 'before' }),
  at('outreach', 'after-mail', 'after the mail was accepted, before it is written down', { module: transport, export: 'createMailTransport', method: 'send', at: 'after' }),
  at('outreach', 'after-ledger', 'after it wrote down that a mail was sent', { module: messages, export: 'endClaim', at: 'after' }),
];

/** Where a protection is needed that the scenarios above do not need for sure: the proof `unprotected` sees its absence by these. They tell nothing of recovery. */
export const provocations: readonly Scenario[] = [
  { name: 'flush-waiting-jobs', meaning: 'everything in Redis is deleted while messages wait there', fault: { how: 'flush waiting' }, ways: ['relay', 'outreach'] },
  { name: 'jobs-twice', meaning: 'messages get a second job while the first is worked on, and afterwards', fault: { how: 'jobs twice', seconds: 4 }, ways: ['outreach'] },
  { name: 'registry-never-answers', meaning: 'a request to the registry is never answered while an ingest process starts', fault: { how: 'swallow', what: 'registry' }, arrival: true, ways: ['ingest'] },
  { name: 'facts-held', meaning: 'batches wait for the facts lock for longer than the session of a worker', fault: { how: 'hold', seconds: 9 }, ways: ['ingest'] },
  { name: 'table-assigned', meaning: 'another fee table is assigned, for the past too, while ingest is in the middle of a batch', fault: { how: 'assign' }, ways: ['ingest'] },
  { name: 'postgres-restored', meaning: 'Postgres is taken back to an earlier state while Kafka keeps its offsets', fault: { how: 'restore' }, ways: all },
  { name: 'unknown-error', meaning: 'ingest meets an error that it does not know, and must end with exit code 1', fault: { how: 'unknown error' }, ways: ['ingest'] },
  { name: 'relay-joins', meaning: 'a second relay works beside the first', fault: { how: 'second relay', seconds: 12 }, ways: ['relay'] },
  { name: 'much-load', meaning: 'nothing happens for half a minute but bookings, late and doubled ones too', fault: { how: 'time', seconds: 30 }, ways: ['ingest'] },
  { name: 'kafka-gone', meaning: 'Kafka is gone for longer than producers try, while orders are rated again', fault: { how: 'kafka gone', seconds: 15 }, ways: ['ingest', 'relay'] },
  { name: 'groups-race', meaning: 'another group overtakes the first, freezes with new events in hand, and wakes when the first has settled them', fault: { how: 'race' }, ways: ['ingest'] },
];
