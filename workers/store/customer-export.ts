import type { Party } from '../../schemas/booking-event.js';
import type { StoredProfile } from '../domain/customer-profile.js';
import type { CustomerKind } from '../domain/match/parties.js';
import type { Queryable } from './database.js';

export interface ExportedCustomer {
  readonly id: string;
  readonly kind: CustomerKind;
  readonly party: Party;
  readonly profile: StoredProfile;
  /** `source:externalId` by which it is known; null: it has none, or none of the source that was asked for. */
  readonly key: string | null;
  readonly attributes: readonly { readonly name: string; readonly value: string | null; readonly validFrom: string | null }[];
  /** With the keys of the company, sorted; only companies that are active. */
  readonly relations: readonly { readonly type: string; readonly validFrom: string | null; readonly keys: readonly string[] }[];
}

export interface ExportedWhich {
  readonly kind: CustomerKind | null;
  readonly source: string | null;
}

/**
 * Keys are looked for by their customer: `|| ''` keeps a database without statistics from walking over all keys of a kind for each customer (seen: 29 seconds instead of 6 for 20,000).
 *
 * The external id of customer `c`, of the source $2 (null: of any); not what other systems know it by.
 */
const keyOf = `(select min(k.value) from customer_key k
  where k.customer_id = c.id and k.kind || '' = case c.kind when 'company' then 'external-company' else 'external' end
    and right(k.value, length(btrim(c.party->>'externalId')) + 1) = ':' || btrim(c.party->>'externalId') and ($2::text is null or starts_with(k.value, $2 || ':'))
    and not exists (select from jsonb_array_elements(c.profile->'externalIds') as f where k.value = concat(f->>'source', ':', f->>'externalId')))`;

/** The next active customers behind an id, in the order of their ids. */
export async function customersBehind(tx: Queryable, id: string, { kind, source }: ExportedWhich, limit: number): Promise<readonly ExportedCustomer[]> {
  return tx.query(
    `select c.id, c.kind, c.party, c.profile, ${keyOf} as key,
       (select coalesce(json_agg(json_build_object('name', a.name, 'value', a.value, 'validFrom', nullif(a.valid_from, '-infinity')) order by a.valid_from, a.name), '[]')
        from customer_attribute a where a.customer_id = c.id) as attributes,
       (select coalesce(json_agg(json_build_object('type', r.type, 'validFrom', nullif(r.valid_from, '-infinity'),
          'keys', (select coalesce(json_agg(t.value order by t.value), '[]') from customer_key t where t.customer_id = r.related_id and t.kind || '' = 'external-company')) order by r.valid_from, r.type), '[]')
        from customer_relation r join customer o on o.id = r.related_id and o.active where r.customer_id = c.id) as relations
     from (select * from customer where id > $1 and active and ($3::text is null or kind = $3) order by id limit $4) c order by c.id`,
    [id, source, kind, limit],
  );
}

/** How many there are, about; and every name of their attributes. */
export async function exportedAtAll(tx: Queryable, { kind, source }: ExportedWhich): Promise<{ readonly customers: number; readonly attributes: readonly string[] }> {
  const [row] = await tx.query<{ readonly customers: number; readonly attributes: readonly string[] }>(
    `select (select count(*)::int from customer where active and ($1::text is null or kind = $1)) as customers,
       (select coalesce(json_agg(name order by name collate "C"), '[]') from (
          select distinct a.name from customer_attribute a join customer c on c.id = a.customer_id where c.active and ($1::text is null or c.kind = $1) and ${keyOf} is not null) n) as attributes`,
    [kind, source],
  );
  return row ?? { customers: 0, attributes: [] };
}
