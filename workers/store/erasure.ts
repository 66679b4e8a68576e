import type { Party } from '../../schemas/booking-event.js';
import type { Place, Traces } from '../domain/erasure.js';
import type { Queryable } from './database.js';
import { isOneWith } from './merges.js';

/** Somebody whose data is asked for: everybody who is one with a customer. */
export interface Selves {
  readonly rootId: string;
  readonly ids: readonly string[];
  readonly kind: 'person' | 'company';
  readonly parties: readonly Party[];
  /** Contact points as they are kept. */
  readonly contacts: readonly string[];
  /** Their external ids with source, as keys. */
  readonly externalIds: readonly string[];
  readonly erased: boolean;
}

/** Everybody who is one with a customer; undefined where there is none. */
export async function readSelves(db: Queryable, id: string): Promise<Selves | undefined> {
  const [row] = await db.query<Selves & { readonly ids: readonly string[] | null }>(
    `select own.root_id::text as "rootId", own.kind, bool_and(s.erased_at is not null) as erased, array_agg(s.id::text order by s.id) as ids, json_agg(s.party order by s.id) as parties,
       (select coalesce(json_agg(distinct c.value), '[]') from customer_contact c where c.customer_id = any (array_agg(s.id)) and c.kind <> 'address') as contacts,
       (select coalesce(json_agg(distinct k.value), '[]') from customer_key k where k.customer_id = any (array_agg(s.id)) and k.kind in ('external', 'external-company')) as "externalIds"
     from customer own join customer s on ${isOneWith('s', 'own.root_id')} where own.id = $1 group by own.root_id, own.kind`,
    [id],
  );
  return row;
}

/** An order in which somebody stands or stood. */
export interface OrderPlaces {
  readonly orderId: string;
  /** Where the person stands now. */
  readonly places: readonly Place[];
  /** Those of them where nobody else ever stood. */
  readonly alone: readonly Place[];
  /** Where somebody else stands now. */
  readonly others: readonly Place[];
}

/** A place for which a person has to say whether it is somebody's. */
export interface UndecidedPlace extends Place {
  readonly source: string;
  readonly bookingRef: string;
}

/** The places that wait for a person, and about which nobody but these customers is asked: they may be theirs, or somebody else's. */
export function undecidedPlaces(db: Queryable, ids: readonly string[]): Promise<readonly UndecidedPlace[]> {
  return db.query<UndecidedPlace>(
    `select o.source, o.booking_ref as "bookingRef", l.role, l.position from customer_link l join orders o on o.id = l.order_id
     where l.superseded_at is null and l.decision = 'review' and l.evidence -> 'candidates' <> '[]'
       and not exists (select from jsonb_array_elements(l.evidence -> 'candidates') as c where not (c ->> 'customerId') = any ($1::text[])) order by 1, 2, 3, 4`,
    [ids],
  );
}

/** The orders in which these customers have or had a place, sorted. */
export async function placesOf(db: Queryable, ids: readonly string[]): Promise<readonly OrderPlaces[]> {
  const all = (filter: string): string => `coalesce(json_agg(json_build_object('role', role, 'position', position) order by role, position) filter (where ${filter}), '[]')`;
  return db.query<OrderPlaces>(
    `with mine as (select distinct order_id from customer_link where customer_id = any ($1::bigint[])),
     place as (
       select l.order_id, l.role, l.position, bool_or(l.superseded_at is null and l.customer_id = any ($1::bigint[])) as now, bool_and(l.customer_id is null or l.customer_id = any ($1::bigint[])) as alone,
         bool_or(l.superseded_at is null and l.customer_id <> all ($1::bigint[])) as other
       from mine join customer_link l using (order_id) group by 1, 2, 3)
     select order_id as "orderId", ${all('now')} as places, ${all('now and alone')} as alone, ${all('other')} as others from place group by order_id order by order_id`,
    [ids],
  );
}

/** Which of these texts are contact points of others, too. */
export async function sharedContacts(db: Queryable, ids: readonly string[], texts: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ readonly text: string }>(
    `select distinct t.text from unnest($2::text[]) as t (text) join customer_contact c on c.kind <> 'address' and c.value = lower(t.text) where c.customer_id <> all ($1::bigint[])`, [ids, texts],
  );
  return new Set(rows.map(({ text }) => text));
}

