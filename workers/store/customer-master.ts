import type { Party } from '../../schemas/booking-event.js';
import { compareKeys } from '../domain/match/candidates.js';
import type { StoredProfile } from '../domain/customer-profile.js';
import type { Key } from '../domain/match/keys.js';
import { masterOrigin, type Contact, type CustomerDraft } from '../domain/match/new-customer.js';
import { contactDetails } from './customers.js';
import type { Queryable } from './database.js';

/** A customer with one of the keys that were asked for. */
export interface KnownCustomer {
  readonly key: Key;
  readonly id: string;
  readonly party: Party;
  readonly profile: StoredProfile;
  readonly origin: string;
  readonly active: boolean;
}

/** The ids of the customers that have the keys, the lowest first; nothing is locked. */
export async function customersByKey(tx: Queryable, keys: readonly Key[]): Promise<readonly Pick<KnownCustomer, 'key' | 'id'>[]> {
  if (keys.length === 0) return [];
  return tx.query(
    `select json_build_object('kind', k.kind, 'value', k.value) as key, k.customer_id as id
     from unnest($1::text[], $2::text[]) as t (kind, value) join customer_key k on k.kind = t.kind and k.value = t.value order by k.customer_id`,
    [keys.map(({ kind }) => kind), keys.map(({ value }) => value)],
  );
}

/** Reads the customers that have the keys, the lowest id first, and locks them in the order of their ids until the transaction ends. */
export async function lockCustomersByKey(tx: Queryable, keys: readonly Key[]): Promise<readonly KnownCustomer[]> {
  if (keys.length === 0) return [];
  const sorted = [...keys].sort(compareKeys);
  return tx.query<KnownCustomer>(
    `select json_build_object('kind', k.kind, 'value', k.value) as key, c.id, c.party, c.profile, c.origin, c.active
     from unnest($1::text[], $2::text[]) as t (kind, value)
     join customer_key k on k.kind = t.kind and k.value = t.value
     join customer c on c.id = k.customer_id
     order by c.id for update of c`,
    [sorted.map(({ kind }) => kind), sorted.map(({ value }) => value)],
  );
}

export type KeyableCustomer = Pick<CustomerDraft, 'id' | 'kind' | 'party'> & { readonly profile: StoredProfile };

/** The next customers behind an id, locked until the transaction ends; none that is erased. */
export async function lockCustomersBehind(tx: Queryable, id: string, limit: number): Promise<readonly KeyableCustomer[]> {
  return tx.query<KeyableCustomer>('select id, kind, party, profile from customer where id > $1 and erased_at is null order by id limit $2 for update', [id, limit]);
}

/** Adds keys; those that are there already stay. How many were missing. */
export async function addKeys(tx: Queryable, keys: readonly (Key & { readonly id: string })[]): Promise<number> {
  if (keys.length === 0) return 0;
  return (await tx.query(
    `insert into customer_key (kind, value, customer_id) select kind, value, id from unnest($1::text[], $2::text[], $3::bigint[]) as t (kind, value, id) order by 1, 2, 3 on conflict do nothing returning customer_id`,
    [keys.map(({ kind }) => kind), keys.map(({ value }) => value), keys.map(({ id }) => id)],
  )).length;
}

/** A customer as its file says it now. */
export interface CustomerChange extends Pick<CustomerDraft, 'id' | 'party' | 'keys' | 'contacts' | 'profile'> {
  /** Fields of party and profile that say something else than before. */
  readonly changed: readonly string[];
}

/**
 * Replaces party, profile, keys and contact points of customers. What bookings have shown stays: the keys of a customer that a booking made,
 * and contact points as observed.
 */
