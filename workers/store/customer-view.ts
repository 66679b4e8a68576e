import type { Party } from '../../schemas/booking-event.js';
import type { criteria, StoredProfile } from '../domain/customer-profile.js';
import type { Key } from '../domain/match/keys.js';
import { compareKeys } from '../domain/match/candidates.js';
import { survivor, type Self, type Survivor } from '../domain/match/survivorship.js';
import type { CustomerKind } from '../domain/match/parties.js';
import { deactivationInForce } from './customer-events.js';
import type { Queryable } from './database.js';
import { isOneWith } from './merges.js';

export interface CustomerContact {
  readonly kind: string;
  readonly value: string;
  /** `import` (the master data) or the source of the booking that has shown it. */
  readonly origin: string;
  readonly source: string | null;
  readonly label: string | null;
  readonly verified: boolean;
  /** What the source noted about being allowed to write there; no consent. */
  readonly consentHint: string | null;
  readonly undeliverableAt: string | null;
  readonly undeliverableReason: string | null;
  /** When somebody last said that it reaches somebody after all. */
  readonly deliverableAt: string | null;
  readonly deliverableReason: string | null;
  readonly seenAt: string;
}

/** Everything that is known of a customer, for people to look at. */
export interface CustomerView {
  readonly id: string;
  /** The customer it was merged into, else its own id. */
  readonly rootId: string;
  readonly kind: CustomerKind;
  readonly active: boolean;
  /** Of an inactive customer: when it was deactivated; null: nobody said. */
  readonly deactivatedAt: Date | null;
  /** Nothing is kept of it since then. */
  readonly erasedAt: Date | null;
  readonly origin: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly party: Party;
  readonly profile: StoredProfile;
  readonly keys: readonly Key[];
  readonly contacts: readonly CustomerContact[];
  /** Whom it belongs to besides its company, and who belongs to it (`of`); the other one's id is null while nobody knows it. */
  readonly ties: readonly { readonly type: string; readonly role: string | null; readonly of: boolean; readonly other: string; readonly customerId: string | null; readonly name: string | null }[];
  readonly attributes: readonly { readonly name: string; readonly value: string | null; readonly validFrom: string | null }[];
  readonly relations: readonly { readonly type: string; readonly customerId: string; readonly name: string | null; readonly validFrom: string | null }[];
  /** What the customer agreed to or refused last, by purpose and channel (empty: all). */
  readonly consents: readonly { readonly purpose: string; readonly channel: string; readonly given: boolean; readonly at: string; readonly source: string }[];
  /** Open complaints and questions of everybody who is one with it. */
  readonly openCases: readonly { readonly id: string; readonly kind: string; readonly subject: string; readonly openedAt: string }[];
  /** Customers that were merged into this one. */
  readonly merged: readonly string[];
  /** Who it is together with those that were merged into it. */
  readonly survivor: Survivor;
  /** The newest orders, as payer, booker or corporate account; at most 20. */
  readonly orders: readonly { readonly order: string; readonly status: string; readonly role: string; readonly travelFrom: string | null }[];
  readonly orderCount: number;
}

/** SQL: what people call customer `row`. */
export const nameOf = (row: string): string => `coalesce(${row}.party->>'companyName', ${row}.party->>'fullName', concat_ws(' ', ${row}.party->>'givenName', ${row}.party->>'familyName'))`;

