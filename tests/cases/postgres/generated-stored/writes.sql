UPDATE t SET a = a + 1, b = {NULL|7} WHERE id = {1..150};
INSERT INTO t (id, a, b) VALUES (1000 + {n}, {n}, {n});
UPDATE t SET id = id + 100000 WHERE id = {1..150};
DELETE FROM t WHERE id = {1..150};
