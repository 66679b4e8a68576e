import { isDeepStrictEqual } from 'node:util';
import type { Party } from '../../schemas/booking-event.js';
import { foreignKeys, masterContacts, tieKey, type StoredProfile } from '../domain/customer-profile.js';
import { compareKeys } from '../domain/match/candidates.js';
import { matchKeys, type Key } from '../domain/match/keys.js';
import { masterOrigin, type CustomerDraft } from '../domain/match/new-customer.js';
import type { CustomerKind } from '../domain/match/parties.js';
import type { Rejection } from '../domain/rejection.js';
import {
  changedFacts, circularCompanies, customersByKey, lockCustomersByKey, ordersOfCustomers, replaceTies, saveFacts, updateCustomers,
  type DatedFact, type KeyedTie, type KnownCustomer,
} from '../store/customer-master.js';
import { allocateCustomerIds, claimIdentities, insertCustomers, type Claim } from '../store/customers.js';
import type { Queryable } from '../store/database.js';
import { deleteMailingBlocks, saveMailingBlocks, type MailingBlockRow } from '../store/mailing-blocks.js';
import { markStale, raiseFactsVersion } from '../store/facts-lock.js';

/** Somebody that a file or an event says something of. */
export interface SaidCustomer {
  readonly key: Key;
  /** The customer as it is said, upon what is known. */
  readonly draft: (id: string, known: KnownCustomer | undefined) => MasterDraft;
}

/** A customer of the master data as it is inserted. */
export interface MasterDraft extends CustomerDraft {
  readonly profile: StoredProfile;
  /** The system that says it. */
  readonly source: string;
}

/** The customers that some keys name, by `keyName`, locked until the transaction ends. */
export type MetCustomers = ReadonlyMap<string, KnownCustomer>;

/** A fact of a known customer changes: the transaction has to begin again with the facts lock. */
export class FactsLockNeeded extends Error {
  override readonly name = 'FactsLockNeeded';
}

/** Companies would stand above themselves. */
export class CircularCompanies extends Error {
  override readonly name = 'CircularCompanies';
  /** The facts that make the circles. */
  readonly parents: readonly DatedFact[];
  /** Read by `faultKind`: the data of one message is at fault. */
  readonly poison = true;
  readonly rejection: Rejection = { code: 'RELATION', reason: 'relations makes a circle of companies: the parent stands below this company already' };
  constructor(parents: readonly DatedFact[]) {
    super('companies make a circle');
    this.parents = parents;
  }
}

export const keyName = ({ kind, value }: Key): string => `${kind} ${value}`;

export const distinctKeys = (keys: readonly Key[]): readonly Key[] => [...new Map(keys.map((key) => [keyName(key), key])).values()].sort(compareKeys);

/** The customer of each key, the one with the lowest id where there are several. */
const byKeyName = <Found extends { readonly key: Key }>(customers: readonly Found[]): ReadonlyMap<string, Found> =>
  new Map(customers.toReversed().map((customer) => [keyName(customer.key), customer]));

/** The ids of the customers that these keys name, without locking them. */
export async function customerIds(tx: Queryable, keys: readonly Key[]): Promise<ReadonlyMap<string, string>> {
  return new Map([...byKeyName(await customersByKey(tx, distinctKeys(keys)))].map(([name, { id }]) => [name, id]));
}

/**
 * Claims the identities of those that nobody knows yet, so that a booking or another batch of the same moment does not make a second customer; `others` with them.
 * Before any customer is locked: whoever takes both locks takes them in this order.
 */
export async function claimUnknown(tx: Queryable, said: readonly SaidCustomer[], others: readonly Claim[] = []): Promise<void> {
  const known = await customerIds(tx, said.map(({ key }) => key));
  const unknown = said.filter(({ key }) => !known.has(keyName(key)));
  await claimIdentities(tx, [...others, ...unknown.flatMap(({ draft }) => draft('', undefined).keys.filter(({ strong }) => strong))]);
}

/** Locks the customers that the keys name, in the order of their ids. */
export const lockKnown = async (tx: Queryable, keys: readonly Key[]): Promise<MetCustomers> => byKeyName(await lockCustomersByKey(tx, distinctKeys(keys)));

export interface LandedCustomers {
  /** Of everybody who was said, by `keyName`. */
  readonly ids: ReadonlyMap<string, string>;
  readonly created: ReadonlySet<string>;
  readonly updated: number;
  /** Known customers whose VAT id or country, which rating reads of a company, is another one now. */
  readonly rerated: readonly string[];
}

/**
 * Inserts or updates customers, each key at most once. One that is inactive becomes active.
 * @param options exclusive: the transaction has the facts lock alone; now: changed fields are as they are since its day
 * @throws FactsLockNeeded
 */
