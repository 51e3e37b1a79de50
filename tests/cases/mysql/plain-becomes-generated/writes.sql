UPDATE t SET a = a + 1 WHERE id = {1..150};
INSERT INTO t (id, a) VALUES (1000 + {n}, {n});
DELETE FROM t WHERE id = {1..150};
