UPDATE t SET v = {'ö'|'x '|NULL} WHERE id = {1..100};
INSERT INTO t VALUES (1000 + {n}, 'ç');
