INSERT INTO t VALUES (1000 + {n}, 'GRÖßE', 'y,x');
UPDATE t SET a = {'x '|'X'|'größe  '|NULL}, b = {'x,y'|''|NULL|'X'} WHERE id IN ({1..60}, {1..60}, {1..60});
DELETE FROM t WHERE id = {1..60};
