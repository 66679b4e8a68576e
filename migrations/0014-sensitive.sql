-- What a traveller needs because of health or faith (GDPR, art. 9): apart from everything else, so that a role of its own may read it and nobody else, and sealed, so that a copy of the database tells nothing.

create table customer_sensitive (
  id bigint generated always as identity primary key,
  customer_id bigint not null,
  kind text not null check (kind in ('allergy', 'diet', 'accessibility', 'medical')),
  sealed bytea not null,
  key_id text not null,
  source text not null,
  consent_at timestamptz not null,
  noted_at timestamptz not null,
  noted_by text not null
);
create index customer_sensitive_customer on customer_sensitive (customer_id);
comment on table customer_sensitive is 'Special-category data of customers, only with their explicit consent. sealed: text and proof of consent, AES-256-GCM, bound to customer and kind; key_id: of the key. Withdrawn consent deletes the row. Written by customers sensitive.';

grant select, insert, update (sealed, key_id), delete on customer_sensitive to midline_sensitive;
