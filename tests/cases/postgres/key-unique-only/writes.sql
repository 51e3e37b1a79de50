UPDATE t SET v = v + 1 WHERE name = 'a{1..200}';
UPDATE t SET n = 3 - n WHERE name = 'a{1..200}';
UPDATE t SET name = 'b{n}' WHERE name = 'a{1..200}';
INSERT INTO t VALUES ({n}, 'new', {n}, NULL);
DELETE FROM t WHERE name = 'a{1..200}';
