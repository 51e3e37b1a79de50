UPDATE t SET v = v + 1 WHERE id IN ({1..100}, {1..100}, {1..100});
UPDATE t SET id = 100000 + {n} WHERE id = {1..100};
INSERT INTO t VALUES (1000 + {n}, 0);
DELETE FROM t WHERE id = {1..100};
