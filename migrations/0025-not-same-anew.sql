-- That two customers are two can be decided anew: the audit log keeps what was said before.
grant delete on customer_not_same to midline_operator;
comment on table customer_not_same is 'Pairs of customers of whom a person said that they are two: merging them is refused, unless that is decided anew. Written by match reject; deleted by match accept --replace and customers merge --replace.';
