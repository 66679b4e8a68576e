-- What a restore of the database leaves to be known; and a role for each process, with what its SQL does and nothing more; login users are made members (docs/operating.md). Nobody but the owner, who migrates, may alter.
-- Roles belong to the whole cluster: another database, also one that is migrated at this moment, may have made them.

create table restore (
  id bigint generated always as identity primary key,
  lost_at timestamptz not null,
  revision_base bigint not null,
  noted_at timestamptz not null,
  actor text not null
);
comment on table restore is 'One row each time the database was brought back to an earlier state: until when the lost one may have sent messages, and above what revisions of orders go on. Written by restored.';

do $$
declare
  wanted constant text[] := array['midline_ingest', 'midline_relay', 'midline_outreach', 'midline_operator', 'midline_sensitive'];
  missing text[];
  role text;
begin
  select array_agg(w order by w) into missing from unnest(wanted) as w where not exists (select from pg_roles where rolname = w);
  foreach role in array coalesce(missing, '{}') loop
    begin
      execute format('create role %I nologin', role);
    exception
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then
        raise exception using errcode = 'insufficient_privilege', message = format(
          'the roles %s are missing, and %s may not create roles: let an administrator run "%s", then run midline migrate again',
          array_to_string(missing, ', '), current_user, (select string_agg(format('create role %I', m), '; ') from unnest(missing) as m));
    end;
  end loop;
end $$;

revoke create on schema public from public;
grant usage on schema public to midline_ingest, midline_relay, midline_outreach, midline_operator, midline_sensitive;

-- Every process looks whether it fits to the schema, and says that it lives.
grant select on knex_migrations to midline_ingest, midline_relay, midline_outreach, midline_operator;
grant select, insert, update, delete on worker_status to midline_ingest, midline_relay, midline_outreach;

-- Ingest: the fence, and the facts that rating and matching read.
grant select, insert, update on consumer_offset to midline_ingest;
grant insert on offset_gap to midline_ingest;
grant select on topic_epoch, org_unit, source_map, tax_code, fee_table_version, fee_assignment, trigger, restore, archive, archived_order to midline_ingest;
grant select, insert on source to midline_ingest;
-- The inbox and the ledger only grow; the history is read to fold again, encrypted or not.
grant select, insert on booking_event, fee_entry to midline_ingest;
grant select, insert, update on orders, order_item to midline_ingest;
grant insert on outbox to midline_ingest;
grant select (id), insert on message to midline_ingest;
-- Customers come with bookings and with customer events, and facts about them for the past make orders stale. A link is superseded, never taken back.
grant select, update on facts_version to midline_ingest;
grant select, insert, update, delete on rating_stale, customer_attribute, customer_relation to midline_ingest;
grant select, insert, update on customer, identity_claim, customer_event, customer_deactivation, customer_consent to midline_ingest;
grant select, insert on customer_message_key to midline_ingest;
grant select, insert, delete on customer_key to midline_ingest;
grant select, insert, update (origin), delete on customer_contact to midline_ingest;
grant select, insert, update (superseded_at) on customer_link to midline_ingest;
grant usage on sequence customer_id_seq to midline_ingest;
-- Bad messages are put down, and found again by offset or id; their bytes are not read.
grant select (id, topic, epoch, partition, "offset", state, attempts), insert, update (code, reason, key, value, headers, kafka_timestamp, state, attempts, relay, updated_at)
  on dead_letter to midline_ingest;

-- Relay: carries bytes and ids; it knows no booking and no customer.
grant select, delete, update (lane) on outbox to midline_relay;
grant select, update (relay) on dead_letter to midline_relay;
grant select (id, state, due_at, expires_at, enqueued, updated_at, claimed_until), update (state, reason, enqueued, updated_at) on message to midline_relay;

-- Outreach: claims messages and reads what a mail says.
grant select, update (state, reason, attempts, claim_token, claimed_until, provider_id, customer_id, due_at, updated_at) on message to midline_outreach;
grant select on trigger to midline_outreach;
grant select (id, source, booking_ref, status, link, state, customer_id) on orders to midline_outreach;
grant select (order_id, currency, gross) on fee_entry to midline_outreach;
grant select (id, root_id, party) on customer to midline_outreach;
grant select (customer_id, kind, value, verified, seen_at) on customer_contact to midline_outreach;

-- Operators: everything that the commands do, except to read bytes that may hold special-category data. Inbox, ledger and audit log only grow for them, too.
grant select on facts_version, source, source_map, org_unit, audit_log, customer, customer_event, customer_message_key, customer_deactivation, customer_consent, customer_key, customer_contact, customer_attribute, customer_relation, identity_claim, customer_link,
  orders, order_item, consumer_offset, topic_epoch, offset_gap, outbox, fee_table, fee_table_version, fee_assignment, tax_code, fee_entry, rating_stale,
  trigger, message, worker_status, restore, archive, archived_order to midline_operator;
grant select (source, event_id, order_id, type, occurred_at, received_at, wire_form), insert on booking_event to midline_operator;
grant select (id, topic, epoch, partition, "offset", code, reason, kafka_timestamp, state, attempts, note, relay, created_at, updated_at), insert, update on dead_letter to midline_operator;
grant insert on audit_log, fee_entry, outbox to midline_operator;
grant insert, update on archive to midline_operator;
grant insert, delete on archived_order to midline_operator;
grant update on facts_version, consumer_offset to midline_operator;
grant insert, update on source, source_map, org_unit, topic_epoch, identity_claim, customer, customer_event, customer_attribute, customer_relation, orders, order_item, fee_table, fee_table_version, fee_assignment, tax_code
  to midline_operator;
grant insert, delete on customer_key to midline_operator;
grant delete on customer_attribute, customer_relation to midline_operator;
grant insert, update, delete on customer_contact, rating_stale to midline_operator;
grant usage on sequence customer_id_seq to midline_operator;

-- The bytes of bookings and of bad messages: for an operator who folds, rates, looks into them, or archives them. Those that carry special-category data are encrypted; the key is not here.
grant select (wire), update (wire, wire_form) on booking_event to midline_sensitive;
grant select (key, value, headers) on dead_letter to midline_sensitive;
