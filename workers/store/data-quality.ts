import type { CustomerKind } from '../domain/match/parties.js';
import { nameOf } from './customer-view.js';
import type { Queryable } from './database.js';

/** How well a field is filled among active customers. */
export interface FieldQuality {
  readonly kind: CustomerKind;
  readonly field: string;
  readonly customers: number;
  /** How many have it. */
  readonly filled: number;
  /** Days since it was last given another value, of those that have it. */
  readonly medianAge: number | null;
  readonly oldestAge: number | null;
  /** How many of those are older than asked. */
  readonly stale: number;
}

/** A customer that lacks something. */
export interface LackingCustomer {
  readonly id: string;
  readonly name: string;
  readonly missing: readonly string[];
  readonly stale: readonly string[];
}

/** What is looked at: fields of party (or profile), by kind. The first ones of a kind are those whose lack is listed by customer. */
const looked: Readonly<Record<CustomerKind, { readonly wanted: readonly string[]; readonly others: readonly string[] }>> = {
  person: {
    wanted: ['familyName', 'givenName', 'birthDate', 'language', 'emails', 'phones', 'addresses'],
    others: ['salutation', 'gender', 'nationality', 'loyalty', 'maritalStatus', 'debitorNumber', 'interests', 'destinations'],
  },
  company: { wanted: ['companyName', 'vatId', 'language', 'emails', 'phones', 'addresses'], others: ['debitorNumber', 'registerNumber', 'loyalty'] },
};

const fieldsOf = (fields: (kind: CustomerKind) => readonly string[]): readonly { readonly kind: CustomerKind; readonly field: string }[] =>
  (['person', 'company'] as const).flatMap((kind) => fields(kind).map((field) => ({ kind, field })));

/** An address counts with more than a country. */
const has = `case when f.field = 'addresses' then c.party->'addresses'->0 ?| array['street', 'postalCode', 'city'] else c.party ? f.field or c.profile ? f.field end`;
const age = `($3::date - coalesce((c.since->>f.field)::date, c.created_at::date))`;

/** Completeness and age of each field, over all active customers (of merged ones the survivor). Looks at all of them once for each field, so that it can tell how far it is: for all fields at once it takes no less time. */
export async function fieldQuality(db: Queryable, kind: CustomerKind | null, today: string, staleDays: number, onProgress: (fields: number, all: number) => void): Promise<readonly FieldQuality[]> {
  const all = fieldsOf((each) => [...looked[each].wanted, ...looked[each].others]).filter((field) => kind === null || field.kind === kind);
  const found: FieldQuality[] = [];
  for (const field of all) {
    onProgress(found.length, all.length);
    found.push(...await db.query<FieldQuality>(
      `select f.kind, f.field, count(c.id)::int as customers, count(*) filter (where ${has})::int as filled,
         percentile_disc(0.5) within group (order by ${age}) filter (where ${has}) as "medianAge", max(${age}) filter (where ${has}) as "oldestAge",
         count(*) filter (where ${has} and ${age} > $4)::int as stale
       from (select $1::text as kind, $2::text as field) f left join customer c on c.kind = f.kind and c.active and c.root_id = c.id group by f.kind, f.field`,
      [field.kind, field.field, today, staleDays],
    ));
  }
  onProgress(all.length, all.length);
  return found;
}

/** The customers that lack most of what is wanted, then those with most stale fields; at most `limit`. */
export async function lackingCustomers(db: Queryable, kind: CustomerKind | null, today: string, staleDays: number, limit: number): Promise<readonly LackingCustomer[]> {
  const wanted = fieldsOf((each) => looked[each].wanted);
  return db.query<LackingCustomer>(
    `select c.id::text as id, ${nameOf('c')} as name, l.missing, l.stale
     from customer c cross join lateral (
       select coalesce(array_agg(f.field order by f.place) filter (where (${has}) is not true), '{}') as missing, coalesce(array_agg(f.field order by f.place) filter (where ${has} and ${age} > $4), '{}') as stale
       from unnest($1::text[], $2::text[]) with ordinality as f (kind, field, place) where f.kind = c.kind and not (f.field in ('familyName', 'givenName') and c.party ? 'fullName')) as l
     where c.active and c.root_id = c.id and ($5::text is null or c.kind = $5) and (l.missing <> '{}' or l.stale <> '{}')
     order by cardinality(l.missing) desc, cardinality(l.stale) desc, c.id limit $6`,
    [wanted.map((field) => field.kind), wanted.map(({ field }) => field), today, staleDays, kind, limit],
  );
}
