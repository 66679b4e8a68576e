import { changedArchived } from './archive.js';
import { deactivationInForce } from './customer-events.js';
import { mostCustomersPerKey } from '../domain/match/candidates.js';
import { masterOrigin } from '../domain/match/new-customer.js';
import type { Queryable } from './database.js';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was counted; of a failure also the first examples. */
  readonly detail: string;
}

interface Definition {
  readonly name: string;
  readonly meaning: string;
  /** Selects one text for each thing that is wrong. */
  readonly wrong: string;
}

/** What must hold in the database at any moment, whatever was killed: each query selects what is wrong. */
const definitions: readonly Definition[] = [
  {
    name: 'outcomes-add-up',
    meaning: 'read = applied + duplicate + late + dead-lettered, for every group and partition',
    wrong: `select format('%s %s [%s]: read %s, outcomes %s', consumer_group, topic, partition, read, applied + duplicate + late + dead_lettered)
            from consumer_offset where read <> applied + duplicate + late + dead_lettered`,
  },
  {
    name: 'read-up-to-the-fence',
    meaning: 'no group has read more messages of a partition than its fence, past epochs and gaps allow',
    wrong: `select format('%s %s [%s]: read %s of at most %s', consumer_group, topic, partition, read, next_offset) from consumer_offset c
            where read > next_offset and not exists (select from topic_epoch e where e.topic = c.topic)`,
  },
  {
    name: 'inbox-matches-counters',
    meaning: 'every event that some group applied (or applied late) stands in the inbox exactly once (what a raw topic held stands there as read from the events topic; customer events stand elsewhere)',
    wrong: `select format('counted %s, stored %s', counted, stored)
            from (select coalesce(sum(applied + late), 0) as counted from consumer_offset where topic not like 'source.%' and topic not like 'customer-events%') c, (select count(*) as stored from booking_event) s where counted <> stored`,
  },
  {
    name: 'events-have-orders',
    meaning: 'every stored event belongs to an order',
    wrong: `select e.event_id from booking_event e where not exists (select from orders o where o.id = e.order_id)`,
  },
  {
    name: 'orders-have-events',
    meaning: 'an order has folded as many events as are stored for it',
    wrong: `select format('%s:%s folded %s, stored %s', o.source, o.booking_ref, o.state ->> 'eventCount', coalesce(e.n, 0))
            from orders o left join (select order_id, count(*) as n from booking_event group by order_id) e on e.order_id = o.id
            where (o.state ->> 'eventCount')::bigint is distinct from coalesce(e.n, 0)`,
  },
  {
    name: 'archived-is-closed',
    meaning: 'of an archived order only ids and hashes of the events are here, and its file is known; of every other order all of them',
    wrong: `select format('%s:%s: %s of %s events are hashes', o.source, o.booking_ref, e.hashes, e.n)
            from (select order_id, count(*) as n, count(*) filter (where wire_form = 'hash') as hashes from booking_event group by order_id) e
            join orders o on o.id = e.order_id left join archived_order c on c.order_id = o.id left join archive a on a.id = o.archive
            where case when o.archive is null then e.hashes > 0 or c.order_id is not null else e.hashes < e.n or c.order_id is null or a.id is null end`,
  },
  {
    name: 'archived-stays',
    meaning: 'state, ledger and event hashes of every archived order are what they were when it was archived',
    wrong: changedArchived,
  },
  {
    name: 'order-columns-match-state',
    meaning: 'the reporting columns of an order say what its state says',
    wrong: `select format('%s:%s', source, booking_ref) from orders
            where status is distinct from state ->> 'status' or currency is distinct from state -> 'price' ->> 'currency'
               or total is distinct from (state -> 'price' ->> 'total')::numeric`,
  },
  {
    name: 'links-match-orders',
    meaning: 'the customer of an order is the root of its payer link, else of its booker link; its corporate account likewise (but for orders that wait to be rated again after a merge)',
    wrong: `select format('%s:%s', o.source, o.booking_ref) from orders o
            left join lateral (
              select case l.decision when 'link' then 'linked' else l.decision end as link, c.root_id
              from customer_link l left join customer c on c.id = l.customer_id
              where l.order_id = o.id and l.superseded_at is null and l.role in ('payer', 'booker') and l.decision <> 'none'
              order by l.role = 'payer' desc limit 1) p on true
            left join lateral (
              select c.root_id from customer_link l join customer c on c.id = l.customer_id
              where l.order_id = o.id and l.superseded_at is null and l.role = 'corporate' and l.decision in ('link', 'new')) a on true
            where not exists (select from rating_stale s where s.order_id = o.id)
              and (coalesce(p.link, 'none') <> o.link
               or o.customer_id is distinct from (case when p.link in ('linked', 'new') then p.root_id end)
               or o.corporate_account_id is distinct from a.root_id)`,
  },
  {
    name: 'roots-match-merges',
    meaning: 'the root of a customer is that of the customer it was merged into, else itself',
    wrong: `select format('customer %s', c.id) from customer c left join customer m on m.id = c.merged_into
            where c.root_id is distinct from (case when c.merged_into is null then c.id else m.root_id end)`,
  },
  {
    name: 'no-orphans',
    meaning: 'customers that orders, links, keys and relations name exist (there are no foreign keys on purpose)',
    wrong: `select what from (
              select 'order ' || o.id as what, o.customer_id as id from orders o where o.customer_id is not null
              union all select 'order ' || o.id, o.corporate_account_id from orders o where o.corporate_account_id is not null
              union all select 'link of ' || l.order_id, l.customer_id from customer_link l where l.customer_id is not null
              union all select 'key ' || k.kind || ' of ' || k.customer_id, k.customer_id from customer_key k
              union all select 'relation of ' || r.customer_id, r.related_id from customer_relation r
              union all select 'event of ' || e.value, e.customer_id from customer_event e
              union all select 'consent of ' || n.customer_id, n.customer_id from customer_consent n
              union all select 'customer ' || c.id, c.root_id from customer c) n
            where not exists (select from customer c where c.id = n.id)`,
  },
  {
    name: 'one-customer-per-claim',
    meaning: 'bookings created one customer for one external id, and one for a claimed contact with the same names and birth date (merged ones count as one)',
    wrong: `select format('%s %s: %s customers', kind, left(md5(value), 8), count(distinct root_id))
            from (select i.kind, i.value, c.root_id, count(*) over (partition by i.kind, i.value) as sharing,
                    case when i.kind not like 'external%' then concat_ws('|', c.kind, lower(c.party ->> 'givenName'), lower(c.party ->> 'familyName'),
                      lower(c.party ->> 'fullName'), lower(c.party ->> 'companyName'), c.party ->> 'birthDate') end as who
                  from identity_claim i join customer_key k on k.kind = i.kind and k.value = i.value join customer c on c.id = k.customer_id
                  where c.origin <> '${masterOrigin}') claimed
            where sharing <= ${mostCustomersPerKey}
            group by kind, value, who having count(distinct root_id) > 1`,
  },
  {
    name: 'customers-match-events',
    meaning: 'a customer that came as events is known by their key, and has the attributes and relations that the newest of each day says',
    wrong: `select format('%s %s: customer %s', e.kind, left(md5(e.value), 8), e.customer_id) from customer_event e
            where not exists (select from customer_key k where k.kind = e.kind and k.value = e.value and k.customer_id = e.customer_id)
            union all
            select format('customer %s from %s: %s', e.customer_id, e.valid_from, f.name) from customer_event e cross join lateral jsonb_each_text(e.facts) as f (name, said)
            where not exists (select from customer_attribute a where a.customer_id = e.customer_id and a.valid_from = e.valid_from
                and f.name = 'attribute ' || a.name and a.value is not distinct from f.said)
              and not exists (select from customer_relation r where r.customer_id = e.customer_id and r.valid_from = e.valid_from
                and f.name = 'relation ' || r.type and r.related_id::text = f.said)`,
  },
  {
    name: 'deactivated-customers',
    meaning: 'a customer that came as events is inactive where a deactivation is newer than its newest event, and else active; a file that named it later made it active',
    wrong: `select format('customer %s is %s', c.id, case when c.active then 'active' else 'inactive' end) from customer c
            cross join lateral (${deactivationInForce}) as d (at)
            where exists (select from customer_event e where e.customer_id = c.id)
              and case when c.active then d.at is not null and c.updated_at <= (select max(settled_at) from customer_deactivation where at = d.at) else d.at is null end`,
  },
  {
    name: 'ledger-adds-up',
    meaning: 'net + VAT = gross in every line, and reversals cancel exactly the line before them',
    wrong: `select format('%s %s %s', order_id, charge, unit) from fee_entry where net + vat <> gross
            union all
            select format('%s %s %s seq %s reverses another amount', r.order_id, r.charge, r.unit, r.seq) from fee_entry r
            left join fee_entry c on c.order_id = r.order_id and c.charge = r.charge and c.event_id = r.event_id
              and c.transaction_type = r.transaction_type and c.unit = r.unit and c.seq = r.seq - 1
            where r.type = 'reversal' and (c.net, c.vat, c.gross, c.currency) is distinct from (-r.net, -r.vat, -r.gross, r.currency)`,
  },
  {
    name: 'ledger-has-orders',
    meaning: 'every ledger line belongs to an order, and to one of its events, its implied booking, or what somebody waived or charged',
    wrong: `select format('%s %s %s', f.order_id, f.charge, f.event_id) from fee_entry f
            where not exists (select from orders o where o.id = f.order_id)
               or (f.rule ~ '^(waiver|manual):' and not exists (select from manual_fee m where m.order_id = f.order_id and f.rule in ('waiver:' || m.id, 'manual:' || m.id)))
               or (f.event_id not like 'manual:%' and f.event_id <> 'implied:booked'
                   and not exists (select from booking_event e where e.order_id = f.order_id and e.event_id = f.event_id))`,
  },
  {
    name: 'messages-have-events',
    meaning: 'every message belongs to an order and to an event of it',
    wrong: `select m.id::text from message m
            where not exists (select from booking_event e where e.order_id = m.order_id and e.event_id = m.occurrence)`,
  },
  {
    name: 'sent-once',
    meaning: 'a message that was sent was claimed, and no order, trigger, occurrence, role and channel has two messages',
    wrong: `select id::text from message where state = 'sent' and attempts = 0
            union all
            select format('%s %s %s', order_id, trigger, occurrence) from message group by order_id, trigger, occurrence, role, channel having count(*) > 1`,
  },
  {
    name: 'dead-letters-counted',
    meaning: 'each group has counted at least the dead letters of the present epoch that lie below its fence and in no gap of it',
    wrong: `select format('%s %s [%s]: counted %s, stored %s', c.consumer_group, c.topic, c.partition, c.dead_lettered, count(d.id))
            from consumer_offset c left join dead_letter d on d.topic = c.topic and d.partition = c.partition and d."offset" < c.next_offset
              and d.epoch = coalesce((select e.epoch from topic_epoch e where e.topic = c.topic), 0)
              and not exists (select from offset_gap g where g.consumer_group = c.consumer_group and g.topic = c.topic and g.partition = c.partition
                              and d."offset" >= g.first_offset and d."offset" < g.next_offset)
            group by c.consumer_group, c.topic, c.partition, c.dead_lettered having c.dead_lettered < count(d.id)`,
  },
];

const examples = 3;

/** Runs every check; one that finds something wrong says how much, and the first examples. */
export async function reconcileDatabase(db: Queryable): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const { name, meaning, wrong } of definitions) {
    const rows = await db.query<{ wrong: string; total: string }>(`select wrong, count(*) over () as total from (${wrong}) w (wrong) limit ${examples}`);
    const total = Number(rows[0]?.total ?? 0);
    checks.push({ name, ok: total === 0, detail: total === 0 ? meaning : `${total} violate: ${meaning}; for example ${rows.map((row) => row.wrong).join(' | ')}` });
  }
  return checks;
}
