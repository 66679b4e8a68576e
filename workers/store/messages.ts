import type { Self } from '../domain/match/survivorship.js';
import type { OrderState } from '../domain/order.js';
import type { Queryable } from './database.js';
import { isOneWith } from './merges.js';
import { behindNothing } from './paging.js';

export type MessageState = 'due' | 'queued' | 'claimed' | 'sent' | 'failed' | 'unknown' | 'skipped' | 'cancelled';

/** A message as ingest plans it; the id is derived from (order, trigger, occurrence, role, channel). Instants in milliseconds. */
export interface PlannedMessage {
  readonly id: string;
  readonly orderId: string;
  readonly trigger: string;
  readonly occurrence: string;
  readonly role: string;
  readonly channel: string;
  readonly dueAt: number;
  readonly expiresAt: number;
}

/**
 * Adds messages to the ledger; one that is there already stays as it is, so a replay says nothing twice. Where the database was restored to an
 * earlier state, the lost one may have sent what it had received: such a message is unknown from the beginning.
 */
export async function insertMessages(tx: Queryable, rows: readonly PlannedMessage[]): Promise<void> {
  if (rows.length === 0) return;
  const planned = rows.map((row) => ({ ...row, dueAt: new Date(row.dueAt).toISOString(), expiresAt: new Date(row.expiresAt).toISOString() }));
  await tx.query(
    `insert into message (id, order_id, trigger, occurrence, role, channel, due_at, expires_at, state, reason)
     select p.id, p."orderId", p.trigger, p.occurrence, p.role, p.channel, p."dueAt", p."expiresAt",
       case when s.told then 'unknown' else 'due' end, case when s.told then '${sentBeforeRestore}' end
     from json_to_recordset($1::json) as p (id uuid, "orderId" uuid, trigger text, occurrence text, role text, channel text, "dueAt" timestamptz, "expiresAt" timestamptz)
     cross join (select max(lost_at) as lost_at from restore) r
     cross join lateral (
       select r.lost_at is not null and exists (
         select from booking_event e where e.order_id = p."orderId" and e.event_id = p.occurrence and e.received_at <= r.lost_at) as told
     ) s
     order by p.id
     on conflict (id) do nothing`,
    [JSON.stringify(planned)],
  );
}

/** Why a message is unknown after a restore. */
const sentBeforeRestore = 'the database was restored to an earlier state: the lost one may have sent it';

/** What the lost database may have sent between the state that was restored and its end becomes unknown; what was not due before that end stays. Returns how many. */
export async function doubtMessages(tx: Queryable, lostAt: Date, now: Date): Promise<number> {
  const rows = await tx.query(
    `update message set state = 'unknown', reason = '${sentBeforeRestore}', claim_token = null, claimed_until = null, updated_at = $2
     where state in ('due', 'queued', 'claimed') and due_at <= $1 returning 1`,
    [lostAt, now],
  );
  return rows.length;
}

/** A message on its way to Redis; `enqueued` says how often it has been sent there, this time included. */
export interface TakenMessage {
  readonly id: string;
  readonly enqueued: number;
}

/**
 * Takes up to `limit` due messages: they are queued from now on, those too old are skipped. Two relays never take the same one.
 * The caller enqueues only after this was committed. `seen` counts the skipped ones too: more may be waiting while it equals `limit`.
 */
export async function takeDue(tx: Queryable, limit: number, now: Date): Promise<{ readonly taken: readonly TakenMessage[]; readonly seen: number }> {
  const rows = await tx.query<TakenMessage & { readonly state: MessageState }>(
    `with due as (
       select id, expires_at < $2::timestamptz as late from message
       where state = 'due' and due_at <= $2::timestamptz order by due_at limit $1 for update skip locked
     )
     update message m set
       state = case when late then 'skipped' else 'queued' end,
       reason = case when late then 'too late' end,
       enqueued = m.enqueued + case when late then 0 else 1 end,
       updated_at = $2::timestamptz
     from due where m.id = due.id
     returning m.id, m.enqueued, m.state`,
    [limit, now],
  );
  return { taken: rows.filter((row) => row.state === 'queued').map(({ id, enqueued }) => ({ id, enqueued })), seen: rows.length };
}

/** Gives back what could not be put into Redis. What got there all the same finds its message not queued, or queued anew: the claim decides. */
export async function putBack(db: Queryable, messages: readonly TakenMessage[], now: Date): Promise<void> {
  await db.query(
    `update message m set state = 'due', updated_at = $3::timestamptz
     from unnest($1::uuid[], $2::integer[]) as t (id, enqueued)
     where m.id = t.id and m.enqueued = t.enqueued and m.state = 'queued'`,
    [messages.map((message) => message.id), messages.map((message) => message.enqueued), now],
  );
}

