UPDATE t SET x1 = {'<n>1</n>'|'a<b/>'|''|NULL}, c = {'<n >1</n>'|'pieces <b/> of'} WHERE id = {1..154};
INSERT INTO t VALUES (1000 + {n}, '<n>{n}</n>', '<m/>');
DELETE FROM t WHERE id = {1..154};
UPDATE t SET id = id + 100000 WHERE id = {1..154};
