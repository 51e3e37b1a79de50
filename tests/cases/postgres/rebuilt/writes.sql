UPDATE t SET v = v + 1 WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, {n}, NULL);
DELETE FROM t WHERE id = {1..150};
UPDATE t SET id = id + 100000 WHERE id = {1..150};
