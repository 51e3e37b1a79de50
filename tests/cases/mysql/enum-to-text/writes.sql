UPDATE t SET e = {'red'|'é'|NULL}, s = {'a,c'|''|NULL} WHERE id = {1..150};
UPDATE t SET te = {'red'|'Ö'|NULL}, ts = {'c,a'|''|NULL|'B'} WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 'green', 'b', 'green', 'b');
DELETE FROM t WHERE id = {1..150};
