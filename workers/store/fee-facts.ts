import type { FeeTable } from '../../schemas/fee-table.js';
import type { AssignmentRow, CompanyRow, CustomerRow, Dated, FeeSourceRow, OrgUnitRow, TaxCodeRow } from '../domain/fees/types.js';
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

interface RelationRow extends Dated {
  readonly customerId: string;
  readonly company: string;
}

interface AttributeRow extends Dated {
  readonly customerId: string;
  readonly name: string;
  readonly value: string | null;
}

/** These roots, and after each, by id, the customers that were merged into it. */
const members = `(select t.id as root, t.id, false as merged from unnest($1::bigint[]) as t (id)
  union all select root_id, id, true from customer where root_id = any($1::bigint[]) and root_id <> id) as k`;

/**
 * What is known of merged customers stands for their root where that says nothing itself: of relations, of each attribute and of assignments the first of them that has any.
 * @param customerIds persons and companies, roots of merges
 * @param accountIds corporate accounts, roots of merges
 */
export async function customerFeeFacts(tx: Queryable, customerIds: readonly string[], accountIds: readonly string[]): Promise<CustomerFeeFacts> {
  const ids = [...new Set([...customerIds, ...accountIds])].sort();
  if (ids.length === 0) return { customers: [], companies: [], assignments: [] };
  const relations = await tx.query<RelationRow>(
    `select root as "customerId", company, "from", until from (
       select k.root, c.root_id as company, nullif(r.valid_from, '-infinity') as "from",
         lead(r.valid_from) over (partition by r.customer_id order by r.valid_from) - 1 as until, dense_rank() over (partition by k.root order by k.merged, k.id) as rank
       from ${members} join customer_relation r on r.customer_id = k.id and r.type = 'company' join customer c on c.id = r.related_id) as known
     where rank = 1 order by 1, 3 nulls first`,
    [ids],
  );
  const attributes = await tx.query<AttributeRow>(
    `select root as "customerId", name, value, "from", until from (
       select k.root, a.name, a.value, nullif(a.valid_from, '-infinity') as "from",
         lead(a.valid_from) over (partition by a.customer_id, a.name order by a.valid_from) - 1 as until, dense_rank() over (partition by k.root, a.name order by k.merged, k.id) as rank
       from ${members} join customer_attribute a on a.customer_id = k.id) as known
     where rank = 1 order by 1, 2, 4 nulls first`,
    [ids],
  );
  const companies = await companiesFrom(tx, [...new Set([...accountIds, ...relations.map((row) => row.company)])]);
  const assignments = [...await assignmentsOf(tx, 'customer', ids), ...await assignmentsOf(tx, 'company', [...new Set(companies.map((company) => company.id))])];
  return { customers: customersOf(relations, attributes), companies, assignments };
}

async function assignmentsOf(tx: Queryable, kind: 'customer' | 'company', roots: readonly string[]): Promise<readonly AssignmentRow[]> {
  if (roots.length === 0) return [];
  return tx.query<AssignmentRow>(
    `select subject, "table", "from", until from (
       select json_build_object('kind', f.subject_kind, 'id', k.root::text) as subject, f.id, f.fee_table as "table",
         nullif(f.valid_from, '-infinity') as "from", f.valid_until as until, dense_rank() over (partition by k.root order by k.merged, k.id) as rank
       from ${members} join fee_assignment f on f.subject_kind = $2 and f.subject_id = k.id::text) as known
     where rank = 1 order by id`,
    [roots, kind],
  );
}

/** Rows of one customer add up. An attribute without a value has ended. */
function customersOf(relations: readonly RelationRow[], attributes: readonly AttributeRow[]): readonly CustomerRow[] {
  return [
    ...relations.map(({ customerId, company, from, until }) => ({ id: customerId, companies: [{ company, from: from ?? null, until: until ?? null }] })),
    ...attributes.flatMap(({ customerId, name, value, from, until }) =>
      (value === null ? [] : [{ id: customerId, attributes: [{ name, value, from: from ?? null, until: until ?? null }] }])),
  ];
}

/** These companies and those above them, each as it was over time; parent, VAT id and country as `customerFeeFacts` has them of merged ones. */
async function companiesFrom(tx: Queryable, ids: readonly string[]): Promise<readonly CompanyRow[]> {
  if (ids.length === 0) return [];
  const merged = (root: string): string => `(select m.id, m.party from customer m where m.root_id = ${root} and m.root_id <> m.id)`;
  const firstOf = (value: string): string => `coalesce(c.${value}, (select m.${value} from ${merged('c.id')} m where m.${value} is not null order by m.id limit 1))`;
  return tx.query<CompanyRow>(
    `with recursive known as (
       select c.id from customer c where c.id = any($1::bigint[]) and c.kind = 'company'
       union
       select x.root_id from known cross join lateral (select known.id union all select m.id from ${merged('known.id')} m) as s (id)
       join customer_relation r on r.customer_id = s.id and r.type = 'parent' join customer x on x.id = r.related_id)
     select c.id::text as id, p.root_id::text as parent, ${firstOf("party ->> 'vatId'")} as "vatId", ${firstOf("party -> 'addresses' -> 0 ->> 'country'")} as country,
       nullif(r.valid_from, '-infinity') as "from", r.until
     from known join customer c on c.id = known.id
     cross join lateral (
       select coalesce((select s.id from (select c.id, false as merged union all select m.id, true from ${merged('c.id')} m) as s
         where exists (select from customer_relation r where r.customer_id = s.id and r.type = 'parent') order by s.merged, s.id limit 1), c.id) as id) as own
     left join lateral (
       select related_id, valid_from, lead(valid_from) over (order by valid_from) - 1 as until
       from customer_relation where customer_id = own.id and type = 'parent'
       union all
       select null, '-infinity', min(valid_from) - 1
       from customer_relation where customer_id = own.id and type = 'parent' having min(valid_from) > '-infinity') r on true
     left join customer p on p.id = r.related_id
     order by c.id, r.valid_from`,
    [ids],
  );
}
