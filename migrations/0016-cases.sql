-- What customers complain about and ask, and who must not be written to for the time being.

create table customer_case (
  id bigint generated always as identity primary key,
  customer_id bigint not null,
  order_id uuid,
  kind text not null check (kind in ('complaint', 'question')),
  subject text not null,
  body text,
  state text not null default 'open' check (state in ('open', 'closed')),
  opened_at timestamptz not null,
  opened_by text not null,
  closed_at timestamptz,
  closed_by text,
  answer text
);
create index customer_case_customer on customer_case (customer_id);
create index customer_case_order on customer_case (order_id) where order_id is not null;
create index customer_case_open on customer_case (opened_at) where state = 'open';
comment on table customer_case is 'Complaints and product questions of customers, perhaps about an order; a case stays with the customer that it was opened for, also after a merge. Written by customers case.';

create table customer_mailing_block (
  customer_id bigint not null,
  source text not null,
  until date,
  reason text,
  set_at timestamptz not null,
  set_by text not null,
  primary key (customer_id, source)
);
comment on table customer_mailing_block is 'No advertising up to and with that day (null: for ever): by whom it was said, people (cli) or a system of the master data. Written by customers block-mail, customers import and ingest.';

grant select, insert, update on customer_case to midline_operator;
grant select, insert, update, delete on customer_mailing_block to midline_operator, midline_ingest;
grant update (undeliverable_at, undeliverable_reason) on customer_contact to midline_outreach, midline_operator;
grant select (undeliverable_at) on customer_contact to midline_outreach;
