import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { createRandom } from '../../../workers/domain/generate/random.js';
import { hasCode } from '../../../services/fault.js';
import type { ServiceName } from '../../../services/start.js';
import type { RunningWorker, WorkerKind } from './crew.js';
import type { Fault } from './scenarios.js';
import type { Step } from './step.js';
import { until, type World } from './world.js';

/** When a fault was over: for a killed worker the moment of the kill, else the moment from which everything is well again. Milliseconds. */
type Strike<How extends Fault['how']> = (world: World, fault: Extract<Fault, { readonly how: How }>) => Promise<number>;

const workerKinds: readonly string[] = ['ingest', 'relay', 'outreach'];
const isWorker = (what: WorkerKind | ServiceName): what is WorkerKind => workerKinds.includes(what);

const betweenTimes = 300;
const downtime = 1_000;
/** An assignment that nothing keeps waiting is committed by then; a frozen process has not lost its session yet. */
const assignmentTakes = 2_000;
/** Some new bookings in every partition. */
const bookingsGather = 3_000;
/** By then others have settled what a frozen process has in hand. */
const othersSettle = 2_000;
const stopsWithin = 30_000;

const beforeSave: Step = { module: 'workers/store/settlement.js', export: 'saveSettlement', at: 'before' };

const strikes: { readonly [How in Fault['how']]: Strike<How> } = {
  async kill(world, { what, all: everyOne = false }) {
    const since = Date.now();
    const victims = what.filter(isWorker).flatMap((kind) => (everyOne ? ownWorkers(world, kind) : [oneOf(world, kind)]));
    await Promise.all(victims.map((victim) => world.crew.kill(victim)));
    // One of several is replaced only when the others have taken over its work.
    for (const { kind } of victims) if (everyOne || kind !== 'ingest') world.crew.start(kind);
    const servers = what.filter((name): name is ServiceName => !isWorker(name));
    if (servers.length === 0) return since;
    for (const name of servers) send(pidOf(world, name), 'SIGKILL');
    await pause(downtime);
    await Promise.all(servers.map((name) => world.services.restart(name)));
    return Date.now();
  },
  async freeze(world, { what, seconds }) {
    const pids = isWorker(what) ? [oneOf(world, what).pid] : await familyOf(pidOf(world, what));
    for (const pid of pids) send(pid, 'SIGSTOP');
    await pause(seconds * 1_000);
    const since = Date.now();
    for (const pid of pids) send(pid, 'SIGCONT');
    return since;
  },
  async cut({ proxies }, { what, times }) {
    for (let time = 0; time < times; time += 1) {
      proxies[what].cut();
      await pause(betweenTimes);
    }
    return Date.now();
  },
  async away({ proxies }, { what, seconds }) {
    proxies[what].setAway(true);
    await pause(seconds * 1_000);
    proxies[what].setAway(false);
    return Date.now();
  },
  async slow({ proxies }, { what, milliseconds, seconds }) {
    proxies[what].slowDown(milliseconds);
    await pause(seconds * 1_000);
    proxies[what].slowDown(0);
    return Date.now();
  },
  async sql({ troubles, seed }, { sqlState, share, seconds }) {
    const random = createRandom(seed, 'statements');
    troubles.sql = { sqlState, strikes: () => random.chance(share) };
    await pause(seconds * 1_000);
    troubles.sql = null;
    return Date.now();
  },
  async terminate({ ask }, { times }) {
    for (let time = 0; time < times; time += 1) {
      await ask(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name in ('midline ingest', 'midline relay', 'midline outreach')`);
      await pause(betweenTimes);
    }
    return Date.now();
  },
  async flush({ flushRedis }) {
    await flushRedis();
    return Date.now();
  },
  async 'flush waiting'(world) {
    const outreach = oneOf(world, 'outreach');
    outreach.signal('SIGSTOP');
    await until('messages wait in Redis', async () => (await world.ask(`select from message where state = 'queued' offset 4 limit 1`)).length > 0);
    await world.flushRedis();
    const since = Date.now();
    outreach.signal('SIGCONT');
    return since;
  },
  async 'jobs twice'(world, { seconds }) {
    for (const end = Date.now() + seconds * 1_000; Date.now() < end; await pause(betweenTimes)) await world.enqueueAgain();
    return Date.now();
  },
  async swallow({ proxies }, { what }) {
    await proxies[what].swallowNext();
    return Date.now();
  },
  async hold(world, { seconds }) {
    await until('every ingest process has joined its group', async () => (await world.members()).length >= ownWorkers(world, 'ingest').length);
    const before = await world.members();
    await world.holdFacts(seconds);
    await until('the group is settled', async () => (await world.members()).length > 0);
    const after = await world.members();
    for (const member of before) if (!after.includes(member)) world.complaints.push(`${member} lost its place in the group while its batch waited`);
    return Date.now();
  },
  async assign(world) {
    // Who comes alone to what has gathered has new bookings in its first batch: orders that are there already would be rated again in any case.
    for (const worker of ownWorkers(world, 'ingest')) await world.crew.stop(worker);
    await pause(bookingsGather);
    const victim = world.crew.start('ingest', { strike: { ...beforeSave, signal: 'SIGSTOP', passage: 1 } });
    await until(`${victim.name} is about to save`, () => isFrozen(victim.pid));
    const assigned = world.assign('raised');
    await pause(assignmentTakes);
    victim.signal('SIGCONT');
    await assigned;
    return Date.now();
  },
  async time(_world, { seconds }) {
    const since = Date.now();
    await pause(seconds * 1_000);
    return since;
  },
  async 'kafka gone'(world, { seconds }) {
    send(pidOf(world, 'kafka'), 'SIGKILL');
    await world.assign('raised');
    await pause(seconds * 1_000);
    await world.services.restart('kafka');
    return Date.now();
  },
  async restore(world) {
    for (const kind of ['relay', 'outreach'] as const) for (const worker of ownWorkers(world, kind)) await world.crew.stop(worker);
    await world.keepCopy();
    const kept = Date.now();
    await until('ingest went on', () => world.everyPartition(world.group, kept));
    await world.goBackToCopy();
    const since = Date.now();
    for (const kind of ['relay', 'outreach'] as const) world.crew.start(kind);
    return since;
  },
  async 'unknown error'(world) {
    for (const worker of ownWorkers(world, 'outreach')) await world.crew.stop(worker);
    await world.ask('alter table orders rename column booking_ref to reference');
    await Promise.all(ownWorkers(world, 'ingest').map(async (worker) => {
      const how = await world.crew.endOf(worker, stopsWithin);
      if (how !== 'exit code 1') world.complaints.push(`${worker.name} met an error that it does not know and ${how === null ? 'lives on' : `ended with ${how}`}`);
      await world.crew.kill(worker);
    }));
    await world.ask('alter table orders rename column reference to booking_ref');
    const since = Date.now();
    for (const kind of ['ingest', 'ingest', 'outreach'] as const) world.crew.start(kind);
    return since;
  },
  async race(world) {
    const group = `${world.group}-racing`;
    if (world.groups.has(group)) return Date.now();
    world.groups.add(group);
    const victim = world.crew.start('ingest', { group, strike: { ...beforeSave, signal: 'SIGSTOP', passage: 1 } });
    await until('the second group has overtaken the first', () => isFrozen(victim.pid));
    await pause(othersSettle);
    const since = Date.now();
    victim.signal('SIGCONT');
    return since;
  },
  async 'second relay'(world, { seconds }) {
    const second = world.crew.start('relay');
    await pause(seconds * 1_000);
    await world.crew.stop(second);
    return Date.now();
  },
  async vanish({ troubles }, { mails }) {
    troubles.vanishingMails = mails;
    await until('the mail server took the mails', () => Promise.resolve(troubles.vanishingMails === 0));
    return Date.now();
  },
  async join(world) {
    const before = ownWorkers(world, 'ingest').length;
    world.crew.start('ingest');
    await until('the new ingest process has joined its group', async () => (await world.members()).length > before);
    return Date.now();
  },
  async leave(world) {
    const since = Date.now();
    await world.crew.stop(oneOf(world, 'ingest'));
    return since;
  },
  async 'second group'(world) {
    const group = `${world.group}-second`;
    if (world.groups.has(group)) return Date.now();
    world.groups.add(group);
    world.crew.start('ingest', { group });
    await until('the second group has begun to read', async () => (await world.ask('select 1 from consumer_offset where consumer_group = $1', [group])).length > 0);
    return Date.now();
  },
  async step(world, { what, step, signal, upTo, seconds = 0 }) {
    const strike = { ...step, signal, passage: world.random.whole(1, upTo) };
    const before = what === 'ingest' ? [] : ownWorkers(world, what);
    const victim = world.crew.start(what, { strike });
    await Promise.all(before.map((worker) => world.crew.stop(worker)));
    if (signal === 'SIGKILL') {
      await until(`${victim.name} came to its step`, () => Promise.resolve(victim.isGone()));
      const since = Date.now();
      if (what !== 'ingest') world.crew.start(what);
      return since;
    }
    await until(`${victim.name} came to its step`, () => isFrozen(victim.pid));
    await pause(seconds * 1_000);
    const since = Date.now();
    victim.signal('SIGCONT');
    return since;
  },
};

/** Lets a fault happen and end. Resolves to the moment from which the recovery counts. */
export function strike<How extends Fault['how']>(world: World, fault: Extract<Fault, { readonly how: How }>): Promise<number> {
  return strikes[fault.how as How](world, fault);
}

const ownWorkers = ({ crew, group }: World, kind: WorkerKind): readonly RunningWorker[] => crew.running(kind).filter((worker) => worker.group === group);

function oneOf(world: World, kind: WorkerKind): RunningWorker {
  const candidates = ownWorkers(world, kind);
  const chosen = candidates[world.random.whole(0, candidates.length - 1)];
  if (chosen === undefined) throw new Error(`no ${kind} is running that could be struck`);
  return chosen;
}

function pidOf({ services }: World, name: ServiceName): number {
  const server = services.servers.find((one) => one.name === name);
  if (server === undefined) throw new Error(`${name} was not started here: unset its variable`);
  return server.pid;
}

/** To a process that may be gone by now: backends of Postgres come and go. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

/** A process and its children: Postgres does its work in those. */
async function familyOf(pid: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const parents = await Promise.all(pids.map(async (child) => ({ child: Number(child), parent: Number((await statOf(child))[1]) })));
  return [pid, ...parents.filter(({ parent }) => parent === pid).map(({ child }) => child)];
}

const isFrozen = async (pid: number): Promise<boolean> => (await statOf(String(pid)))[0] === 'T';

/** State, parent, … of a process; empty when it is gone. Its name, before them, may hold anything and ends with the last bracket. */
async function statOf(pid: string): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
