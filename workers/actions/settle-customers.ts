import { createHash } from 'node:crypto';
import type { Party } from '../../schemas/booking-event.js';
import type { CustomerEvent } from '../../schemas/customer-event.js';
import { contentText } from '../domain/content.js';
import { compareVersions, consentsOf, customerKey, validateCustomerEvent, type CustomerVersion } from '../domain/customer-event.js';
import { isTie, profileOfEvent, withContacts } from '../domain/customer-profile.js';
import { externalKey, type Key } from '../domain/match/keys.js';
import { masterOf } from '../domain/match/new-customer.js';
import { kindOf } from '../domain/match/parties.js';
import type { Rejection } from '../domain/rejection.js';
import {
  customerDays, deactivateCustomers, deactivations, keysByMessageKey, saveConsents, saveCustomerDays, saveDeactivations, saveMessageKeys, type CustomerConsent, type CustomerDay,
} from '../store/customer-events.js';
import type { DatedFact } from '../store/customer-master.js';
import type { Database, Queryable } from '../store/database.js';
import { markApplied, recordDeadLetters, replayedFrom } from '../store/dead-letters.js';
import { countOutcomes, type Fence } from '../store/fence.js';
import { schemaIdOf, type Codec } from '../topics/codec.js';
import { claimUnknown, customerIds, distinctKeys, FactsLockNeeded, keyName, landCustomers, landFacts, lockKnown, masterDraft, type SaidCustomer } from './land-customers.js';
import type { Batch, Incoming } from './settle/batch.js';
import { assertDeadLetters, deadLetterOf, fenceBatch, splitAt } from './settle/fenced-batch.js';
import type { Settled, SettleOptions } from './settle/settle.js';

/** What a source says of a customer. */
interface Statement extends CustomerVersion {
  readonly message: Incoming;
  readonly event: CustomerEvent;
  readonly key: Key;
  readonly validFrom: string;
  /** Kafka's key where it is not `source:externalId`; null: it is, or there is none. */
  readonly messageKey: string | null;
}

/** A message without a value: whoever its key names is a customer no more. */
interface Deactivation {
  readonly message: Incoming;
  readonly name: string;
}

interface Rejected {
  readonly message: Incoming;
  readonly rejection: Rejection;
}

type ReadCustomer = Statement | Deactivation | Rejected;

const isStatement = (read: ReadCustomer): read is Statement => 'event' in read;
const isDeactivation = (read: ReadCustomer): read is Deactivation => 'name' in read;
const isRejected = (read: ReadCustomer): read is Rejected => 'rejection' in read;

export interface SettleCustomersDependencies {
  readonly database: Database;
  readonly codec: Codec;
  /** Wraps a step, so that it is measured under its name. */
  readonly observe: <Result>(step: string, work: () => Promise<Result>) => Promise<Result>;
}

/**
 * Settles batches of customer events into the customer master, in one READ COMMITTED transaction each: facts lock (shared; alone where a fact that rating
 * reads of a known customer changes), fence, identities, customers by id. The newest event of a customer says who it is, the newest for a day what holds
 * from that day on, so any order of arrival ends in the same master.
 * Every message ends as applied, duplicate, late (older than what is known: at most its dated facts and consents count) or dead letter, or nothing is committed.
 * @throws FetchedAhead, TopicRecreated, CircularCompanies, database errors, SchemaRegistryError: in each case nothing was committed.
 */
