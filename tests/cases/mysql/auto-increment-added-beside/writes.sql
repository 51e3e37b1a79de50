UPDATE t SET v = v + 1 WHERE id = {1..150};
INSERT INTO t (id, v) VALUES (1000 + {n}, 0);
DELETE FROM t WHERE id = {1..150};
