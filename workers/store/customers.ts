import type { Party } from '../../schemas/booking-event.js';
import type { Candidate } from '../domain/match/candidates.js';
import { compareKeys, mostCustomersPerKey } from '../domain/match/candidates.js';
import type { Key } from '../domain/match/keys.js';
import type { Contact, CustomerDraft } from '../domain/match/new-customer.js';
import type { CustomerKind, Role } from '../domain/match/parties.js';
import type { Queryable } from './database.js';

export interface FoundCandidates {
  readonly candidates: readonly Candidate[];
  /** The keys that too many customers share; their customers are not among the candidates. */
  readonly overflowed: readonly Key[];
  /** Roughly how many customers there are: what the statistics of the database say. */
  readonly customers: number;
}

interface CandidateRow {
  readonly customerId: string;
  readonly rootId: string;
  readonly kind: CustomerKind;
  readonly inactive: boolean;
  readonly party: Party;
  /** Places in the list of keys, from 1. */
  readonly places: readonly number[];
}

/** Of the keys that were looked for as a whole. */
interface LookupRow {
  readonly customerId: null;
  readonly overflowed: readonly number[] | null;
  readonly customers: number;
}

/**
 * Reads the active customers that have one of the keys, each with the keys that it was found by. One statement for the whole batch.
 * An inactive one is found by its external id alone: whoever is named by it is not somebody new.
 */
export async function findCandidates(tx: Queryable, keys: readonly Key[]): Promise<FoundCandidates> {
  if (keys.length === 0) return { candidates: [], overflowed: [], customers: 0 };
  const asked = distinct(keys);
  const rows = await tx.query<CandidateRow | LookupRow>(
    `with k as (select * from unnest($1::text[], $2::text[]) with ordinality as k (kind, value, place)), found as materialized (
       select k.place::int as place, k.kind, f.ids from k cross join lateral (
         select array_agg(customer_id) as ids from (select customer_id from customer_key where kind = k.kind and value = k.value order by customer_id limit $3) as few
       ) as f where f.ids is not null
     ), met as (
       select id, array_agg(place order by place) as places, array_agg(place order by place) filter (where kind in ('external', 'external-company')) as named
       from found cross join unnest(ids) as id where cardinality(ids) < $3 group by id
     )
     select null as "customerId", null as "rootId", null as kind, null as inactive, null as party, null as places,
       (select array_agg(place order by place) from found where cardinality(ids) >= $3) as overflowed, (select reltuples from pg_class where oid = 'customer'::regclass) as customers
     union all
     (select c.id::text, c.root_id::text, c.kind, not c.active, c.party, case when c.active then met.places else met.named end, null, null
      from met join customer c on c.id = met.id where c.active or met.named is not null order by c.id)`,
    [...columnsOf(asked), mostCustomersPerKey + 1],
  );
  const keysAt = (places: readonly number[]): readonly Key[] => places.flatMap((place) => asked[place - 1] ?? []);
  const lookup = rows.find((row) => row.customerId === null);
  return {
    candidates: rows.flatMap((row): readonly Candidate[] => {
      if (row.customerId === null) return [];
      const { places, inactive, ...candidate } = row;
      return [{ customerId: candidate.customerId, rootId: candidate.rootId, kind: candidate.kind, party: candidate.party, keys: keysAt(places), ...(inactive && { inactive }) }];
    }),
    overflowed: keysAt(lookup?.overflowed ?? []),
    customers: Math.max(0, lookup?.customers ?? 0),
  };
}

function distinct<Named extends Claim>(keys: readonly Named[]): readonly Pick<Named, 'kind' | 'value'>[] {
  return [...new Map(keys.map(({ kind, value }) => [`${kind} ${value}`, { kind, value }])).values()].sort(compareKeys);
}

const columnsOf = (keys: readonly Claim[]): [readonly string[], readonly string[]] => [keys.map(({ kind }) => kind), keys.map(({ value }) => value)];

