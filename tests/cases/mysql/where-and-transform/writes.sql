UPDATE t SET v = {0..100} WHERE name = 'N{1..150}';
INSERT INTO t VALUES ('new{n}', {0..100});
DELETE FROM t WHERE name = 'n{1..150}';
