UPDATE t SET v = v + 1 WHERE id = {1..200} - 250;
UPDATE t SET id = -id WHERE id = {1..200} - 250;
INSERT INTO t VALUES (9000000000 + {n}, {n});
DELETE FROM t WHERE id = {1..200} - 250;
