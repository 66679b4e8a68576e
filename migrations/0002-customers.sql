-- The CRM: people and companies, by what they are found, and which order was linked to whom and why.
-- No foreign keys to customer: row locks on a million dirty random pages cost a quarter of the speed; reconcile looks for orphans instead.

create sequence customer_id_seq;

create table customer (
  id bigint primary key default nextval('customer_id_seq'),
  root_id bigint not null,
  kind text not null check (kind in ('person', 'company')),
  party jsonb not null,
  active boolean not null default true,
  origin text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index customer_merged on customer (root_id) where root_id <> id;
comment on table customer is 'Persons and companies; root_id is the surviving customer after a merge, else the own id. party: names, contacts and language in the shape of a booking party. Written by customers import, ingest (new ones), merge.';

create table customer_key (
  kind text not null,
  value text not null,
  customer_id bigint not null,
  primary key (kind, value, customer_id)
);
create index customer_key_customer on customer_key (customer_id);
comment on table customer_key is 'Normalised values by which customers are found (external id per source, e-mail, phone, name + birth date, …). Written with the customer.';

create table customer_contact (
  customer_id bigint not null,
  kind text not null check (kind in ('email', 'phone', 'address')),
  value text not null,
  origin text not null,
  verified boolean not null default false,
  seen_at timestamptz not null default now(),
  primary key (customer_id, kind, value)
);
comment on table customer_contact is 'Contact points: those of the master data, and those that bookings added as observed, unverified. Written by customers import and ingest.';

create table customer_attribute (
  customer_id bigint not null,
  name text not null,
  value text,
  valid_from date not null default '-infinity',
  primary key (customer_id, name, valid_from)
);
comment on table customer_attribute is 'Dated attributes that fee rules may read (status: vip). Written by customers import.';

create table customer_relation (
  customer_id bigint not null,
  type text not null check (type in ('company', 'parent')),
  related_id bigint not null,
  valid_from date not null default '-infinity',
  primary key (customer_id, type, valid_from)
);
comment on table customer_relation is 'Dated: the company of a person, the parent of a company. Written by customers import.';

create table identity_claim (
  kind text not null,
  value text not null,
  primary key (kind, value)
);
comment on table identity_claim is 'Strong keys that some transaction once wanted to create a customer for: a lock that makes two batches meet. Written by ingest, sorted.';

create table customer_link (
  order_id uuid not null,
  role text not null check (role in ('payer', 'booker', 'traveller', 'corporate')),
  position text not null default '',
  seq integer not null,
  decision text not null check (decision in ('link', 'review', 'new', 'none')),
  customer_id bigint,
  evidence jsonb not null,
  decided_by text not null,
  decided_at timestamptz not null default now(),
  superseded_at timestamptz,
  primary key (order_id, role, position, seq)
);
create index customer_link_customer on customer_link (customer_id) where superseded_at is null;
comment on table customer_link is 'Every match decision, with evidence; points to the leaf customer and is never moved. decided_by: the model version or a person. A role without any identity has no row. Written by ingest and by people.';
