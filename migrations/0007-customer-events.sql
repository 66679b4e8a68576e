-- Customers that come as events: what each event said, so that the order of arrival does not matter; who was deactivated; who agreed to what.

create table customer_event (
  kind text not null,
  value text not null,
  valid_from date not null default '-infinity',
  customer_id bigint not null,
  updated_at timestamptz not null,
  digest text not null,
  facts jsonb not null,
  primary key (kind, value, valid_from)
);
create index customer_event_customer on customer_event (customer_id);
comment on table customer_event is 'Of each customer (by its key) the newest event for each day from which facts hold; the newest of all says the party. facts: what stands in customer_attribute and customer_relation for that day because of it. Written by ingest; customers import takes facts over.';

create table customer_message_key (
  message_key text not null,
  kind text not null,
  value text not null,
  primary key (message_key, kind, value)
);
create index customer_message_key_customer on customer_message_key (kind, value);
comment on table customer_message_key is 'Keys of messages under which events of a customer (by its key) came, where they are not source:externalId. Never less: so a deactivation holds whatever came first. Written by ingest.';

create table customer_deactivation (
  key text primary key,
  at timestamptz not null,
  settled_at timestamptz not null default now()
);
comment on table customer_deactivation is 'Messages without a value on customer-events: the newest of each key. It holds for whoever is known by source:externalId = key, or whose events came under that key, unless an event is newer. Written by ingest.';

create table customer_consent (
  customer_id bigint not null,
  purpose text not null,
  channel text not null,
  at timestamptz not null,
  given boolean not null,
  source text not null,
  primary key (customer_id, purpose, channel, at)
);
comment on table customer_consent is 'What a customer agreed to or refused (given), as a history: the newest at of purpose and channel holds. channel is empty where the source names none: it means all. Written by ingest from customer events.';
