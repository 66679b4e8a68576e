import type { CustomerVersion } from '../domain/customer-event.js';
import type { Key } from '../domain/match/keys.js';
import type { DatedFact } from './customer-master.js';
import type { Queryable } from './database.js';

/** The newest event of a customer for a day from which facts hold (`-infinity`: always). */
export interface CustomerDay extends CustomerVersion {
  readonly key: Key;
  readonly validFrom: string;
  readonly customerId: string;
  /** What the event says from that day on. */
  readonly facts: readonly DatedFact[];
}

interface DayRow {
  readonly kind: Key['kind'];
  readonly value: string;
  readonly validFrom: string;
  readonly customerId: string;
  readonly updatedAt: string;
  readonly digest: string;
  readonly facts: Readonly<Record<string, string | null>>;
}

/** What events have said of the customers that the keys name. Only while nobody else can write it: with their identities claimed or their rows locked. */
export async function customerDays(tx: Queryable, keys: readonly Key[]): Promise<readonly CustomerDay[]> {
  if (keys.length === 0) return [];
  const rows = await tx.query<DayRow>(
    `select e.kind, e.value, e.valid_from as "validFrom", e.customer_id as "customerId", (extract(epoch from e.updated_at) * 1000)::bigint as "updatedAt", e.digest, e.facts
     from unnest($1::text[], $2::text[]) as t (kind, value) join customer_event e on e.kind = t.kind and e.value = t.value`,
    [keys.map(({ kind }) => kind), keys.map(({ value }) => value)],
  );
  return rows.map(({ kind, value, updatedAt, facts, ...row }) => ({
    ...row, key: { kind, value }, updatedAt: Number(updatedAt), facts: Object.entries(facts).map(([name, said]) => factOf(row.customerId, row.validFrom, name, said)),
  }));
}

/** `attribute status`, `relation company`: how a fact is named within its customer and day. */
const factName = ({ kind, name }: DatedFact): string => `${kind} ${name}`;

function factOf(customerId: string, validFrom: string, text: string, value: string | null): DatedFact {
  const name = text.slice(text.indexOf(' ') + 1);
  if (text.startsWith('attribute ')) return { kind: 'attribute', customerId, validFrom, name, value };
  return { kind: 'relation', customerId, validFrom, name: name === 'parent' ? 'parent' : 'company', value: value ?? '' };
}

/** Keeps events as the newest of their customer and day; each of these at most once per call. */
export async function saveCustomerDays(tx: Queryable, days: readonly CustomerDay[]): Promise<void> {
  if (days.length === 0) return;
  await tx.query(
    `insert into customer_event (kind, value, valid_from, customer_id, updated_at, digest, facts)
     select * from unnest($1::text[], $2::text[], $3::date[], $4::bigint[], $5::timestamptz[], $6::text[], $7::jsonb[]) order by 1, 2, 3
     on conflict (kind, value, valid_from) do update set customer_id = excluded.customer_id, updated_at = excluded.updated_at, digest = excluded.digest, facts = excluded.facts`,
    [
      days.map(({ key }) => key.kind), days.map(({ key }) => key.value), days.map(({ validFrom }) => validFrom), days.map(({ customerId }) => customerId),
      days.map(({ updatedAt }) => new Date(updatedAt).toISOString()), days.map(({ digest }) => digest),
      days.map(({ facts }) => JSON.stringify(Object.fromEntries(facts.map((fact) => [factName(fact), fact.value])))),
    ],
  );
}

/** A file has said otherwise: these facts are those of events no more. */
export async function takeOverFacts(tx: Queryable, facts: readonly DatedFact[]): Promise<void> {
  if (facts.length === 0) return;
  await tx.query(
    `with taken as (select id, valid_from, array_agg(name) as names from unnest($1::bigint[], $2::date[], $3::text[]) as t (id, valid_from, name) group by 1, 2)
     update customer_event e set facts = e.facts - t.names from taken t where e.customer_id = t.id and e.valid_from = t.valid_from and e.facts ?| t.names`,
    [facts.map(({ customerId }) => customerId), facts.map(({ validFrom }) => validFrom), facts.map(factName)],
  );
}