export function createSettleCustomers({ database, codec, observe }: SettleCustomersDependencies): (batch: Batch, options: SettleOptions) => Promise<Settled> {
  async function read(messages: readonly Incoming[], refused: ReadonlyMap<number, Rejection>): Promise<readonly ReadCustomer[]> {
    await codec.prepare(messages.flatMap((message) => schemaIdOf(message.value) ?? []));
    return messages.map((message) => {
      const rejection = refused.get(message.offset);
      return rejection === undefined ? readMessage(codec, message) : { message, rejection };
    });
  }

  async function settleWithin(tx: Queryable, batch: Batch, messages: readonly ReadCustomer[], { now, acceptGap = false }: SettleOptions, exclusive: boolean): Promise<Settled> {
    const { group, topic, partition } = batch;
    const fence = await fenceBatch(tx, batch, { acceptGap, exclusive });
    const { done, todo } = splitAt(messages, fence);
    await assertDone(tx, batch, fence, done);
    const living = todo.filter((each) => !fence.dead.has(each.message.offset));
    const rejected = living.filter(isRejected);
    const settled = living.filter((each) => !isRejected(each));

    const counts = await observe('customers', () => landMessages(tx, living.filter(isStatement), living.filter(isDeactivation), exclusive, new Date(now)));
    await markApplied(tx, settled.flatMap(({ message }) => replayedFrom(message.headers) ?? []));
    await recordDeadLetters(tx, rejected.map((each) => deadLetterOf(batch, fence, each)));
    const outcomes = { read: todo.length, ...counts, deadLettered: rejected.length + todo.length - living.length };
    await countOutcomes(tx, group, topic, partition, outcomes);
    return { outcomes, dropped: done.length };
  }

  return async (batch, options) => {
    const messages = await observe('decode', () => read(batch.messages, options.refused ?? new Map()));
    try {
      return await database.transaction((tx) => settleWithin(tx, batch, messages, options, false));
    } catch (error) {
      if (!(error instanceof FactsLockNeeded)) throw error;
      return database.transaction((tx) => settleWithin(tx, batch, messages, options, true));
    }
  };
}

function readMessage(codec: Codec, message: Incoming): ReadCustomer {
  const name = messageKeyOf(message);
  if (message.value === null) return name === null ? { message, rejection: namesNobody } : isTime(message.timestamp) ? { message, name } : { message, rejection: noTime };
  const decoded = codec.decodeCustomerEvent(message.value);
  if (!decoded.ok) return { message, rejection: decoded };
  const { event } = decoded;
  const rejection = validateCustomerEvent(event, message.timestamp);
  if (rejection !== null) return { message, rejection };
  const key = customerKey(event);
  return {
    message, event, key, updatedAt: event.updatedAt, digest: createHash('md5').update(contentText(event)).digest('hex'),
    validFrom: event.validFrom ?? always, messageKey: name === key.value ? null : name,
  };
}

const always = '-infinity';
const namesNobody: Rejection = { code: 'NULL_VALUE', reason: 'The message has no value, which deactivates a customer, but no key that names one (source:externalId, or the key of its events).' };
const noTime: Rejection = { code: 'TIME', reason: 'The message has no value, which deactivates a customer, but no possible timestamp that says when.' };
const latest = Date.UTC(2201, 0, 1);
const isTime = (timestamp: number): boolean => timestamp > 0 && timestamp < latest;

/** Longer keys would not fit into an index of Postgres. */
const longestKey = 1_100;

/** Kafka's key as text; null where it is none that could name a customer. */
function messageKeyOf({ key }: Incoming): string | null {
  if (key === null || key.length > longestKey) return null;
  const text = key.toString('utf8').trim();
  return text === '' || text.includes('\u0000') || text.includes('\ufffd') ? null : text;
}

/** A message below the fence was done before, unless the topic is another one than before: what is known is then at least as new. */
async function assertDone(tx: Queryable, batch: Batch, fence: Fence, done: readonly ReadCustomer[]): Promise<void> {
  if (done.length === 0) return;
  const known = newestByKey(await customerDays(tx, distinctKeys(done.filter(isStatement).map(({ key }) => key))));
  const deactivated = await deactivations(tx, [...new Set(done.filter(isDeactivation).map(({ name }) => name))]);
  const isKnown = (read: ReadCustomer): boolean => {
    if (isDeactivation(read)) return (deactivated.get(read.name) ?? 0) >= read.message.timestamp;
    const newest = isStatement(read) ? known.get(keyName(read.key)) : undefined;
    return newest !== undefined && isStatement(read) && compareVersions(read, newest) <= 0;
  };
  await assertDeadLetters(tx, batch, fence, done.filter((each) => !isKnown(each)));
}

type Counts = Pick<Settled['outcomes'], 'applied' | 'duplicate' | 'late'>;