export async function landCustomers(tx: Queryable, said: readonly SaidCustomer[], met: MetCustomers, { exclusive, now }: { readonly exclusive: boolean; readonly now: Date }): Promise<LandedCustomers> {
  const unknown = said.filter(({ key }) => !met.has(keyName(key)));
  const ids = new Map([...met].map(([name, { id }]) => [name, id]));
  (await allocateCustomerIds(tx, unknown.length)).forEach((id, index) => { const each = unknown[index]; if (each) ids.set(keyName(each.key), id); });

  const drafts = said.map(({ key, draft }) => ({ draft: draft(ids.get(keyName(key)) ?? '', met.get(keyName(key))), known: met.get(keyName(key)) }));
  const created = drafts.flatMap(({ draft, known }) => (known === undefined ? [draft] : []));
  const updated = drafts.filter(({ draft, known }) => known !== undefined && !(known.active && isDeepStrictEqual(known.party, draft.party) && isDeepStrictEqual(known.profile, draft.profile)));
  const rerated = updated.filter(({ draft, known }) => isRatedChange(known?.party, draft.party)).map(({ draft }) => draft.id);
  if (rerated.length > 0 && !exclusive) throw new FactsLockNeeded();
  await insertCustomers(tx, created);
  const changes = updated.map(({ draft, known }) => ({ ...draft, changed: [...changedFields(known?.party ?? {}, draft.party), ...changedFields(known?.profile ?? {}, draft.profile)] }));
  await updateCustomers(tx, changes, dayOf(now));
  await replaceTies(tx, changes.map(({ id }) => id), [...created, ...changes].flatMap(tiesOf));
  await saveMailingBlocks(tx, [...created, ...changes].flatMap((draft) => blockOf(draft, now)));
  await deleteMailingBlocks(tx, changes.filter(({ profile }) => profile.mailingBlock == null).map(({ id, source }) => ({ customerId: id, source })));
  return { ids, created: new Set(created.map(({ id }) => id)), updated: updated.length, rerated };
}

/** Rating reads VAT id and country of a company from its party, as it is now. */
const isRatedChange = (before: Party | undefined, after: Party): boolean =>
  after.kind === 'company' && ((before?.vatId ?? null) !== (after.vatId ?? null) || (before?.addresses?.[0]?.country ?? null) !== (after.addresses?.[0]?.country ?? null));

const dayOf = (now: Date): string => now.toISOString().slice(0, 10);

/** The fields of which something else is said than before. */
function changedFields(before: object, after: object): readonly string[] {
  const [known, said] = [new Map<string, unknown>(Object.entries(before)), new Map<string, unknown>(Object.entries(after))];
  return [...new Set([...known.keys(), ...said.keys()])].filter((field) => !isDeepStrictEqual(known.get(field), said.get(field)));
}

const tiesOf = ({ id, profile, source }: MasterDraft): readonly KeyedTie[] =>
  (profile.ties ?? []).map((tie) => ({ customerId: id, type: tie.type, other: tieKey(tie, source), role: tie.role ?? null }));

const blockOf = ({ id, profile: { mailingBlock }, source }: MasterDraft, now: Date): readonly MailingBlockRow[] =>
  (mailingBlock == null ? [] : [{ customerId: id, source, until: mailingBlock.until ?? null, reason: mailingBlock.reason ?? null, at: now, by: masterOrigin }]);

/** What the master data says of a customer. */
interface Master {
  readonly key: Key;
  readonly kind: CustomerKind;
  readonly party: Party;
  readonly profile: StoredProfile;
  readonly source: string;
  /** ISO 3166: what national phone numbers are read with. */
  readonly country: string | null;
}

/** A customer of the master data under its own key. Whatever matching thinks of the id, the master is known by it. */
export function masterDraft(id: string, { key, kind, party, profile, source, country }: Master): MasterDraft {
  const keys = [...foreignKeys(profile, kind).map((foreign) => ({ ...foreign, strong: true })), ...matchKeys(party, 'payer', { source, country }, profile)];
  return {
    id, kind, party, profile, source, contacts: masterContacts(party, profile.contacts ?? [], source, country), origin: masterOrigin,
    keys: [...new Map([{ ...key, strong: true }, ...keys].map((each) => [keyName(each), each])).values()],
  };
}

export interface FactsLanding {
  readonly customers: LandedCustomers;
  readonly exclusive: boolean;
  /** Becomes the reason of what is rated again. */
  readonly cause: string;
  readonly now: Date;
}

/**
 * Writes dated facts, and marks the orders of known customers that a change concerns for rating again, unless it begins in the future.
 * @param gone facts that hold no more
 * @throws FactsLockNeeded, CircularCompanies
 */
export async function landFacts(
  tx: Queryable, facts: readonly DatedFact[], { customers, exclusive, cause, now }: FactsLanding, gone: readonly DatedFact[] = [],
): Promise<{ readonly changed: readonly DatedFact[]; readonly stale: number }> {
  const changed = await changedFacts(tx, lastOfEach(facts));
  const ofKnown = [...gone, ...changed].filter(({ customerId }) => !customers.created.has(customerId));
  if (ofKnown.length > 0 && !exclusive) throw new FactsLockNeeded();
  await saveFacts(tx, changed, gone);
  const parents = changed.filter((fact) => fact.kind === 'relation' && fact.name === 'parent');
  const circular = await circularCompanies(tx, parents);
  if (circular.size > 0) throw new CircularCompanies(parents.filter(({ customerId }) => circular.has(customerId)));
  if (ofKnown.length === 0 && customers.rerated.length === 0) return { changed, stale: 0 };
  await raiseFactsVersion(tx);
  const today = dayOf(now);
  const stale = await ordersOfCustomers(tx, [...new Set([...ofKnown.filter(({ validFrom }) => validFrom <= today).map(({ customerId }) => customerId), ...customers.rerated])]);
  await markStale(tx, stale, cause);
  return { changed, stale: stale.length };
}

const lastOfEach = (facts: readonly DatedFact[]): readonly DatedFact[] => [...new Map(facts.map((fact) => [factName(fact), fact])).values()];

/** What makes a fact unique. */
const factName = ({ kind, customerId, validFrom, name }: DatedFact): string => `${kind} ${customerId} ${validFrom} ${name}`;
