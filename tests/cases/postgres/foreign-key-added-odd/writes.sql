UPDATE t SET a = {1..50}, b = NULL WHERE id = {1..150};
UPDATE t SET a = NULL, b = 'nothing' WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, {1..50}, NULL);
DELETE FROM t WHERE id = {1..150};
