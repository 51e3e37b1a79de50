INSERT INTO t VALUES (1000 + {n}, 1, 2);
UPDATE t SET a = {NULL|1|2|3}, b = {NULL|1|2} WHERE id = {1..60};
DELETE FROM t WHERE id = {1..60};
