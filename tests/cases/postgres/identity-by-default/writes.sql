INSERT INTO t (v) VALUES ({n});
INSERT INTO t VALUES (100000 + {n}, {n});
UPDATE t SET v = v + 1 WHERE id = {1..150} - 50;
DELETE FROM t WHERE id = {1..150} - 50;
