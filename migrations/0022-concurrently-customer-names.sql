-- Whoever looks for a customer by name writes Müller, Mueller or MULLER: all of them are one word here, as in matching, and a million customers are found by an index.
create or replace function name_words(name text) returns text[] language sql immutable strict parallel safe return
  array_remove(regexp_split_to_array(
    regexp_replace(
      replace(replace(replace(replace(replace(translate(lower(regexp_replace(normalize(replace(name, '´', ''''), NFKD), '[\u0300-\u036f]', '', 'g')), 'ØøŁłĐđÐðĦħŦŧıĸÆŒÞŊẞ', 'oollddddhhttiqæœþŋß'), 'ß', 'ss'), 'ŋ', 'ng'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
      '([aou])e|[''`’ʼ·]', '\1', 'g'),
    '[^a-z0-9\u00c0-\u1fff\u2070-\U0010ffff]+'), '');
comment on function name_words is 'The words of a name as they are looked for: without accents, ae/oe/ue as a/o/u. As wordsOf of workers/domain/match/names.ts folds them, but letters of other scripts stay.';
create or replace function customer_name_words(party jsonb) returns tsvector language sql immutable strict parallel safe return
  array_to_tsvector(name_words(coalesce(party->>'givenName', '') || ' ' || coalesce(party->>'familyName', '') || ' ' || coalesce(party->>'fullName', '') || ' ' || coalesce(party->>'companyName', '')));
drop index concurrently if exists customer_name;
create index concurrently customer_name on customer using gin (customer_name_words(party));
