UPDATE t SET d = d + 1 WHERE a = {1..150};
UPDATE t SET b = CONCAT(b, 'x') WHERE a = {1..150};
UPDATE t SET a = a + 100000 WHERE a = {1..150};
INSERT INTO t (a, b) VALUES (1000 + {n}, 'new');
DELETE FROM t WHERE a = {1..150};