/** The customers whose events came under these keys of messages, where those were not `source:externalId`. */
export async function keysByMessageKey(tx: Queryable, messageKeys: readonly string[]): Promise<readonly Key[]> {
  if (messageKeys.length === 0) return [];
  return tx.query('select distinct kind, value from customer_message_key where message_key = any ($1::text[]) order by 1, 2', [messageKeys]);
}

/** Keeps under which keys events of customers came. */
export async function saveMessageKeys(tx: Queryable, came: readonly (Key & { readonly messageKey: string })[]): Promise<void> {
  if (came.length === 0) return;
  await tx.query(
    `insert into customer_message_key (message_key, kind, value) select distinct * from unnest($1::text[], $2::text[], $3::text[]) order by 1, 2, 3 on conflict do nothing`,
    [came.map(({ messageKey }) => messageKey), came.map(({ kind }) => kind), came.map(({ value }) => value)],
  );
}

/** When these keys were deactivated last, in milliseconds; those that never were are missing. */
export async function deactivations(tx: Queryable, messageKeys: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (messageKeys.length === 0) return new Map();
  const rows = await tx.query<{ readonly key: string; readonly at: string }>(
    'select key, (extract(epoch from at) * 1000)::bigint as at from customer_deactivation where key = any ($1::text[])', [messageKeys],
  );
  return new Map(rows.map(({ key, at }) => [key, Number(at)]));
}

/** Keeps deactivations, the newest of each key. */
export async function saveDeactivations(tx: Queryable, newest: ReadonlyMap<string, number>): Promise<void> {
  if (newest.size === 0) return;
  await tx.query(
    `insert into customer_deactivation (key, at) select * from unnest($1::text[], $2::timestamptz[]) order by 1
     on conflict (key) do update set at = excluded.at, settled_at = now() where excluded.at > customer_deactivation.at`,
    [[...newest.keys()], [...newest.values()].map((at) => new Date(at).toISOString())],
  );
}

/** The deactivation that holds for customer `c`, if any: of one of its external ids or of the key its events came under, and no event of the customer is newer. */
export const deactivationInForce = `select max(d.at) from customer_deactivation d
  where (d.key in (select k.value from customer_key k where k.customer_id = c.id and k.kind in ('external', 'external-company'))
      or d.key in (select m.message_key from customer_event e join customer_message_key m on m.kind = e.kind and m.value = e.value where e.customer_id = c.id))
    and d.at >= coalesce((select max(e.updated_at) from customer_event e where e.customer_id = c.id), '-infinity')`;

/** Makes those of the customers inactive for whom a deactivation is in force. */
export async function deactivateCustomers(tx: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.query(
    `update customer c set active = false, updated_at = now() where c.id = any ($1::bigint[]) and c.active and (${deactivationInForce}) is not null`,
    [ids],
  );
}

export interface CustomerConsent {
  readonly customerId: string;
  readonly purpose: string;
  /** Empty: all. */
  readonly channel: string;
  /** In milliseconds. */
  readonly at: number;
  readonly given: boolean;
  readonly source: string;
}

/** Adds consents and refusals to the history. Where a source says both for one moment, the refusal stands. */
export async function saveConsents(tx: Queryable, consents: readonly CustomerConsent[]): Promise<void> {
  if (consents.length === 0) return;
  await tx.query(
    `insert into customer_consent as c (customer_id, purpose, channel, at, given, source)
     select distinct on (1, 2, 3, 4) * from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[], $6::text[]) order by 1, 2, 3, 4, 5, 6
     on conflict (customer_id, purpose, channel, at) do update set given = false where c.given and not excluded.given`,
    [
      consents.map(({ customerId }) => customerId), consents.map(({ purpose }) => purpose), consents.map(({ channel }) => channel),
      consents.map(({ at }) => new Date(at).toISOString()), consents.map(({ given }) => given), consents.map(({ source }) => source),
    ],
  );
}
