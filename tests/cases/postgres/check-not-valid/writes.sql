UPDATE t SET w = w + 1 WHERE id = {1..150} AND v > 0;
UPDATE t SET w = w + 1 WHERE id = {1..150};
UPDATE t SET v = {1..9} WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, {n}, 0);
DELETE FROM t WHERE id = {1..150};
