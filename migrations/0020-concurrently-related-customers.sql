-- Who works for a company or stands below it is asked when a fact of the company changes and when its hierarchy is shown: without an index that reads every relation there is.
drop index concurrently if exists customer_relation_related;
create index concurrently customer_relation_related on customer_relation (related_id);
