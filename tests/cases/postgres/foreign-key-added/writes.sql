UPDATE t SET v = {1..50}, w = {1..50} WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, {1..50}, NULL, NULL);
DELETE FROM t WHERE id = {1..150};
