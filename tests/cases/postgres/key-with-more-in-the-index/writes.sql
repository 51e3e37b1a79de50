UPDATE t SET v = v + 1, w = {NULL|'x'} WHERE id = {1..200};
UPDATE t SET id = id + 100000 WHERE id = {1..200};
INSERT INTO t VALUES (1000 + {n}, {n}, NULL);
DELETE FROM t WHERE id = {1..200};