/** Lands everything that a batch says, in few statements however many messages there are. */
async function landMessages(tx: Queryable, statements: readonly Statement[], ended: readonly Deactivation[], exclusive: boolean, now: Date): Promise<Counts> {
  const names = [...new Set(ended.map(({ name }) => name))];
  const targets = distinctKeys(statements.flatMap((statement) => relationsOf(statement).map(({ target }) => target)));
  const knownTargets = await customerIds(tx, targets);
  const stubs = targets.filter((key) => !knownTargets.has(keyName(key))).map(stubOf);
  const came = statements.flatMap(({ key, messageKey }) => (messageKey === null ? [] : [{ ...key, messageKey }]));
  await claimUnknown(tx, [...statements.map(saidBy), ...stubs], [...names.flatMap((name) => [...keysNamed(name), messageKeyClaim(name)]), ...came.map(({ messageKey }) => messageKeyClaim(messageKey))]);
  const endedKeys = [...names.flatMap(keysNamed), ...await keysByMessageKey(tx, names)];
  const met = await lockKnown(tx, [...[...statements, ...stubs].map(({ key }) => key), ...endedKeys]);
  const known = await customerDays(tx, distinctKeys(statements.map(({ key }) => key)));
  const before = await deactivations(tx, names);

  const folded = fold(statements, known);
  const said = [...folded.newest.map(saidBy), ...stubs.filter(({ key }) => !met.has(keyName(key)) && !folded.newest.some((other) => keyName(other.key) === keyName(key)))];
  const customers = await landCustomers(tx, said, met, { exclusive, now });
  const ids = new Map([...knownTargets, ...[...met].map(([name, { id }]) => [name, id] as const), ...customers.ids]);
  const days = folded.days.map((statement) => dayOf(statement, ids));
  const gone = goneFacts(days, known);
  await landFacts(tx, days.flatMap(({ facts }) => facts), { customers, exclusive, cause: 'customer events', now }, gone);
  await saveCustomerDays(tx, days);
  await saveMessageKeys(tx, came);
  await saveConsents(tx, statements.flatMap((statement) => consentRows(statement, ids)));

  const deactivated = newestOf(ended, before);
  await saveDeactivations(tx, deactivated.newest);
  const touched = [...statements.map(({ key }) => key), ...said.map(({ key }) => key), ...endedKeys].flatMap((key) => ids.get(keyName(key)) ?? []);
  await deactivateCustomers(tx, [...new Set(touched)]);
  return {
    applied: folded.counts.applied + deactivated.counts.applied,
    duplicate: folded.counts.duplicate + deactivated.counts.duplicate,
    late: folded.counts.late + deactivated.counts.late,
  };
}

/** Whom a key `source:externalId` names, person or company. */
const keysNamed = (name: string): readonly Key[] => [{ kind: 'external', value: name }, { kind: 'external-company', value: name }];

/** Held by whoever deactivates a key, and by whoever's events come under it: otherwise neither would see the other. */
const messageKeyClaim = (value: string) => ({ kind: 'message-key', value });

interface Folded {
  readonly counts: Counts;
  /** Of each customer the newest event, where it is newer than what was known. */
  readonly newest: readonly Statement[];
  /** Of each customer and day the newest event, where it is newer than what was known. */
  readonly days: readonly Statement[];
}

/** Which events say something new, one after the other as they came. */
function fold(statements: readonly Statement[], known: readonly CustomerDay[]): Folded {
  const newest = new Map<string, CustomerVersion>(newestByKey(known));
  const days = new Map<string, CustomerVersion>(known.map((day) => [dayName(day), day]));
  const counts = { applied: 0, duplicate: 0, late: 0 };
  for (const statement of statements) {
    const [before, dayBefore] = [newest.get(keyName(statement.key)), days.get(dayName(statement))];
    const isNewest = before === undefined || compareVersions(statement, before) > 0;
    const isNewestOfDay = dayBefore === undefined || compareVersions(statement, dayBefore) > 0;
    if (isNewest) newest.set(keyName(statement.key), statement);
    if (isNewestOfDay) days.set(dayName(statement), statement);
    counts[isNewest ? 'applied' : dayBefore !== undefined && compareVersions(statement, dayBefore) === 0 ? 'duplicate' : 'late'] += 1;
  }
  const isOurs = (version: CustomerVersion): version is Statement => 'event' in version;
  return { counts, newest: [...newest.values()].filter(isOurs), days: [...days.values()].filter(isOurs) };
}

