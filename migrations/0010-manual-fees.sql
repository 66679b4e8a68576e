-- Waivers and manual charges that people add to orders. Rating reads them, so that what was waived stays waived whatever events come later; the ledger has their lines.
create table manual_fee (
  id bigint generated always as identity primary key,
  order_id uuid not null,
  kind text not null check (kind in ('waiver', 'charge')),
  charge text not null,
  unit text not null,
  -- Of a waiver: only what this event charged; null: all transactions of the unit.
  event_id text,
  gross numeric,
  vat numeric,
  currency text,
  reason text not null,
  created_by text not null,
  role text,
  created_at timestamptz not null,
  revoked_at timestamptz,
  revoked_by text,
  check ((kind = 'charge') = (gross is not null)),
  check ((gross is null) = (currency is null) and (gross is null) = (vat is null))
);
create index manual_fee_order on manual_fee (order_id);
comment on table manual_fee is 'Waivers and manual charges of orders. Written by fees waive and fees charge; one that is taken back keeps its row.';

grant select on manual_fee to midline_ingest, midline_operator;
grant insert, update (revoked_at, revoked_by) on manual_fee to midline_operator;
