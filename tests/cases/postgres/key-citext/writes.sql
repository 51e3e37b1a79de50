UPDATE t SET name = upper(name) WHERE name = 'key {1..200}';
UPDATE t SET name = lower(name), v = v + 1 WHERE name = 'KEY {1..200}';
UPDATE t SET name = {'o''neil'|'O''NEIL'|'O''Neil'}, v = v + 1 WHERE name = 'o''neil';
INSERT INTO t VALUES ('New {n}', 1);
DELETE FROM t WHERE name = 'kEy {1..200}';
BEGIN;
DELETE FROM t WHERE name = 'null';
INSERT INTO t VALUES ('{NULL|Null|null}', {n});
COMMIT;