function newestByKey(days: readonly CustomerDay[]): ReadonlyMap<string, CustomerDay> {
  const newest = new Map<string, CustomerDay>();
  for (const day of days) {
    const other = newest.get(keyName(day.key));
    if (other === undefined || compareVersions(day, other) > 0) newest.set(keyName(day.key), day);
  }
  return newest;
}

const dayName = ({ key, validFrom }: { readonly key: Key; readonly validFrom: string }): string => `${validFrom} ${keyName(key)}`;

function newestOf(ended: readonly Deactivation[], before: ReadonlyMap<string, number>): { readonly counts: Counts; readonly newest: ReadonlyMap<string, number> } {
  const newest = new Map(before);
  const counts = { applied: 0, duplicate: 0, late: 0 };
  for (const { name, message: { timestamp } } of ended) {
    const known = newest.get(name);
    if (known === undefined || timestamp > known) newest.set(name, timestamp);
    counts[known === undefined || timestamp > known ? 'applied' : timestamp === known ? 'duplicate' : 'late'] += 1;
  }
  return { counts, newest };
}

/** The customer as the event says it: what it does not say is not so. */
const saidBy = ({ key, event }: Statement): SaidCustomer => ({
  key,
  draft: (id) => {
    const kind = kindOf(event.party ?? {});
    const profile = profileOfEvent(event);
    const party = masterOf(withContacts(plain({ ...event.party, externalId: event.externalId.trim() }), profile.contacts ?? []), kind);
    return masterDraft(id, { key, kind, party, profile, source: event.source, country: party.addresses?.[0]?.country ?? null });
  },
});

/** A company of which only the id is known, because somebody belongs to it: it is told later who it is. */
const stubOf = (key: Key): SaidCustomer => ({
  key,
  draft: (id) => masterDraft(id, {
    key, kind: 'company', party: { kind: 'company', externalId: key.value.slice(key.value.indexOf(':') + 1) }, profile: {}, source: '', country: null,
  }),
});

/** Without nulls and without the classes that the decoder makes. */
const plain = (party: Party): Party => JSON.parse(JSON.stringify(party, (_, value: unknown) => value ?? undefined)) as Party;

function relationsOf({ event }: Statement): readonly { readonly name: 'company' | 'parent'; readonly target: Key }[] {
  return (event.relations ?? []).filter((relation) => !isTie(relation)).map(({ type, externalId }) => ({
    name: type === 'parent' ? 'parent' : 'company', target: { kind: 'external-company', value: externalKey(event.source, externalId?.trim() ?? '') },
  }));
}

function dayOf(statement: Statement, ids: ReadonlyMap<string, string>): CustomerDay {
  const { key, event, validFrom, updatedAt, digest } = statement;
  const customerId = ids.get(keyName(key)) ?? '';
  const attributes = Object.entries(event.attributes ?? {}).map(([name, value]): DatedFact => ({ kind: 'attribute', customerId, validFrom, name, value: value.trim() === '' ? null : value.trim() }));
  const relations = relationsOf(statement).map(({ name, target }): DatedFact => ({ kind: 'relation', customerId, validFrom, name, value: ids.get(keyName(target)) ?? '' }));
  return { key, validFrom, customerId, updatedAt, digest, facts: [...attributes, ...relations] };
}

/** What an older event said for the same day and the newer one does not. */
function goneFacts(days: readonly CustomerDay[], known: readonly CustomerDay[]): readonly DatedFact[] {
  const before = new Map(known.map((day) => [dayName(day), day]));
  return days.flatMap((day) => (before.get(dayName(day))?.facts ?? []).filter((old) => !day.facts.some(({ kind, name }) => kind === old.kind && name === old.name)));
}

function consentRows({ key, event }: Statement, ids: ReadonlyMap<string, string>): readonly CustomerConsent[] {
  return consentsOf(event).map(({ purpose, channel, given, at }) => ({
    customerId: ids.get(keyName(key)) ?? '', purpose: purpose?.trim() ?? '', channel: channel?.trim() ?? '', at: at ?? event.updatedAt, given: given === true, source: event.source,
  }));
}
