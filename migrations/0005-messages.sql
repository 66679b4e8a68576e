-- What is to be said to customers: the message table is plan, outbox and send ledger in one.

create table trigger (
  id text primary key,
  event_types text[] not null,
  channel text not null default 'email' check (channel in ('email')),
  template text not null,
  max_age interval not null default '48 hours',
  enabled boolean not null default true
);
comment on table trigger is 'What makes a message due. Written by migrations and by marketers.';
insert into trigger (id, event_types, template) values
  ('order-confirmed', '{booked}', 'order-confirmed'),
  ('order-changed', '{changed}', 'order-changed'),
  ('order-cancelled', '{cancelled}', 'order-cancelled');

create table message (
  id uuid primary key,
  order_id uuid not null,
  trigger text not null,
  occurrence text not null,
  role text not null,
  channel text not null,
  state text not null default 'due' check (state in ('due', 'queued', 'claimed', 'sent', 'failed', 'unknown', 'skipped', 'cancelled')),
  due_at timestamptz not null,
  expires_at timestamptz not null,
  enqueued integer not null default 0,
  attempts integer not null default 0,
  claim_token uuid,
  claimed_until timestamptz,
  customer_id bigint,
  provider_id text,
  reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
) with (fillfactor = 70);
create index message_due on message (due_at) where state = 'due';
create index message_open on message (updated_at) where state in ('queued', 'claimed');
create index message_order on message (order_id);
comment on table message is 'One communication on one channel; id is derived from (order, trigger, occurrence, role, channel), so it cannot come twice. due → queued → claimed → sent | failed | unknown | skipped | cancelled. Written by ingest (due), relay (queued, sweeps), outreach (the rest).';

create table worker_status (
  id text primary key,
  kind text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  details jsonb not null default '{}'
);
comment on table worker_status is 'Live workers, for status. Written by each worker every few seconds.';
