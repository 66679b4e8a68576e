import type { OrgUnit } from '../domain/org-tree.js';
import type { Queryable } from './database.js';

/** All org units on all days, by id and day. */
export async function readOrgUnits(db: Queryable): Promise<readonly OrgUnit[]> {
  return db.query<OrgUnit>(
    `select id, valid_from as "validFrom", parent, name, time_zone as "timeZone", country, region from org_unit order by id, org_unit.valid_from`,
  );
}

/** Inserts rows, or replaces those of the same id and day. */
export async function saveOrgUnits(tx: Queryable, units: readonly OrgUnit[]): Promise<void> {
  if (units.length === 0) return;
  await tx.query(
    `insert into org_unit (id, valid_from, parent, name, time_zone, country, region)
     select * from unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) order by 1, 2
     on conflict (id, valid_from) do update set parent = excluded.parent, name = excluded.name, time_zone = excluded.time_zone,
       country = excluded.country, region = excluded.region`,
    [
      units.map(({ id }) => id), units.map(({ validFrom }) => validFrom), units.map(({ parent }) => parent), units.map(({ name }) => name),
      units.map(({ timeZone }) => timeZone), units.map(({ country }) => country), units.map(({ region }) => region),
    ],
  );
}

/** Orders of these org units, and those that name none: they are the root's or their source's. */
export async function ordersOfOrgUnits(tx: Queryable, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await tx.query<{ readonly id: string }>('select id from orders where org_unit is null or org_unit = any ($1::text[]) order by id', [ids]);
  return rows.map(({ id }) => id);
}
