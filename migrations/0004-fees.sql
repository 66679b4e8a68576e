-- Service fees: tables in immutable versions, who is charged by which, and the append-only ledger.

create table fee_table (
  id text primary key,
  name text not null,
  owner text,
  currency text not null
);
comment on table fee_table is 'Names of fee tables. Written by fees apply.';

create table fee_table_version (
  fee_table text not null references fee_table (id),
  version integer not null,
  state text not null check (state in ('draft', 'approved')),
  valid_from timestamptz not null,
  definition jsonb not null,
  source_text text not null,
  hash text not null,
  author text not null,
  created_at timestamptz not null default now(),
  approved_by text,
  approved_at timestamptz,
  reason text,
  primary key (fee_table, version)
);
comment on table fee_table_version is 'Draft, then approved and never changed again (a trigger refuses it). Written by fees apply and fees approve.';

create function refuse_change_of_approved_version() returns trigger language plpgsql as $$
begin
  if old.state = 'approved' then
    raise exception 'version % of fee table % is approved and cannot change', old.version, old.fee_table;
  end if;
  return case when tg_op = 'DELETE' then old else new end;
end $$;
create trigger approved_versions_stay before update or delete on fee_table_version
  for each row execute function refuse_change_of_approved_version();

create table fee_assignment (
  id bigint generated always as identity primary key,
  subject_kind text not null check (subject_kind in ('customer', 'company', 'orgUnit', 'default')),
  subject_id text not null default '',
  fee_table text not null references fee_table (id),
  valid_from date not null,
  valid_until date,
  reason text,
  created_by text not null,
  created_at timestamptz not null default now()
);
create index fee_assignment_subject on fee_assignment (subject_kind, subject_id);
comment on table fee_assignment is 'Customer, company, org unit or default to fee table, from and until (days, both included). Written by fees assign.';

create table tax_code (
  code text not null,
  country text,
  percent numeric not null,
  valid_from date not null default '-infinity',
  primary key (code, valid_from)
);
comment on table tax_code is 'VAT rates with the day from which they hold. Master data; written by fees tax-codes.';

create table fee_entry (
  order_id uuid not null,
  charge text not null,
  event_id text not null,
  transaction_type text not null,
  unit text not null,
  seq integer not null,
  type text not null check (type in ('charge', 'reversal', 'waiver', 'manual')),
  fee_table text,
  version integer,
  rule text,
  net numeric not null,
  vat numeric not null,
  gross numeric not null,
  currency text not null,
  account text,
  occurred_at timestamptz not null,
  details jsonb not null,
  reason text,
  recorded_at timestamptz not null,
  primary key (order_id, charge, event_id, transaction_type, unit, seq),
  check (net + vat = gross)
);
comment on table fee_entry is 'The ledger, append-only: charges, reversals, waivers, manual entries; details holds what rating the next transaction needs. Written by ingest and by actions that rate again.';

create function refuse_change_of_ledger() returns trigger language plpgsql as $$
begin
  raise exception 'the fee ledger is append-only';
end $$;
create trigger ledger_is_append_only before update or delete on fee_entry
  for each statement execute function refuse_change_of_ledger();

create table rating_stale (
  order_id uuid primary key,
  cause text not null,
  marked_at timestamptz not null default now()
);
comment on table rating_stale is 'Orders to be rated again because a fact for the past changed. Written by the action that changed it, worked off by fees rerate and ingest.';
