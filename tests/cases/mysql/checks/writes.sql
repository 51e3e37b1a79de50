UPDATE t SET a = {0..1000} WHERE id = {1..150};
INSERT INTO t (id, a, b) VALUES (1000 + {n}, {n}, NULL);
DELETE FROM t WHERE id = {1..150};
