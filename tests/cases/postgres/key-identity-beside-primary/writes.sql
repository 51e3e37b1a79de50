UPDATE t SET v = v + 1 WHERE id = {1..200};
UPDATE t SET id = id + 100000 WHERE code = 'c{1..200}';
UPDATE t SET code = 'd{n}' WHERE id = {1..200};
INSERT INTO t VALUES (1000 + {n}, 'n{n}', {n});
DELETE FROM t WHERE code = 'c{1..200}';