/**
 * Claims a queued message for the holder of `token` until `until`; committed before anything is sent.
 * False: it is not queued (somebody else has it, it was sent, it was put back), so this job has nothing to do.
 */
export async function claim(db: Queryable, id: string, token: string, until: Date, now: Date): Promise<boolean> {
  const rows = await db.query(
    `update message set state = 'claimed', claim_token = $2, claimed_until = $3, attempts = attempts + 1, updated_at = $4
     where id = $1 and state = 'queued' returning 1`,
    [id, token, until, now],
  );
  return rows.length === 1;
}

/** What the check at send time, the address and the text of a claimed message need. */
export interface ClaimedMessage {
  readonly id: string;
  readonly orderId: string;
  readonly trigger: string;
  readonly channel: string;
  readonly template: string | null;
  readonly enabled: boolean;
  readonly attempts: number;
  readonly expiresAt: Date;
  /** A newer message of the same trigger, role and channel exists for the order. */
  readonly superseded: boolean;
  /** Null: the order does not exist (any more). */
  readonly order: {
    readonly source: string;
    readonly bookingRef: string;
    readonly status: string;
    readonly link: string;
    readonly state: OrderState;
    readonly fees: readonly { readonly currency: string; readonly gross: string }[];
  } | null;
  /** The customer that the order is linked to, or the one it was merged into; null while there is none or the link is in review. */
  readonly customer: { readonly id: string; readonly selves: readonly Self[]; /** The best first. */ readonly emails: readonly string[]; readonly undeliverable: readonly string[] } | null;
}

/**
 * Reads a claimed message with its order and the customer as they are now: a merge since it was planned counts.
 * A transaction's time is `expires_at` less the trigger's maxAge, so a later `expires_at` is a newer message of the trigger.
 */
export async function readClaimed(db: Queryable, id: string): Promise<ClaimedMessage> {
  const rows = await db.query<ClaimedMessage>(
    `select m.id, m.order_id as "orderId", m.trigger, m.channel, t.template, coalesce(t.enabled, false) as enabled, m.attempts, m.expires_at as "expiresAt",
       exists (
         select 1 from message n where n.order_id = m.order_id and n.trigger = m.trigger and n.role = m.role and n.channel = m.channel
           and n.state not in ('skipped', 'cancelled') and (n.expires_at, n.id) > (m.expires_at, m.id)
       ) as superseded,
       case when o.id is not null then jsonb_build_object(
         'source', o.source, 'bookingRef', o.booking_ref, 'status', o.status, 'link', o.link, 'state', o.state,
         'fees', (select coalesce(jsonb_agg(jsonb_build_object('currency', f.currency, 'gross', f.gross::text) order by f.currency), '[]')
                  from (select currency, sum(gross) as gross from fee_entry where order_id = o.id group by currency) f)
       ) end as "order",
       case when c.id is not null then jsonb_build_object(
         'id', c.id::text,
         'selves', (select jsonb_agg(jsonb_build_object('id', s.id::text, 'party', s.party, 'origin', s.origin, 'updatedAt', s.updated_at)) from customer s where ${isOneWith('s', 'c.id')}),
         'emails', (select coalesce(jsonb_agg(e.value order by e.verified desc, s.id = c.id desc, e.seen_at desc), '[]')
                    from customer s join customer_contact e on e.customer_id = s.id and e.kind = 'email' where ${isOneWith('s', 'c.id')}),
         'undeliverable', (select coalesce(jsonb_agg(distinct e.value), '[]') from customer s join customer_contact e on e.customer_id = s.id and e.kind = 'email' and e.undeliverable_at is not null
                           where ${isOneWith('s', 'c.id')})
       ) end as customer
     from message m
     left join trigger t on t.id = m.trigger
     left join orders o on o.id = m.order_id
     left join customer leaf on leaf.id = o.customer_id and o.link in ('linked', 'new')
     left join customer c on c.id = leaf.root_id
     where m.id = $1`,
    [id],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`message ${id} is not in the ledger`);
  return row;
}

/** How a claim ends; `due` means: once more, not before `dueAt`. */
export type ClaimEnd =
  | { readonly state: 'sent'; readonly providerId: string | null; readonly customerId: string | null }
  | { readonly state: 'failed' | 'skipped' | 'unknown'; readonly reason: string; /** An address of the customer that reaches nobody, as the mail server said. */ readonly unreachable?: { readonly customerId: string; readonly email: string } }
  | { readonly state: 'due'; readonly reason: string; readonly dueAt: Date };

