UPDATE t SET c = CONCAT(c, 'x') WHERE id = {1..150};
UPDATE t SET a = a + 1, b = b - 1, f = 0 WHERE id = {1..150};
INSERT INTO t (id, a, c) VALUES (1000 + {n}, {n}, 'new');
UPDATE t SET id = id + 100000 WHERE id = {1..150};
DELETE FROM t WHERE id = {1..150};
