-- Which model ingest weighs by: a model of one's own, learned from one's own customers, is used by every process from one batch to the next.

create table match_model (
  id bigint generated always as identity primary key,
  model jsonb,
  hash text,
  reason text not null,
  actor text not null,
  used_from timestamptz not null
);
comment on table match_model is 'One row each time somebody said which model is used; the newest counts, null is the one that midline ships. hash names it in decisions. Written by match use.';

grant select on match_model to midline_ingest, midline_operator;
grant insert on match_model to midline_operator;
