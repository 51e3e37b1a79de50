INSERT INTO t VALUES (1000 + {n}, '', '12:13:14.5');
UPDATE t SET a = {NULL|''|'12:13:14'}, b = {NULL|''} WHERE id = {1..60};
DELETE FROM t WHERE id = {1..60};
