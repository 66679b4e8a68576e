-- Who lifts a mailing block, or says that a contact point reaches somebody again, has a reason, too; the next one who looks wants to know it.

alter table customer_mailing_block add column lifted_at timestamptz;
alter table customer_mailing_block add column lifted_by text;
alter table customer_mailing_block add column lifted_reason text;
comment on column customer_mailing_block.lifted_at is 'The block holds no more since then: people lifted what people had set. What the master data says is deleted when it says so no more. Set by customers unblock-mail.';

alter table customer_contact add column deliverable_at timestamptz;
alter table customer_contact add column deliverable_reason text;
comment on column customer_contact.deliverable_at is 'When somebody last said that the contact point reaches somebody after all; undeliverable_at counts where it is set. Set by customers deliverable.';
