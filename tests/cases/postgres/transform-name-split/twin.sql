ALTER TABLE t ADD first_name text NOT NULL DEFAULT '', ADD last_name varchar(50);
UPDATE t SET first_name = split_part(name, ' ', 1), last_name = nullif(substring(name from position(' ' in name || ' ') + 1), '');
ALTER TABLE t DROP COLUMN name;
