UPDATE t SET w = w + 1, v = -v WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, -1, 0);
DELETE FROM t WHERE id = {1..150};
