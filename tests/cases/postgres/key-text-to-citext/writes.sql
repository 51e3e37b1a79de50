UPDATE t SET name = upper(name) WHERE lower(name) = 'key {1..200}';
UPDATE t SET v = v + 1 WHERE name = 'key {1..200}';
INSERT INTO t VALUES ('New {n}', 1);
DELETE FROM t WHERE name = 'KEY {1..200}';