export async function updateCustomers(tx: Queryable, changes: readonly CustomerChange[], today: string): Promise<void> {
  if (changes.length === 0) return;
  const ids = changes.map(({ id }) => id);
  const keys = changes.flatMap((change) => change.keys.map((key) => ({ ...key, id: change.id })));
  await tx.query(
    `with given (kind, value, id) as (select * from unnest($2::text[], $3::text[], $4::bigint[])), gone as (
       delete from customer_key k using customer c
       where k.customer_id = any ($1::bigint[]) and c.id = k.customer_id and c.origin = '${masterOrigin}'
         and not exists (select from given g where g.id = k.customer_id and g.kind = k.kind and g.value = k.value))
     insert into customer_key (kind, value, customer_id) select kind, value, id from given order by 1, 2, 3 on conflict do nothing`,
    [ids, keys.map(({ kind }) => kind), keys.map(({ value }) => value), keys.map(({ id }) => id)],
  );
  await tx.query(
    `update customer c set party = t.party, profile = t.profile, since = c.since || t.since, active = true, updated_at = now()
     from unnest($1::bigint[], $2::jsonb[], $3::jsonb[], $4::jsonb[]) as t (id, party, profile, since) where c.id = t.id`,
    [
      ids, changes.map(({ party }) => JSON.stringify(party)), changes.map(({ profile = {} }) => JSON.stringify(profile)),
      changes.map(({ changed }) => JSON.stringify(Object.fromEntries(changed.map((field) => [field, today])))),
    ],
  );
  await replaceContacts(tx, ids, changes.flatMap((change) => change.contacts.map((contact) => ({ ...contact, id: change.id }))));
}

async function replaceContacts(tx: Queryable, ids: readonly string[], contacts: readonly (Contact & { readonly id: string })[]): Promise<void> {
  await tx.query(
    `with given (id, kind, value, source, label, verified, consent_hint) as (
       select * from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::text[])), gone as (
       delete from customer_contact c where c.customer_id = any ($1::bigint[]) and c.origin = '${masterOrigin}'
         and not exists (select from given g where g.id = c.customer_id and g.kind = c.kind and g.value = c.value))
     insert into customer_contact as c (customer_id, kind, value, origin, source, label, verified, consent_hint)
     select id, kind, value, '${masterOrigin}', source, label, verified, consent_hint from given order by 1, 2, 3
     on conflict (customer_id, kind, value) do update
       set origin = excluded.origin, source = excluded.source, label = excluded.label, verified = excluded.verified, consent_hint = excluded.consent_hint
       where (c.origin, c.source, c.label, c.verified, c.consent_hint) is distinct from (excluded.origin, excluded.source, excluded.label, excluded.verified, excluded.consent_hint)`,
    [ids, contacts.map(({ id }) => id), contacts.map(({ kind }) => kind), contacts.map(({ value }) => value), ...contactDetails(contacts)],
  );
}

/** A tie by the key of the other one. */
export interface KeyedTie {
  readonly customerId: string;
  readonly type: string;
  readonly other: Key;
  readonly role: string | null;
}

/** Replaces the ties of known customers, and adds those of others. */
export async function replaceTies(tx: Queryable, customerIds: readonly string[], ties: readonly KeyedTie[]): Promise<void> {
  if (customerIds.length === 0 && ties.length === 0) return;
  await tx.query(
    `with given (id, type, kind, value, role) as (select * from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])), gone as (
       delete from customer_tie t where t.customer_id = any ($1::bigint[])
         and not exists (select from given g where g.id = t.customer_id and g.type = t.type and g.kind = t.kind and g.value = t.value))
     insert into customer_tie as t (customer_id, type, kind, value, role) select distinct on (1, 2, 3, 4) id, type, kind, value, role from given order by 1, 2, 3, 4, 5
     on conflict (customer_id, type, kind, value) do update set role = excluded.role where t.role is distinct from excluded.role`,
    [
      customerIds, ties.map(({ customerId }) => customerId), ties.map(({ type }) => type), ties.map(({ other }) => other.kind), ties.map(({ other }) => other.value), ties.map(({ role }) => role),
    ],
  );
}

/** A fact about a customer that holds from a day on (`-infinity`: always); fee rules read it as of the time of a transaction. */
export type DatedFact =
  | { readonly kind: 'attribute'; readonly customerId: string; readonly name: string; /** Null: it has ended. */ readonly value: string | null; readonly validFrom: string }
  | { readonly kind: 'relation'; readonly customerId: string; readonly name: 'company' | 'parent'; readonly value: string; readonly validFrom: string };