const view = `select c.id, c.root_id as "rootId", c.kind, c.active, case when not c.active then (${deactivationInForce}) end as "deactivatedAt", c.erased_at as "erasedAt", c.origin, c.created_at as "createdAt", c.updated_at as "updatedAt", c.party, c.profile,
  (select coalesce(json_agg(json_build_object('kind', kind, 'value', value) order by kind, value), '[]') from customer_key where customer_id = c.id) as keys,
  (select coalesce(json_agg(json_build_object('kind', kind, 'value', value, 'origin', origin, 'source', source, 'label', label, 'verified', verified,
     'consentHint', consent_hint, 'undeliverableAt', undeliverable_at, 'undeliverableReason', undeliverable_reason,
     'deliverableAt', deliverable_at, 'deliverableReason', deliverable_reason, 'seenAt', seen_at) order by kind, value), '[]')
   from customer_contact where customer_id = c.id) as contacts,
  (select coalesce(json_agg(json_build_object('name', name, 'value', value, 'validFrom', nullif(valid_from, '-infinity')) order by name, valid_from), '[]')
   from customer_attribute where customer_id = c.id) as attributes,
  (select coalesce(json_agg(json_build_object('type', r.type, 'customerId', r.related_id::text, 'name', o.party->>'companyName',
     'validFrom', nullif(r.valid_from, '-infinity')) order by r.type, r.valid_from), '[]')
   from customer_relation r left join customer o on o.id = r.related_id where r.customer_id = c.id) as relations,
  (select coalesce(json_agg(t order by t.of, t.type, t.other), '[]') from (
     select t.type, t.role, false as of, t.value as other, o.id::text as "customerId", nullif(${nameOf('o')}, '') as name
     from customer_tie t left join customer_key k on k.kind = t.kind and k.value = t.value left join customer o on o.id = k.customer_id where t.customer_id = c.id
     union all
     (select t.type, t.role, true, min(own.value), o.id::text, nullif(${nameOf('o')}, '')
      from customer_key own join customer_tie t on t.kind = own.kind and t.value = own.value join customer o on o.id = t.customer_id
      where own.customer_id = c.id and own.kind in ('external', 'external-company') group by t.type, t.role, o.id order by o.id limit 50)) t) as ties,
  (select coalesce(json_agg(n order by n.purpose, n.channel), '[]') from (
     select distinct on (purpose, channel) purpose, channel, given, at, source from customer_consent where customer_id = c.id order by purpose, channel, at desc) n) as consents,
  (select coalesce(json_agg(json_build_object('id', q.id::text, 'kind', q.kind, 'subject', q.subject, 'openedAt', q.opened_at) order by q.opened_at desc), '[]')
   from customer s join customer_case q on q.customer_id = s.id and q.state = 'open' where ${isOneWith('s', 'c.root_id')}) as "openCases",
  (select coalesce(json_agg(m.id::text order by m.id), '[]') from customer m where m.root_id = c.id and m.id <> c.id) as merged,
  (select json_agg(json_build_object('id', s.id::text, 'party', s.party, 'profile', s.profile, 'origin', s.origin, 'updatedAt', s.updated_at))
   from customer s where ${isOneWith('s', 'c.id')}) as selves,
  (select coalesce(json_agg(json_build_object('order', o.source || ':' || o.booking_ref, 'status', o.status,
     'role', case when o.customer_id = c.root_id then 'customer' else 'corporate account' end, 'travelFrom', o.travel_from)), '[]')
   from (select * from orders where customer_id = c.root_id or corporate_account_id = c.root_id order by booked_at desc nulls last, id limit 20) o) as orders,
  (select count(*)::int from orders where customer_id = c.root_id or corporate_account_id = c.root_id) as "orderCount"
from customer c`;

/** The customer with this id; undefined where there is none. */
export async function readCustomer(db: Queryable, id: string): Promise<CustomerView | undefined> {
  const [row] = await db.query<Omit<CustomerView, 'survivor'> & { readonly selves: readonly Self[] }>(`${view} where c.id = $1`, [id]);
  if (row === undefined) return undefined;
  const { selves, ...customer } = row;
  return { ...customer, survivor: survivor(selves) };
}

/** A customer in a list. */
export interface FoundCustomer {
  readonly id: string;
  readonly rootId: string;
  readonly kind: CustomerKind;
  readonly active: boolean;
  readonly party: Party;
}

/** What a customer's profile has to say: of each field these values among others. */
export type WantedCriteria = Readonly<Partial<Record<(typeof criteria)[number], readonly string[]>>>;

/** Active customers whose profile says all of this; the newest first, at most 50. */
export async function findByCriteria(db: Queryable, wanted: WantedCriteria): Promise<readonly FoundCustomer[]> {
  return db.query<FoundCustomer>(
    `select id, root_id as "rootId", kind, active, party from customer where profile <> '{}' and profile @> $1::jsonb and active order by customer.id desc limit 50`, [JSON.stringify(wanted)],
  );
}

/**
 * Customers that have one of the keys or an external id that ends in `text` after its source, or of whose name words begin with every word of `text`, umlauts and accents spelled in whatever way;
 * those found by a key first, at most 50. `id + 0` keeps a database from walking over all customers in the order of their ids, to find fifty.
 */
export async function findCustomers(db: Queryable, keys: readonly Key[], text: string): Promise<readonly FoundCustomer[]> {
  const sorted = [...keys].sort(compareKeys);
  return db.query<FoundCustomer>(
    `with found as (
       select k.customer_id as id, 1 as rank from customer_key k join unnest($1::text[], $2::text[]) as t (kind, value) using (kind, value)
       union all
       select customer_id, 1 from customer_key where kind in ('external', 'external-company') and (value = $3 or right(value, length($3) + 1) = ':' || $3)
       union all
       (select id, 2 from customer where customer_name_words(party) @@ (select string_agg('''' || word || ''':*', ' & ')::tsquery from unnest(name_words($3)) as word)
        order by id + 0 limit 50)
     ), best as (select id, min(rank) as rank from found group by id)
     select c.id, c.root_id as "rootId", c.kind, c.active, c.party from best join customer c on c.id = best.id order by best.rank, c.id limit 50`,
    [sorted.map(({ kind }) => kind), sorted.map(({ value }) => value), text.trim()],
  );
}

/** What people call these customers, by id. */
export async function customerNames(db: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query<{ readonly id: string; readonly name: string }>(
    `select id::text as id, ${nameOf('customer')} as name from customer where id = any($1::bigint[])`, [ids],
  );
  return new Map(rows.map(({ id, name }) => [id, name]));
}
