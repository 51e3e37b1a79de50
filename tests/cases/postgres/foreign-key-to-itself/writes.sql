UPDATE t SET v = v + 1 WHERE id = {1..150};
UPDATE t SET up = {1..10} WHERE id = {11..150};
UPDATE t SET id = id + 100000 WHERE id = {11..150};
INSERT INTO t VALUES (1000 + {n}, {NULL|5|6}, {n});
DELETE FROM t WHERE id = {50..150};