/** A dead letter that names somebody. */
export interface NamingLetter {
  readonly id: string;
  readonly topic: string;
  readonly code: string;
  readonly state: string;
  /** How many bytes it has. */
  readonly bytes: number;
}

/** Dead letters that hold a trace of somebody: in their bytes, their key or their headers, read as text whatever they are. */
export async function deadLettersNaming(db: Queryable, { texts, names, numbers, ids, keys }: Traces): Promise<readonly NamingLetter[]> {
  return db.query<NamingLetter>(
    `select d.id::text as id, d.topic, d.code, d.state, coalesce(octet_length(d.value), 0) as bytes from dead_letter d
     cross join lateral (select lower(encode(coalesce(d.value, '') || ' '::bytea || coalesce(d.key, ''), 'escape') || ' '
       || coalesce((select string_agg(encode(decode(v, 'base64'), 'escape'), ' ') from jsonb_each(d.headers) as h
         cross join lateral jsonb_array_elements_text(case jsonb_typeof(h.value) when 'array' then h.value else jsonb_build_array(h.value) end) as v), '')) as said) as l
     cross join lateral (select regexp_replace(l.said, '\\\\[0-7]{3}|[ /().-]', '', 'g') as squeezed) as n
     where exists (select from unnest($1::text[]) as t (text) where position(${asSaid('t.text')} in l.said) > 0)
       or exists (select from unnest($2::text[], $3::text[]) as p (given, family) where position(${asSaid('p.given')} in l.said) > 0 and position(${asSaid('p.family')} in l.said) > 0)
       or exists (select from unnest($4::text[]) as d (digits) where position(d.digits in n.squeezed) > 0)
       or exists (select from unnest($5::text[], $6::text[]) as i (source, id) where position(${asSaid('i.source')} in l.said) > 0 and position(${asSaid('i.id')} in l.said) > 0)
       or exists (select from unnest($7::text[]) as k (key) where d.key = convert_to(k.key, 'UTF8'))
     order by d.id`,
    [texts, names.map(([given]) => given), names.map(([, family]) => family), numbers, ids.map(([source]) => source), ids.map(([, id]) => id), keys],
  );
}

/** SQL: a text as it stands in bytes that are read so. */
const asSaid = (text: string): string => `lower(encode(convert_to(${text}, 'UTF8'), 'escape'))`;

/** Empties dead letters: code, place and what became of them stay. */
export async function emptyDeadLetters(tx: Queryable, ids: readonly string[], now: Date): Promise<void> {
  await tx.query(
    `update dead_letter set key = null, value = null, headers = '{}', reason = 'erased', note = 'a customer was erased', state = case when state = 'applied' then state else 'resolved' end, updated_at = $2
     where id = any ($1::bigint[])`, [ids, now],
  );
}

/** Lines of the audit log about these customers or their orders, or whose details hold one of the texts. */
export async function auditNaming(db: Queryable, subjects: readonly string[], texts: readonly string[]): Promise<readonly { readonly at: Date; readonly actor: string; readonly action: string; readonly subject: string; readonly details: unknown }[]> {
  return db.query(
    `select at, actor, action, subject, details from audit_log a
     where a.subject = any ($1::text[]) or exists (select from unnest($2::text[]) as t (text) where position(lower(t.text) in lower(a.details::text)) > 0) order by at, id`, [subjects, texts],
  );
}

/** The messages of orders, without what they said, which nobody keeps. */
export async function messagesOf(db: Queryable, orderIds: readonly string[]): Promise<readonly { readonly id: string; readonly orderId: string; readonly trigger: string; readonly channel: string; readonly state: string; readonly reason: string | null; readonly at: Date }[]> {
  return db.query(`select id, order_id as "orderId", trigger, channel, state, reason, updated_at as at from message where order_id = any ($1::uuid[]) order by order_id, created_at, id`, [orderIds]);
}

/** What is due of these orders is sent to nobody any more. How many messages there were. */
export async function dropMessages(tx: Queryable, orderIds: readonly string[], now: Date): Promise<number> {
  return (await tx.query(
    `update message set state = 'cancelled', reason = 'the customer was erased', updated_at = $2 where order_id = any ($1::uuid[]) and state in ('due', 'queued') returning id`, [orderIds, now],
  )).length;
}

