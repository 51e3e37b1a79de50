UPDATE t SET v = v + 1 WHERE id = {1..150};
UPDATE t SET k = CONCAT('ü', k) WHERE id = {1..50};
INSERT INTO t (id, k, v) VALUES (1000 + {n}, '', 0);
DELETE FROM t WHERE id = {1..150};
