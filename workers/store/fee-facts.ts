import type { FeeTable } from '../../schemas/fee-table.js';
import type { AssignmentRow, CompanyRow, CustomerRow, FeeSourceRow, OrgUnitRow, TaxCodeRow } from '../domain/fees/types.js';
import type { Queryable } from './database.js';

/** An approved version as it is stored. */
export interface ApprovedVersion {
  readonly table: string;
  readonly version: number;
  readonly validFrom: number;
  readonly definition: FeeTable;
}

/** Facts that all batches share while `facts_version` stands. */
export interface SharedFeeFacts {
  readonly orgUnits: readonly OrgUnitRow[];
  readonly taxCodes: readonly TaxCodeRow[];
  readonly versions: readonly ApprovedVersion[];
  readonly sources: readonly FeeSourceRow[];
  /** Of org units and the default; those of customers and companies are read per batch. */
  readonly assignments: readonly AssignmentRow[];
}

export async function sharedFeeFacts(tx: Queryable): Promise<SharedFeeFacts> {
  const orgUnits = await tx.query<OrgUnitRow>(
    `select id, parent, time_zone as "timeZone", country, region, nullif(valid_from, '-infinity') as "from",
       lead(valid_from) over (partition by id order by valid_from) - 1 as until
     from org_unit order by id, valid_from`,
  );
  const taxCodes = await tx.query<TaxCodeRow>(
    `select code, max(country) as country,
       json_agg(json_build_object('from', nullif(valid_from, '-infinity'), 'percent', percent::text) order by valid_from) as rates
     from tax_code group by code order by code`,
  );
  const versions = await tx.query<Omit<ApprovedVersion, 'validFrom'> & { readonly validFrom: Date }>(
    `select fee_table as "table", version, valid_from as "validFrom", definition from fee_table_version where state = 'approved' order by fee_table, version`,
  );
  const sources = await tx.query<FeeSourceRow>(
    `select id, org_unit as "orgUnit", time_zone as "timeZone", fee_policy as "feePolicy", kinds from source order by id`,
  );
  const assignments = await tx.query<AssignmentRow>(
    `${assignmentColumns} where subject_kind in ('default', 'orgUnit') order by id`,
  );
  return { orgUnits, taxCodes, versions: versions.map((row) => ({ ...row, validFrom: row.validFrom.getTime() })), sources, assignments };
}

const assignmentColumns = `select json_build_object('kind', subject_kind, 'id', nullif(subject_id, '')) as subject, fee_table as "table",
  nullif(valid_from, '-infinity') as "from", valid_until as until from fee_assignment`;

/** What a batch adds: its customers and companies, the companies above them, and the assignments of all of these. */
export interface CustomerFeeFacts {
  readonly customers: readonly CustomerRow[];
  readonly companies: readonly CompanyRow[];
  readonly assignments: readonly AssignmentRow[];
}

/** @param customerIds roots of merges: persons and companies alike */
export async function customerFeeFacts(tx: Queryable, customerIds: readonly string[]): Promise<CustomerFeeFacts> {
  if (customerIds.length === 0) return { customers: [], companies: [], assignments: [] };
  const customers = await tx.query<CustomerRow>(
    `select k.id::text as id,
       (select coalesce(json_agg(json_build_object('company', r.root_id::text, 'from', nullif(r.valid_from, '-infinity'), 'until', r.until)), '[]')
        from (select c.root_id, valid_from, lead(valid_from) over (order by valid_from) - 1 as until
              from customer_relation join customer c on c.id = related_id where customer_id = k.id and type = 'company') r) as companies,
       (select coalesce(json_agg(json_build_object('name', a.name, 'value', a.value, 'from', nullif(a.valid_from, '-infinity'), 'until', a.until)) filter (where a.value is not null), '[]')
        from (select name, value, valid_from, lead(valid_from) over (partition by name order by valid_from) - 1 as until
              from customer_attribute where customer_id = k.id) a) as attributes
     from unnest($1::bigint[]) as k (id) order by k.id`,
    [customerIds],
  );
  const companies = await tx.query<CompanyRow>(
    `with recursive known as (
       select c.id from customer c where c.kind = 'company' and (c.id = any($1::bigint[])
         or c.id in (select x.root_id from customer_relation r join customer x on x.id = r.related_id where r.customer_id = any($1::bigint[]) and r.type = 'company'))
       union
       select x.root_id from known join customer_relation r on r.customer_id = known.id and r.type = 'parent' join customer x on x.id = r.related_id)
     select c.id::text as id, p.root_id::text as parent, c.party ->> 'vatId' as "vatId", c.party -> 'addresses' -> 0 ->> 'country' as country,
       nullif(r.valid_from, '-infinity') as "from", r.until
     from known join customer c on c.id = known.id
     left join lateral (
       select related_id, valid_from, lead(valid_from) over (order by valid_from) - 1 as until
       from customer_relation where customer_id = c.id and type = 'parent'
       union all
       select null, '-infinity', min(valid_from) - 1
       from customer_relation where customer_id = c.id and type = 'parent' having min(valid_from) > '-infinity') r on true
     left join customer p on p.id = r.related_id
     order by c.id, r.valid_from`,
    [customerIds],
  );
  const assignments = await tx.query<AssignmentRow>(
    `${assignmentColumns} where (subject_kind, subject_id) in (
       select 'customer', id from unnest($1::text[]) as t (id) union all select 'company', id from unnest($2::text[]) as t (id)) order by id`,
    [customerIds, companies.map((company) => company.id)],
  );
  return { customers, companies, assignments };
}
