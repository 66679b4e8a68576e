-- A file of a million customers whose import was broken off goes on where it was.
create table customer_import (
  digest text primary key,
  file text not null,
  landed_to integer not null,
  actor text not null,
  started_at timestamptz not null
);
comment on table customer_import is 'Imports that have not come to their end: of each file (digest of its bytes, its map and the options) the line up to which its rows have landed. Written by customers import with each batch, deleted at the end.';

grant select, insert, update, delete on customer_import to midline_operator;
