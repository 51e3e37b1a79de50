UPDATE t SET a = a + 1, b = 'ü', c = '{a|b}' WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 0, NULL, NULL, NULL);
DELETE FROM t WHERE id = {1..150};
