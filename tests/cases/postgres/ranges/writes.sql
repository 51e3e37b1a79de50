UPDATE t SET i = {'empty'|'[1,2]'|'(1,)'|NULL}, n = {'[1.0,2]'|'[1.00,2.0]'|'empty'} WHERE id = {1..204};
UPDATE t SET s = {'(,2024-01-01)'|'empty'|'[2024-01-01,2024-01-02]'}, m = {'{}'|'{[1,2),[2,3)}'|NULL}, f = {'(-0,1)'|'(0,1)'} WHERE id = {1..204};
INSERT INTO t (id, i, m) VALUES (1000 + {n}, int4range({n}, {n} + 5), int4multirange(int4range({n}, {n} + 5)));
DELETE FROM t WHERE id = {1..204};
