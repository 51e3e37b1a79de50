UPDATE t SET v = v + 1 WHERE b = {1..150};
UPDATE t SET a = a + 1 WHERE b = {1..150};
INSERT INTO t (a, b, v) VALUES ({-5..5}, 1000 + {n}, 0);
DELETE FROM t WHERE b = {1..150};
