UPDATE t SET e = {'red'|'green'|'blue'|NULL}, s = {''|'a'|'b,c'|'a,c'|NULL} WHERE id = {1..153};
INSERT INTO t VALUES (1000 + {n}, 'green', 'c');
DELETE FROM t WHERE id = {4..153};