/** Those of the facts that the database does not have as they are. */
export async function changedFacts<Fact extends DatedFact>(tx: Queryable, facts: readonly Fact[]): Promise<readonly Fact[]> {
  if (facts.length === 0) return [];
  const rows = await tx.query<{ readonly position: string }>(
    `select t.position from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::date[]) with ordinality as t (kind, id, name, value, valid_from, position)
     where not exists (select from customer_attribute a where t.kind = 'attribute'
         and a.customer_id = t.id and a.name = t.name and a.valid_from = t.valid_from and a.value is not distinct from t.value)
       and not exists (select from customer_relation r where t.kind = 'relation'
         and r.customer_id = t.id and r.type = t.name and r.valid_from = t.valid_from and r.related_id::text = t.value)
     order by 1`,
    columnsOf(facts),
  );
  return rows.flatMap(({ position }) => facts[Number(position) - 1] ?? []);
}

const columnsOf = (facts: readonly DatedFact[]): readonly unknown[] => [
  facts.map(({ kind }) => kind), facts.map(({ customerId }) => customerId), facts.map(({ name }) => name), facts.map(({ value }) => value), facts.map(({ validFrom }) => validFrom),
];

/** Inserts facts, or replaces those of the same customer, name and day; each at most once per call. Those that are gone are deleted. */
export async function saveFacts(tx: Queryable, facts: readonly DatedFact[], gone: readonly DatedFact[]): Promise<void> {
  if (gone.length > 0) {
    await tx.query(
      `with given (kind, id, name, value, valid_from) as (select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::date[])), attributes as (
         delete from customer_attribute a using given g where g.kind = 'attribute' and a.customer_id = g.id and a.name = g.name and a.valid_from = g.valid_from)
       delete from customer_relation r using given g where g.kind = 'relation' and r.customer_id = g.id and r.type = g.name and r.valid_from = g.valid_from`,
      columnsOf(gone),
    );
  }
  if (facts.length === 0) return;
  await tx.query(
    `with given (kind, id, name, value, valid_from) as (select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::date[])), attributes as (
       insert into customer_attribute (customer_id, name, value, valid_from)
       select id, name, value, valid_from from given where kind = 'attribute' order by 1, 2, 4
       on conflict (customer_id, name, valid_from) do update set value = excluded.value)
     insert into customer_relation (customer_id, type, related_id, valid_from)
     select id, name, value::bigint, valid_from from given where kind = 'relation' order by 1, 2, 4
     on conflict (customer_id, type, valid_from) do update set related_id = excluded.related_id`,
    columnsOf(facts),
  );
}

/** Companies that stand above themselves, on the day from which their parent holds or in the end. */
export async function circularCompanies(tx: Queryable, parents: readonly DatedFact[]): Promise<ReadonlySet<string>> {
  if (parents.length === 0) return new Set();
  const rows = await tx.query<{ readonly start: string }>(
    `with recursive up (start, at, id, steps) as (
       select id, at, id, 0 from unnest($1::bigint[], $2::date[]) as t (id, valid_from) cross join lateral (values (valid_from), ('infinity'::date)) as d (at)
       union all
       select up.start, up.at, above.related_id, up.steps + 1 from up cross join lateral (
         select related_id from customer_relation where customer_id = up.id and type = 'parent' and valid_from <= up.at order by valid_from desc limit 1
       ) as above where up.steps < 100 and (up.steps = 0 or up.id <> up.start)
     ) select distinct start from up where steps > 0 and id = start`,
    [parents.map(({ customerId }) => customerId), parents.map(({ validFrom }) => validFrom)],
  );
  return new Set(rows.map(({ start }) => start));
}

/** The orders of these customers and of everybody who works for them or stands below them, by whichever of their merged selves. */
export async function ordersOfCustomers(tx: Queryable, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const rows = await tx.query<{ readonly id: string }>(
    `with recursive concerned (id) as (
       select unnest($1::bigint[])
       union
       select next.id from concerned cross join lateral (
         select other.id from customer c join customer other on other.root_id = c.root_id where c.id = concerned.id
         union all
         select customer_id from customer_relation where related_id = concerned.id
       ) as next (id)
     ) select id from orders where customer_id in (select id from concerned) or corporate_account_id in (select id from concerned) order by id`,
    [ids],
  );
  return rows.map(({ id }) => id);
}
