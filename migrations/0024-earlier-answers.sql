-- A case that was opened again waits for an answer; the one that did not do stays to be read, and is not taken for the one that holds.

alter table customer_case add column earlier jsonb not null default '[]';
comment on column customer_case.earlier is 'Answers that the case was opened again after: [{ answer, at, by }], the oldest first; at and by (of its closing) are null of those from before this column. Written by customers case reopen.';

update customer_case set earlier = jsonb_build_array(jsonb_build_object('answer', answer, 'at', null, 'by', null)), answer = null where state = 'open' and answer is not null;
