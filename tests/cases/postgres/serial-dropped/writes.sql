INSERT INTO t (v) VALUES ({n});
UPDATE t SET v = v + 1 WHERE id = {1..150};
DELETE FROM t WHERE id = {1..150};
