UPDATE t SET t = {''|NULL|'😀'|'a'|'a '}, v = {'v'|'v '|NULL} WHERE id = {1..205};
UPDATE t SET c = {'c'|''|'漢字漢字漢字'}, n = {'N'|'n '}, q = {'x'|''}, kept = {'NULL'|''} WHERE id = {1..205};
INSERT INTO t (id, t, c, bare) VALUES (1000 + {n}, 'neu 😀 {n}', '{n}', '');
DELETE FROM t WHERE id = {1..205};
UPDATE t SET id = id + 100000 WHERE id = {1..205};
