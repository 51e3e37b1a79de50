ALTER TABLE t ADD total numeric(12, 2), ADD day date, ADD tags text[];
UPDATE t SET total = price * n, day = (at AT TIME ZONE 'UTC')::date, tags = ARRAY(SELECT jsonb_array_elements_text(doc) ORDER BY 1);
ALTER TABLE t ALTER n TYPE text USING '#' || n;
