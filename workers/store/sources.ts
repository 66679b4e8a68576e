import type { Queryable } from './database.js';

export interface SourceRow {
  readonly id: string;
  readonly orgUnit: string | null;
  readonly timeZone: string;
  readonly feePolicy: 'ours' | 'theirs' | 'both';
  readonly kinds: readonly string[];
  /** Name of the map that it was applied from; null: ingest met the source before anybody applied it. */
  readonly map: string | null;
  readonly appliedAt: Date | null;
}

const columns = `id, org_unit as "orgUnit", time_zone as "timeZone", fee_policy as "feePolicy", kinds, map, applied_at as "appliedAt"`;

export async function findSource(tx: Queryable, id: string): Promise<SourceRow | undefined> {
  const [row] = await tx.query<SourceRow>(`select ${columns} from source where id = $1`, [id]);
  return row;
}

/** All sources by id, each with the number of its orders. */
export function listSources(tx: Queryable): Promise<readonly (SourceRow & { readonly orders: string })[]> {
  return tx.query(`select ${columns}, (select count(*) from orders where orders.source = source.id) as orders from source order by id`);
}

/** Writes what a source is, whether or not it was known. Only under the exclusive facts lock. */
export async function saveSource(tx: Queryable, { id, orgUnit, timeZone, feePolicy, kinds, map, appliedAt }: SourceRow): Promise<void> {
  await tx.query(
    `insert into source (id, org_unit, time_zone, fee_policy, kinds, map, applied_at) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (id) do update set org_unit = excluded.org_unit, time_zone = excluded.time_zone, fee_policy = excluded.fee_policy,
       kinds = excluded.kinds, map = excluded.map, applied_at = excluded.applied_at`,
    [id, orgUnit, timeZone, feePolicy, kinds, map, appliedAt],
  );
}

/** The map of a source as it was applied last. */
export interface StoredMap {
  readonly text: string;
  /** Tells whether it is the one that is known already. */
  readonly hash: string;
}

/** Null: the source was never applied. */
export async function findSourceMap(db: Queryable, source: string): Promise<StoredMap | null> {
  const [row] = await db.query<StoredMap>('select text, hash from source_map where source = $1', [source]);
  return row ?? null;
}

/** Keeps a map unless it is the one that is there. Returns whether it was another. */
export async function saveSourceMap(tx: Queryable, source: string, { text, hash }: StoredMap, now: Date): Promise<boolean> {
  const rows = await tx.query(
    `insert into source_map as m (source, text, hash, applied_at) values ($1, $2, $3, $4)
     on conflict (source) do update set text = excluded.text, hash = excluded.hash, applied_at = excluded.applied_at where m.hash <> excluded.hash
     returning 1`,
    [source, text, hash, now],
  );
  return rows.length > 0;
}

/** Sources whose map is stored, by id. */
export async function mappedSources(db: Queryable): Promise<readonly string[]> {
  return (await db.query<{ readonly source: string }>('select source from source_map order by source')).map(({ source }) => source);
}

/** Marks all orders of a source to be rated again; returns how many. */
export async function markOrdersOfSourceStale(tx: Queryable, source: string, cause: string): Promise<number> {
  const [row] = await tx.query<{ readonly count: string }>(
    `with marked as (
       insert into rating_stale (order_id, cause) select id, $2 from orders where source = $1 order by id
       on conflict (order_id) do update set cause = excluded.cause, marked_at = now() returning 1
     ) select count(*) as count from marked`,
    [source, cause],
  );
  return Number(row?.count ?? 0);
}

/** Whether an org unit of this id was ever imported. */
export async function isOrgUnit(tx: Queryable, id: string): Promise<boolean> {
  const rows = await tx.query('select 1 from org_unit where id = $1 limit 1', [id]);
  return rows.length > 0;
}
