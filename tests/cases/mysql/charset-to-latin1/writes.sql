UPDATE t SET v = {'ö'|'x '|NULL}, tx = CONCAT(tx, '€') WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 'ç', NULL);
DELETE FROM t WHERE id = {1..150};
