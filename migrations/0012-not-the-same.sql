-- What people decided about who is who, besides the links: two customers that look like one and are not.
create table customer_not_same (
  customer_id bigint not null,
  other_id bigint not null,
  reason text not null,
  actor text not null,
  at timestamptz not null,
  primary key (customer_id, other_id),
  check (customer_id < other_id)
);
comment on table customer_not_same is 'Pairs of customers of whom a person said that they are two: merging them is refused. Written by match reject.';

grant select, insert on customer_not_same to midline_operator;
grant insert, update (superseded_at) on customer_link to midline_operator;
create index customer_link_review on customer_link (decided_at, order_id) where decision = 'review' and superseded_at is null;