/** What can be claimed: a strong key, or something else that two transactions have to meet at. */
export interface Claim {
  readonly kind: string;
  readonly value: string;
}

/**
 * Locks the strong keys of would-be-new customers until the transaction ends. Whoever else wants to create a customer for one of them waits here;
 * afterwards look for candidates again, for they may have been created meanwhile.
 * Sorted, or two batches deadlock; `do nothing` instead of the update that changes nothing would not lock a key that stands already.
 */
export async function claimIdentities(tx: Queryable, claims: readonly Claim[]): Promise<void> {
  if (claims.length === 0) return;
  await tx.query(
    `insert into identity_claim (kind, value) select kind, value from unnest($1::text[], $2::text[]) as k (kind, value) order by 1, 2
     on conflict (kind, value) do update set value = excluded.value where false`,
    columnsOf(distinct(claims)),
  );
}

/** Takes `count` new customer ids; those that are not used leave a gap. */
export async function allocateCustomerIds(tx: Queryable, count: number): Promise<readonly string[]> {
  if (count === 0) return [];
  const rows = await tx.query<{ readonly id: string }>(`select nextval('customer_id_seq') as id from generate_series(1, $1)`, [count]);
  return rows.map(({ id }) => id);
}

/** Inserts customers with their keys and contact points, in one statement. */
export async function insertCustomers(tx: Queryable, drafts: readonly CustomerDraft[]): Promise<void> {
  if (drafts.length === 0) return;
  const keys = drafts.flatMap((draft) => draft.keys.map((key) => ({ ...key, id: draft.id })));
  const contacts = drafts.flatMap((draft) => draft.contacts.map((contact) => ({ ...contact, id: draft.id, origin: draft.origin })));
  await tx.query(
    `with new_customer as (
       insert into customer (id, root_id, kind, party, origin, profile)
       select id, id, kind, party, origin, profile from unnest($1::bigint[], $2::text[], $3::jsonb[], $4::text[], $8::jsonb[]) as t (id, kind, party, origin, profile) order by id
     ), new_key as (
       insert into customer_key (kind, value, customer_id)
       select kind, value, id from unnest($5::text[], $6::text[], $7::bigint[]) as t (kind, value, id) order by 1, 2, 3
     )
     insert into customer_contact (customer_id, kind, value, origin, source, label, verified, consent_hint)
     select * from unnest($9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::boolean[], $16::text[]) order by 1, 2, 3`,
    [
      drafts.map(({ id }) => id), drafts.map(({ kind }) => kind), drafts.map(({ party }) => JSON.stringify(party)), drafts.map(({ origin }) => origin),
      keys.map(({ kind }) => kind), keys.map(({ value }) => value), keys.map(({ id }) => id),
      drafts.map(({ profile = {} }) => JSON.stringify(profile)),
      contacts.map(({ id }) => id), contacts.map(({ kind }) => kind), contacts.map(({ value }) => value), contacts.map(({ origin }) => origin), ...contactDetails(contacts),
    ],
  );
}

/** The columns source, label, verified and consent_hint of contact points. */
export const contactDetails = (contacts: readonly Contact[]): readonly (readonly unknown[])[] => [
  contacts.map(({ source }) => source ?? null), contacts.map(({ label }) => label ?? null), contacts.map(({ verified }) => verified ?? false), contacts.map(({ consentHint }) => consentHint ?? null),
];

/** A contact point that a booking of a known customer shows. */
export interface ObservedContact extends Contact {
  readonly customerId: string;
  /** The source. */
  readonly origin: string;
}

/** Adds contact points as observed, unverified; those that the customer has already stay as they are. */
export async function addObservedContacts(tx: Queryable, contacts: readonly ObservedContact[]): Promise<void> {
  if (contacts.length === 0) return;
  await tx.query(
    `insert into customer_contact (customer_id, kind, value, origin)
     select distinct on (1, 2, 3) "customerId", kind, value, origin from json_to_recordset($1::json) as ("customerId" bigint, kind text, value text, origin text)
     order by 1, 2, 3, 4
     on conflict (customer_id, kind, value) do nothing`,
    [JSON.stringify(contacts)],
  );
}

