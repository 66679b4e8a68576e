-- Raw source topics: ingest maps what a source sends to its own topic, by the map that was applied last.

create table source_map (
  source text primary key,
  text text not null,
  hash text not null,
  applied_at timestamptz not null
);
comment on table source_map is 'The map of each applied source as its file says it, by which ingest maps the raw topic source.<id>; hash tells when it changed. Written by sources apply.';

-- Raw messages leave no row of their own to recognise them by: the fence remembers the last one instead.
alter table consumer_offset add column last_offset bigint, add column last_digest text;
comment on column consumer_offset.last_digest is 'Of raw topics: hash of the message at last_offset, the last one that was settled. Another message there means that the topic was re-created.';
