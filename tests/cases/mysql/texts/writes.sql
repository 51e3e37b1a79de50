UPDATE t SET c = {'a'|'😀'|''|NULL|'a b '}, v = {'trailing  '|'😀  '|''|'x\0'} WHERE id = {1..154};
UPDATE t SET tt = {' '|''|NULL|'\\'}, tx = REPEAT('漢', {0..500}), mt = REPEAT('x', {0..5000}), lt = {NULL|''|'\n'} WHERE id = {1..154};
INSERT INTO t VALUES (1000 + {n}, '{n}', '{n} ', '{n}', '{n}', '{n}', '{n}');
DELETE FROM t WHERE id = {5..154};
