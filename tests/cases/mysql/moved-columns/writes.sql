UPDATE t SET a = a + 1, b = b + 2, c = c + 3 WHERE id = {1..150};
INSERT INTO t (id, a, b, c) VALUES (1000 + {n}, 4, 5, 6);
DELETE FROM t WHERE id = {1..150};
