UPDATE t SET a = '{1..99}', b = 'infinity', c = '01.01.1999' WHERE id = {1..200};
UPDATE t SET d = {0.125|2.675|1e7|-0.005}, e = {'yes'|''|NULL}, f = {''|NULL|','} WHERE id = {1..200};
UPDATE t SET g = {1..9}, h = {0.000001|86400|NULL} WHERE id = {1..200};
INSERT INTO t (id, a) VALUES (1000 + {n}, '{n}');
DELETE FROM t WHERE id = {1..200};
