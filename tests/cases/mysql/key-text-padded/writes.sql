UPDATE t SET name = CONCAT(TRIM(name), '{ |  }') WHERE name = 'key{1..150}';
UPDATE t SET v = v + 1 WHERE name IN ('', 'a', 'tab\t', 'U');
INSERT INTO t (name, v) VALUES ('new{n} ', 1);
DELETE FROM t WHERE name = 'key{1..150}     ';
BEGIN;
DELETE FROM t WHERE name = 'a';
INSERT INTO t (name, v) VALUES ('{A |a|á  }', 7);
COMMIT;