/**
 * Ends a claim: only its token counts. A message that the sweeper has already made `unknown` takes a late `sent`, and nothing else. An address that reaches nobody is noted with it.
 * Answers which state it had: `claimed` or `unknown`; null when the token no longer counts.
 */
export async function endClaim(db: Queryable, id: string, token: string, end: ClaimEnd, now: Date): Promise<'claimed' | 'unknown' | null> {
  const unreachable = 'unreachable' in end ? end.unreachable : undefined;
  const rows = await db.query<{ before: 'claimed' | 'unknown' }>(
    `with ended as (
       update message m set state = $3, reason = $4, provider_id = coalesce($5, m.provider_id), customer_id = coalesce($6::bigint, m.customer_id),
         due_at = coalesce($7, m.due_at), claimed_until = null, claim_token = case when $3 = 'unknown' then m.claim_token end, updated_at = $8
       where m.id = $1 and m.claim_token = $2 and (m.state = 'claimed' or (m.state = 'unknown' and $3 = 'sent'))
       returning old.state as before
     ), noted as (
       update customer_contact e set undeliverable_at = $8, undeliverable_reason = $4 from ended, customer s
       where $9::bigint is not null and ${isOneWith('s', '$9')} and e.customer_id = s.id and e.kind = 'email' and e.value = lower($10) and e.undeliverable_at is null
     ) select before from ended`,
    [id, token, end.state, 'reason' in end ? end.reason : null, 'providerId' in end ? end.providerId : null,
      'customerId' in end ? end.customerId : null, 'dueAt' in end ? end.dueAt : null, now, unreachable?.customerId ?? null, unreachable?.email ?? null],
  );
  return rows[0]?.before ?? null;
}

/** Claims whose lease is over become `unknown`: whether the mail went out nobody knows, so it is not sent again. Returns how many. */
export async function expireClaims(db: Queryable, now: Date): Promise<number> {
  const rows = await db.query(
    `with expired as (
       select id from message where state = 'claimed' and claimed_until < $1::timestamptz order by id limit 5000 for update skip locked
     )
     update message m set state = 'unknown', reason = 'the worker went away between claim and answer', updated_at = $1::timestamptz
     from expired where m.id = expired.id returning 1`,
    [now],
  );
  return rows.length;
}

/** A page of the messages that have been queued since before `since`, by id: whether Redis still has their jobs only Redis knows. */
export function queuedBefore(db: Queryable, since: Date, after: string | null, limit: number): Promise<readonly TakenMessage[]> {
  return db.query<TakenMessage>(
    `select id, enqueued from message
     where state = 'queued' and updated_at < $1 and id > $2 order by id limit $3`,
    [since, after ?? behindNothing, limit],
  );
}

export interface ListedMessage {
  readonly id: string;
  readonly orderId: string;
  readonly order: string | null;
  readonly trigger: string;
  readonly occurrence: string;
  readonly role: string;
  readonly channel: string;
  readonly state: MessageState;
  readonly dueAt: Date;
  readonly expiresAt: Date;
  readonly enqueued: number;
  readonly attempts: number;
  readonly customerId: string | null;
  readonly providerId: string | null;
  readonly reason: string | null;
  readonly updatedAt: Date;
}

/** The newest messages first. `order` is an order's id, `source:bookingRef`, or a bare booking reference. */
export function listMessages(db: Queryable, filter: { readonly order?: string | undefined; readonly state?: string | undefined; readonly limit: number }): Promise<readonly ListedMessage[]> {
  return db.query<ListedMessage>(
    `select m.id, m.order_id as "orderId", o.source || ':' || o.booking_ref as "order", m.trigger, m.occurrence, m.role, m.channel, m.state,
       m.due_at as "dueAt", m.expires_at as "expiresAt", m.enqueued, m.attempts, m.customer_id as "customerId", m.provider_id as "providerId", m.reason, m.updated_at as "updatedAt"
     from message m left join orders o on o.id = m.order_id
     where ($1::text is null or m.state = $1) and ($2::text is null or m.order_id in (
       select id from orders where id::text = $2 or source || ':' || booking_ref = $2 or booking_ref = $2
     ))
     order by m.created_at desc, m.id limit $3`,
    [filter.state ?? null, filter.order ?? null, filter.limit],
  );
}

