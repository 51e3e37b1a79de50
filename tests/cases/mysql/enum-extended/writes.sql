UPDATE t SET e = {'red'|'green'|'blue'}, s = {''|'a'|'b,c'|NULL} WHERE id = {1..153};
UPDATE t SET l = {'é'|'ü'|NULL} WHERE id = {1..153};
INSERT INTO t VALUES (1000 + {n}, 'green', 'c', 'ü');
DELETE FROM t WHERE id = {4..153};
