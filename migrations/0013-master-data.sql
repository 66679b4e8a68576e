-- What a travel company keeps of its customers beyond who they are: how they live, what they like, whom they belong to, and of each contact point what it is worth.
-- profile is said and replaced as a whole with the party; contact points and ties are derived from it, so that they can be asked for.

alter table customer add column profile jsonb not null default '{}';
alter table customer add column since jsonb not null default '{}';
create index customer_profile on customer using gin (profile jsonb_path_ops) where profile <> '{}';
comment on column customer.profile is 'Marital status, debitor number, interests, hobbies, wishes, destinations and accommodation liked, contact points with label, ties, mailing block: as the master data says it. No special-category data. Written by customers import and ingest.';
comment on column customer.since is 'Field of party or profile to the day on which the master data last said something else of it; one that is missing is as old as the customer. Written by customers import and ingest.';

alter table customer_contact add column label text;
alter table customer_contact add column source text;
alter table customer_contact add column consent_hint text;
alter table customer_contact add column undeliverable_at timestamptz;
alter table customer_contact add column undeliverable_reason text;
comment on column customer_contact.source is 'System of the master data that says it; null of what bookings have shown (origin is their source).';
comment on column customer_contact.consent_hint is 'What the source noted about being allowed to write there; a hint for people, no consent.';

create table customer_tie (
  customer_id bigint not null,
  type text not null check (type in ('family', 'agency', 'branch', 'mediator')),
  kind text not null check (kind in ('external', 'external-company')),
  value text not null,
  role text,
  primary key (customer_id, type, kind, value)
);
create index customer_tie_other on customer_tie (kind, value);
comment on table customer_tie is 'Whom a customer belongs to besides its company, by the key of the other one, who may be unknown yet: family (role: spouse, child, …), agency, branch, mediator. Nothing is rated by it. Written by customers import and ingest.';

grant select, insert, update (role), delete on customer_tie to midline_ingest, midline_operator;
grant update (label, source, verified, consent_hint) on customer_contact to midline_ingest;
