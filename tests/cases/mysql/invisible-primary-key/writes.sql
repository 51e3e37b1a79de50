UPDATE t SET b = CONCAT(b, 'x') WHERE a = {1..50};
INSERT INTO t (a, b) VALUES (1000 + {n}, 'new');
DELETE FROM t WHERE a = {51..150};