/** A match decision as it is kept. */
export interface CustomerLink {
  readonly orderId: string;
  readonly role: Role;
  readonly position: string;
  readonly decision: 'link' | 'review' | 'new' | 'none';
  readonly customerId: string | null;
  /** What spoke for it, and who else was looked at; no personal data. */
  readonly evidence: unknown;
  /** The model version, or a person. */
  readonly decidedBy: string;
}

/** Keeps decisions; each supersedes the one that stood for the same order, role and position. The order rows must be locked; each place at most once per call. */
export async function insertLinks(tx: Queryable, links: readonly CustomerLink[]): Promise<void> {
  if (links.length === 0) return;
  await tx.query(
    `with decided as (
       select * from json_to_recordset($1::json) as (order_id uuid, role text, position text, decision text, customer_id bigint, evidence jsonb, decided_by text)
     ), superseded as (
       update customer_link l set superseded_at = now() from decided d
       where l.order_id = d.order_id and l.role = d.role and l.position = d.position and l.superseded_at is null
     )
     insert into customer_link (order_id, role, position, seq, decision, customer_id, evidence, decided_by)
     select d.order_id, d.role, d.position,
       coalesce((select max(l.seq) from customer_link l where l.order_id = d.order_id and l.role = d.role and l.position = d.position), 0) + 1,
       d.decision, d.customer_id, d.evidence, d.decided_by
     from decided d order by 1, 2, 3`,
    [JSON.stringify(links.map(({ orderId, role, position, decision, customerId, evidence, decidedBy }) => (
      { order_id: orderId, role, position, decision, customer_id: customerId ?? undefined, evidence, decided_by: decidedBy })))],
  );
}

/** The decisions that stand for the orders, by order, role and position. */
export async function currentLinks(tx: Queryable, orderIds: readonly string[]): Promise<readonly CustomerLink[]> {
  if (orderIds.length === 0) return [];
  return tx.query<CustomerLink>(
    `select order_id as "orderId", role, position, decision, customer_id as "customerId", evidence, decided_by as "decidedBy"
     from customer_link where order_id = any ($1::uuid[]) and superseded_at is null order by 1, 2, 3`,
    [orderIds],
  );
}

/** The root of each of these customers: itself, or the one it was merged into. */
export async function rootsOf(tx: Queryable, ids: readonly string[]): Promise<readonly { readonly id: string; readonly rootId: string }[]> {
  if (ids.length === 0) return [];
  return tx.query(`select id, root_id as "rootId" from customer where id = any($1::bigint[])`, [ids]);
}

/** The ids of the customers that a person names by an id, or as `source:externalId`; a person and a company may have the same external id. */
export async function findCustomerByName(db: Queryable, name: string): Promise<readonly string[]> {
  const rows = await db.query<{ readonly id: string }>(
    `select id from customer where $1 ~ '^\\d{1,18}$' and id = case when $1 ~ '^\\d{1,18}$' then $1::bigint end
     union
     select customer_id from customer_key where kind in ('external', 'external-company') and value = $1 order by 1`,
    [name],
  );
  return rows.map(({ id }) => id);
}

/** The customer (root of merges) that a person names by its id, or as `source:externalId`; null where there is none. */
export async function findCustomerId(db: Queryable, name: string, kind: CustomerKind): Promise<string | null> {
  const rows = await db.query<{ readonly id: string }>(
    `select c.root_id as id from customer c where $1 ~ '^\\d{1,18}$' and c.id = case when $1 ~ '^\\d{1,18}$' then $1::bigint end and c.kind = $2
     union all
     select c.root_id from customer_key k join customer c on c.id = k.customer_id
     where k.kind = case $2 when 'company' then 'external-company' else 'external' end and k.value = $1
     limit 1`,
    [name, kind],
  );
  return rows[0]?.id ?? null;
}
