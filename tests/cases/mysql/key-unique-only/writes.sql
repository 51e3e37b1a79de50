UPDATE t SET v = v + 1000 WHERE c = {1..150};
UPDATE t SET b = CONCAT(b, 'x') WHERE c = {1..150};
UPDATE t SET c = c + 1000000 WHERE c = {1..150};
INSERT INTO t (a, b, c, v) VALUES ({n}, 'n{n}', 1000 + {n}, 0);
DELETE FROM t WHERE c = {1..150};
