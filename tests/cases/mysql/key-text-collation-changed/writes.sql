UPDATE t SET v = v + 1 WHERE name LIKE '%{1..150}';
INSERT INTO t VALUES ('new{n}', 1);
DELETE FROM t WHERE name = '{Ä|ö|x}{1..150}';
UPDATE t SET name = REPLACE(name, 'x', 'Ä') WHERE name = 'x{1..150}';
