UPDATE t SET b = b + 1, a = a + 100000 WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, -{n}, 0);
DELETE FROM t WHERE id = {1..150};
