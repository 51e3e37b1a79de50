UPDATE t SET i = '{0..999}', d = {NULL|'-0.01'}, f = {'1e300'|NULL|'0.1'}, dt = {NULL|'2024-02-29 01:02:03.4'}, tm = {'838:59:59'|NULL} WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, '{n}', '{n}', '{n}', NULL, NULL, NULL);
DELETE FROM t WHERE id = {1..150};
