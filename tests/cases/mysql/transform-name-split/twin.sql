ALTER TABLE t ADD first_name VARCHAR(50) NOT NULL DEFAULT '', ADD last_name VARCHAR(50);
UPDATE t SET first_name = SUBSTRING_INDEX(name, ' ', 1), last_name = IF(LOCATE(' ', name) = 0, NULL, SUBSTRING(name, LOCATE(' ', name) + 1));
ALTER TABLE t DROP COLUMN name;
