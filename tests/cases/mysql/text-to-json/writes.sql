UPDATE t SET j = {'[]'|NULL|'  [1,2 , 3]  '|'"text"'|'18446744073709551615'|'1.10'} WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, '[{n}]');
DELETE FROM t WHERE id = {1..150};
