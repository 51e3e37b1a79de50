UPDATE t SET i = {'1 mon'|'30 days'|'720:00'|'1 day'|'24:00'|NULL} WHERE id = {1..205};
UPDATE t SET p = {'0.005 s'|'-0.005 s'|'1 mon -30 days'}, f = {'3 mons'|'1 year'} WHERE id = {1..205};
INSERT INTO t VALUES (1000 + {n}, '{n} s', '{n}.{1..99} s');
DELETE FROM t WHERE id = {1..205};
UPDATE t SET id = id + 100000 WHERE id = {1..205};
