-- The inbox, the orders that are folded from it, and the fence that makes the effect of a batch exactly-once.

create table booking_event (
  source text not null,
  event_id text not null,
  order_id uuid not null,
  type text not null,
  occurred_at timestamptz not null,
  received_at timestamptz,
  wire bytea not null,
  wire_form text not null default 'plain' check (wire_form in ('plain', 'encrypted', 'stripped')),
  primary key (source, event_id)
);
create index booking_event_order on booking_event (order_id);
comment on table booking_event is 'Inbox and history: the Avro bytes as received; encrypted whole where the event carries sensitive data and a key is configured, else stripped of it. Written by ingest.';

create table orders (
  id uuid primary key,
  source text not null,
  booking_ref text not null,
  revision bigint not null,
  status text not null check (status in ('booked', 'option', 'ticketed', 'cancelled', 'no-show', 'travelled')),
  link text not null check (link in ('linked', 'review', 'new', 'none')),
  customer_id bigint,
  corporate_account_id bigint,
  org_unit text,
  travel_from date,
  travel_until date,
  currency text,
  total numeric,
  booked_at timestamptz,
  state jsonb not null,
  updated_at timestamptz not null
) with (fillfactor = 75);
create index orders_customer on orders (customer_id) where customer_id is not null;
create index orders_corporate_account on orders (corporate_account_id) where corporate_account_id is not null;
comment on table orders is 'One row a booking; id is derived from source and booking reference; state is the fold over its events (never with sensitive data); the other columns are for reports. Written by ingest and by actions that rate or link again.';

create table order_item (
  order_id uuid not null,
  item_id text not null,
  product text not null,
  status text,
  supplier text,
  start_date date,
  end_date date,
  currency text,
  total numeric,
  primary key (order_id, item_id)
);
comment on table order_item is 'The items of an order, for reports and segments; written by ingest only where an item changed.';

create table consumer_offset (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  next_offset bigint not null,
  read bigint not null default 0,
  applied bigint not null default 0,
  duplicate bigint not null default 0,
  late bigint not null default 0,
  dead_lettered bigint not null default 0,
  updated_at timestamptz not null default now(),
  primary key (consumer_group, topic, partition)
) with (fillfactor = 50);
comment on table consumer_offset is 'The fence: messages below next_offset are done for this group. Counters of the same messages stand beside it. Written by ingest, first row lock of its transaction.';

create table topic_epoch (
  topic text primary key,
  epoch integer not null
);
comment on table topic_epoch is 'How often a topic was re-created and adopted (topics adopt); missing means 0. Part of the key of dead letters.';

create table offset_gap (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  first_offset bigint not null,
  next_offset bigint not null,
  noticed_at timestamptz not null default now(),
  primary key (consumer_group, topic, partition, first_offset)
);
comment on table offset_gap is 'Messages that Kafka had deleted before they were read: recorded, alarmed and passed. Written by ingest.';

create table dead_letter (
  id bigint generated always as identity primary key,
  topic text not null,
  epoch integer not null,
  partition integer not null,
  "offset" bigint not null,
  code text not null,
  reason text not null,
  key bytea,
  value bytea,
  headers jsonb not null default '{}',
  kafka_timestamp timestamptz,
  state text not null default 'open' check (state in ('open', 'replayed', 'applied', 'resolved')),
  attempts integer not null default 1,
  note text,
  relay text not null default 'pending' check (relay in ('pending', 'sent', 'too-large')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (topic, epoch, partition, "offset")
);
create index dead_letter_open on dead_letter (id) where state in ('open', 'replayed');
create index dead_letter_relay on dead_letter (id) where relay = 'pending';
comment on table dead_letter is 'Messages that could not be applied, with code, reason and original bytes. State: open, replayed (sent again, not yet back), applied (the replay went through), resolved (by a person, with a note). Written by ingest, relay and dead-letter commands.';

create table outbox (
  id bigint generated always as identity,
  lane smallint not null,
  topic text not null,
  key text not null,
  value bytea not null,
  created_at timestamptz not null default now(),
  primary key (lane, id)
);
comment on table outbox is 'Order events on their way to Kafka; lane = hash of the order id, so order per order holds. Written by ingest and actions, deleted by relay once Kafka has them.';
