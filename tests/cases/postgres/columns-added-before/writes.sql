UPDATE t SET v = v + 1 WHERE id = {1..150};
UPDATE t SET m2 = NULL, m3 = DEFAULT WHERE id = {1..150};
INSERT INTO t (id, v, m1) VALUES (1000 + {n}, {n}, 1);
DELETE FROM t WHERE id = {1..150};
