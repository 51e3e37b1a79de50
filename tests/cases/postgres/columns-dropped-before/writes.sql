UPDATE t SET a = a + 1, b = b || 'x', d = d * 1.0 WHERE id = {1..150} AND scale(d) < 100;
UPDATE t SET e = {NULL|1}, f = {NULL|7} WHERE id = {0..150};
INSERT INTO t (id, a, e) VALUES (1000 + {n}, {n}, {n});
DELETE FROM t WHERE id = {1..150};
UPDATE t SET id = id + 100000 WHERE id = {1..150};
