UPDATE t SET v = v + 1 WHERE id = {1..150};
UPDATE t SET tenant = {1..3} WHERE id = {1..150};
UPDATE t SET id = id + 100000 WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 1, 0);
DELETE FROM t WHERE id = {1..150};
