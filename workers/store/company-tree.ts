import type { Queryable } from './database.js';

/** A company in a hierarchy: subsidiary, company, concern. */
export interface TreeCompany {
  readonly id: string;
  readonly name: string | null;
  /** Steps up or down. */
  readonly steps: number;
}

/** Where a customer stands among companies. */
export interface CompanyTree {
  /** The company that a person works for or the parent of a company, and what stands above that, the nearest first. */
  readonly above: readonly TreeCompany[];
  /** Subsidiaries, and theirs; at most 200, the nearest first. */
  readonly below: readonly TreeCompany[];
  /** Persons who work for the company itself. */
  readonly employees: number;
}

/** Of customer `c` on day $2: whom it belongs to. */
const belongsTo = 'select root_id from customer where id = (select related_id from customer_relation where customer_id = c.id and valid_from <= $2::date order by valid_from desc limit 1)';
/** Relation `r` holds on day $2. */
const holds = `r.valid_from <= $2::date and not exists (
  select from customer_relation n where n.customer_id = r.customer_id and n.type = r.type and n.valid_from > r.valid_from and n.valid_from <= $2::date)`;

/** The companies above and below a customer on a day. */
export async function companyTree(db: Queryable, id: string, day: string): Promise<CompanyTree> {
  const [tree] = await db.query<CompanyTree>(
    `with recursive above (id, steps) as (
       select up.root_id, 1 from customer c cross join lateral (${belongsTo}) up where c.id = $1
       union all
       select up.root_id, a.steps + 1 from above a join customer c on c.id = a.id cross join lateral (${belongsTo}) up where a.steps < 100
     ), below (id, steps) as (
       select r.customer_id, 1 from customer_relation r where r.related_id = $1 and r.type = 'parent' and ${holds}
       union all
       select r.customer_id, b.steps + 1 from below b join customer_relation r on r.related_id = b.id and r.type = 'parent' and ${holds} where b.steps < 100
     )
     select (select coalesce(json_agg(json_build_object('id', a.id::text, 'name', c.party->>'companyName', 'steps', a.steps) order by a.steps), '[]') from above a join customer c on c.id = a.id) as above,
       (select coalesce(json_agg(json_build_object('id', b.id::text, 'name', b.name, 'steps', b.steps) order by b.steps, b.id), '[]')
        from (select b.id, b.steps, c.party->>'companyName' as name from below b join customer c on c.id = b.id order by b.steps, b.id limit 200) b) as below,
       (select count(*)::int from customer_relation r where r.related_id = $1 and r.type = 'company' and ${holds}) as employees`,
    [id, day],
  );
  return tree ?? { above: [], below: [], employees: 0 };
}
