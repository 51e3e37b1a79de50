UPDATE t SET v = v + 1 WHERE name = 'N{1..150}';
UPDATE t SET name = UPPER(name) WHERE name = 'n{1..150}';
INSERT INTO t (name, v) VALUES ('new{n}', 0);
BEGIN;
UPDATE t SET place = NULL WHERE place = 5;
UPDATE t SET place = 5 WHERE place = 6;
UPDATE t SET place = 6 WHERE place IS NULL AND name LIKE 'n%' AND v < 1000 AND name NOT LIKE 'new%' LIMIT 1;
COMMIT;
