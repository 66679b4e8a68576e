-- What a team in a hurry creates: one table for each thing, keys and indexes where they are needed, no foreign keys (they would only slow it down).
create schema naive;

create table naive.customer (
  id bigint primary key,
  external_id text not null unique,
  email text not null,
  name text not null
);
create index on naive.customer (email);

create table naive.event (
  source text not null,
  event_id text not null,
  type text not null,
  occurred_at timestamptz not null,
  payload bytea not null,
  received_at timestamptz not null default now(),
  primary key (source, event_id)
);

create table naive.orders (
  id bigint generated always as identity primary key,
  source text not null,
  booking_ref text not null,
  status text not null,
  customer_id bigint,
  currency text,
  total numeric,
  travel_from date,
  travel_until date,
  updated_at timestamptz not null default now(),
  unique (source, booking_ref)
);
create index on naive.orders (customer_id);

create table naive.order_item (
  order_id bigint not null,
  item_id text not null,
  product text not null,
  status text,
  supplier text,
  start_date date,
  end_date date,
  total numeric,
  primary key (order_id, item_id)
);

create table naive.fee_entry (
  id bigint generated always as identity primary key,
  order_id bigint not null,
  event_id text not null,
  charge text not null,
  net numeric not null,
  vat numeric not null,
  gross numeric not null,
  currency text not null,
  created_at timestamptz not null default now()
);
create index on naive.fee_entry (order_id);

create table naive.message (
  id uuid primary key,
  order_id bigint not null,
  trigger text not null,
  state text not null default 'due',
  created_at timestamptz not null default now()
);
create index on naive.message (order_id);

create table naive.outbox (
  id bigint generated always as identity primary key,
  topic text not null,
  key text not null,
  payload jsonb not null,
  created_at timestamptz not null default now()
);