/**
 * Deletes claims of identities that no customer has: also of former addresses and names, which master data replaced since. They are there to be locked, and whoever needs one makes it anew;
 * what somebody holds at this moment is passed over.
 */
export async function deleteStaleClaims(db: Queryable): Promise<void> {
  await db.query(
    `delete from identity_claim where ctid = any (array(
       select i.ctid from identity_claim i where not exists (select from customer_key k where k.kind = i.kind and k.value = i.value) for update skip locked))`);
}

/** Deletes everything that is kept of these customers outside of orders; an empty row of each stays, inactive. */
export async function eraseCustomers(tx: Queryable, ids: readonly string[], { keepFacts, texts, now }: { /** Their dated facts are part of what was rated. */ readonly keepFacts: boolean; readonly texts: readonly string[]; readonly now: Date }): Promise<void> {
  const own = 'customer_id = any ($1::bigint[])';
  const external = `(select value from customer_key where ${own} and kind in ('external', 'external-company'))`;
  for (const sql of [
    `delete from identity_claim i using customer_key k where k.${own} and i.kind = k.kind and i.value = k.value`,
    `delete from customer_deactivation where key in ${external} or key in (select m.message_key from customer_message_key m join customer_key k on k.kind = m.kind and k.value = m.value where k.${own})`,
    `delete from customer_message_key m using customer_key k where k.${own} and k.kind = m.kind and k.value = m.value`,
    `update customer c set profile = (c.profile - 'ties') || jsonb_strip_nulls(jsonb_build_object('ties', (select jsonb_agg(e) from jsonb_array_elements(c.profile -> 'ties') as e where e ->> 'externalId' <> all (o.ids))))
     from (select t.customer_id, array_agg(substr(k.value, strpos(k.value, ':') + 1)) as ids from customer_key k join customer_tie t on t.kind = k.kind and t.value = k.value where k.${own} group by 1) as o
     where c.id = o.customer_id and c.profile ? 'ties'`,
    `delete from customer_tie t using customer_key k where k.${own} and k.kind = t.kind and k.value = t.value`,
    ...['customer_tie', 'customer_key', 'customer_contact', 'customer_consent', 'customer_event', 'customer_case', 'customer_mailing_block'].map((table) => `delete from ${table} where ${own}`),
    `delete from customer_attribute a where ${own} and not (${String(keepFacts)} and exists (select from fee_table_version v where position(to_json(a.name)::text in v.definition::text) > 0))`,
    ...(keepFacts ? [] : [`delete from customer_relation where ${own} or related_id = any ($1::bigint[])`]),
    `update customer c set party = jsonb_strip_nulls(jsonb_build_object('kind', c.kind, 'vatId', case when ${String(keepFacts)} and c.kind = 'company' then c.party -> 'vatId' end,
         'addresses', case when ${String(keepFacts)} and c.kind = 'company' and c.party -> 'addresses' -> 0 ? 'country' then jsonb_build_array(jsonb_build_object('country', c.party -> 'addresses' -> 0 -> 'country')) end)),
       profile = '{}', since = '{}', active = false, erased_at = $2 where c.id = any ($1::bigint[])`,
  ]) await tx.query(sql, sql.includes('$2') ? [ids, now] : [ids]);
  const named = (text: string): string => `exists (select from unnest($2::text[]) as t (text) where position(lower(t.text) in lower(${text})) > 0)`;
  for (const sql of [
    `update customer_link set evidence = evidence - 'reason' where evidence ? 'reason' and (${own} or ${named(`evidence ->> 'reason'`)})`,
    `update customer_merge set reason = 'erased', undone_reason = case when undone_reason is not null then 'erased' end where ${own} or into_id = any ($1::bigint[]) or ${named(`reason || ' ' || coalesce(undone_reason, '')`)}`,
    `update customer_not_same set reason = 'erased' where ${own} or other_id = any ($1::bigint[]) or ${named('reason')}`,
  ]) await tx.query(sql, [ids, texts]);
  await tx.query(
    `update audit_log a set details = '{"erased": true}' where a.subject = any ($1::text[]) or exists (select from unnest($2::text[]) as t (text) where position(lower(t.text) in lower(a.details::text)) > 0)`, [ids, texts],
  );
}
