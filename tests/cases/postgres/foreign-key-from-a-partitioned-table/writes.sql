UPDATE t SET v = v + 1 WHERE id = {1..150};
INSERT INTO c VALUES (1000 + {n}, {1..15});
DELETE FROM t WHERE id = {16..150};
INSERT INTO t VALUES (1000 + {n}, {n});
