UPDATE t SET v = REPEAT('y', {0..500}) WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, '');
DELETE FROM t WHERE id = {1..150};
