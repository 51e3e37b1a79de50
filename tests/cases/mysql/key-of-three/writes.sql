UPDATE t SET v = v + 1 WHERE a = {1..150};
UPDATE t SET b = '{x|X|ü|)}' WHERE a = {1..150};
UPDATE t SET a = a + 1000000 WHERE a = {1..150};
INSERT INTO t (v, c, a, b) VALUES (0, '2024-01-01', 1000 + {n}, 'new');
DELETE FROM t WHERE a = {1..150};
