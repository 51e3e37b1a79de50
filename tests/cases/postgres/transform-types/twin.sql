ALTER TABLE t ADD total numeric(12, 2), ADD day date, ADD tags text[];
UPDATE t SET total = price * n, day = (at AT TIME ZONE 'UTC')::date, tags = string_to_array(doc ->> 1, 'a');
ALTER TABLE t ALTER n TYPE text USING '#' || n;
