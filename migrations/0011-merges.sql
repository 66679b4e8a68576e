-- Two customers that are one: who said so, and the way back. customer.root_id follows from merged_into; links keep the customer that they found.

alter table customer add column merged_into bigint;
create index customer_merged_into on customer (merged_into) where merged_into is not null;
comment on column customer.merged_into is 'The customer that somebody said this one is; null: it is its own root. root_id is where the way over merged_into ends. Written by customers merge and unmerge.';

create table customer_merge (
  id bigint generated always as identity primary key,
  customer_id bigint not null,
  into_id bigint not null,
  reason text not null,
  actor text not null,
  merged_at timestamptz not null,
  undone_reason text,
  undone_by text,
  undone_at timestamptz
);
create index customer_merge_customer on customer_merge (customer_id);
comment on table customer_merge is 'Every merge, with who took it back and why. Written by customers merge and unmerge.';

-- A mail names the customer as its selves together know it.
grant select (origin, updated_at) on customer to midline_outreach;

grant select on customer_merge to midline_operator;
grant insert, update (undone_reason, undone_by, undone_at) on customer_merge to midline_operator;
