UPDATE t SET v = v + 1 WHERE name IN ('', ' ', 'it''s', E'a\\b\\', 'NULL', '😀', E'tab\tline\n', '{a,b}', '$1 %s');
UPDATE t SET name = upper(name) WHERE name = 'key {1..150}';
UPDATE t SET name = name || '''' WHERE name = 'key {1..150}';
INSERT INTO t VALUES (E'neu ''{n}\\', {n});
DELETE FROM t WHERE name IN ('key {1..150}', 'KEY {1..150}');
BEGIN;
DELETE FROM t WHERE name = '';
INSERT INTO t VALUES ('', {n});
COMMIT;
