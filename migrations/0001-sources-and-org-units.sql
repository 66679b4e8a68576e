-- Who we are and who sends us bookings: the facts of a batch that hardly ever change.
-- facts_version is raised by everybody who changes a fact that rating or matching reads; a worker keeps its cached facts while it stands.

create table facts_version (
  only_row boolean primary key default true check (only_row),
  version bigint not null default 1
);
insert into facts_version default values;
comment on table facts_version is 'One row. Raised by every action that takes the facts lock exclusively; read by ingest in each batch.';

create table source (
  id text primary key,
  org_unit text,
  time_zone text not null default 'UTC',
  fee_policy text not null default 'ours' check (fee_policy in ('ours', 'theirs', 'both')),
  kinds text[] not null default '{}',
  map text,
  applied_at timestamptz
);
comment on table source is 'Reservation systems. Written by sources apply; ingest adds a source it meets with the defaults (applied_at null).';

create table org_unit (
  id text not null,
  valid_from date not null default '-infinity',
  parent text,
  name text,
  time_zone text,
  country text,
  region text,
  primary key (id, valid_from)
);
comment on table org_unit is 'Our side as a dated tree: the row with the latest valid_from that has begun holds. Written by org-units import.';

create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  details jsonb not null default '{}'
);
comment on table audit_log is 'Who did what; written in the transaction of the action itself.';
