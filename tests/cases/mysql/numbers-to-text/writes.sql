UPDATE t SET i = {0..999}, d = {NULL|-0.001}, f = {1e300|-0.0e0|NULL|0.1e0}, dt = {NULL|'2024-02-29'}, y = {2000|NULL} WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, {n}, {n}, {n}, NOW(3), 1999, 'x');
DELETE FROM t WHERE id = {1..150};
