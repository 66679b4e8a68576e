-- What a customer may ask for: to be forgotten. Events are kept without whoever was erased, for fold, fees and counts go on to need them; the customer stays as an empty row, so that links do not dangle.

alter table customer add column erased_at timestamptz;
comment on column customer.erased_at is 'Nothing is kept of the customer since then but the row itself. Set by customers erase.';

-- Not validated on purpose: every row satisfied the narrower list, and nobody has to wait while that is read once more.
alter table booking_event drop constraint booking_event_wire_form_check;
alter table booking_event add constraint booking_event_wire_form_check check (wire_form in ('plain', 'encrypted', 'stripped', 'hash', 'erased', 'erased-encrypted')) not valid;

-- Whoever erases reads bytes, so this is the sensitive role's, beside the operator's. The audit log keeps who did what; only details that name an erased customer are emptied.
grant delete on customer_consent, customer_event, customer_message_key, customer_deactivation, identity_claim, customer_case to midline_sensitive;
grant select, update (evidence) on customer_link to midline_sensitive;
grant select, update (reason, undone_reason) on customer_merge to midline_sensitive;
grant select, update (reason) on customer_not_same to midline_sensitive;
grant select, update (details) on audit_log to midline_sensitive;
grant select, update (state, reason, updated_at) on message to midline_sensitive;
grant select, update (reason, key, value, headers, state, note, updated_at) on dead_letter to midline_sensitive;
