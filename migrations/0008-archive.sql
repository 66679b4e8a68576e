-- Closed bookings leave for a file: their events keep id and content hash, so that a repeated one is still a duplicate and a reused id still told apart.
-- Archive only while every worker knows this migration: an older one would try to fold onto an archived order.

create table archive (
  id bigint generated always as identity primary key,
  file text not null,
  sha256 bytea not null,
  before date not null,
  orders integer not null,
  events bigint not null,
  version text not null,
  created_at timestamptz not null,
  finished_at timestamptz
);
comment on table archive is 'One row a file, written once the file is whole and safe; finished_at: every order of it that could be closed is. Written by archive.';

create table archived_order (
  order_id uuid primary key,
  state_hash bytea not null,
  ledger_hash bytea not null,
  events_hash bytea not null,
  archived_at timestamptz not null
);
comment on table archived_order is 'What an order was when it was closed (SHA-256), for reconcile: it must not change until it is brought back. Written by archive, deleted by archive restore.';

alter table orders add column archive bigint;
comment on column orders.archive is 'The file (archive.id) that has the events of the order; null: they are here. Set by archive, cleared by archive restore.';

-- Not validated on purpose: every row satisfied the narrower list, and nobody has to wait while that is read once more.
alter table booking_event drop constraint booking_event_wire_form_check;
alter table booking_event add constraint booking_event_wire_form_check check (wire_form in ('plain', 'encrypted', 'stripped', 'hash')) not valid;
comment on table booking_event is 'Inbox and history: the Avro bytes as received; encrypted whole where the event carries sensitive data and a key is configured, else stripped of it; of an archived order only the hash of the content. Written by ingest; archive and archive restore change wire and wire_form.';
