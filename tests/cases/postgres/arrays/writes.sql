UPDATE t SET i = {'{}'|'{1,NULL}'|'[0:0]={1}'|NULL}, t = {ARRAY[NULL]::text[]|ARRAY['NULL']|ARRAY['']|NULL} WHERE id = {1..204};
UPDATE t SET i[9] = {n}, k = {'[2:2][3:3]={{7}}'|'{{7}}'} WHERE id = {1..204};
UPDATE t SET m = array_append(m, {'sad'|'ok'|NULL}), n = {'{1.0}'|'{1.00}'} WHERE id = {1..204} AND coalesce(cardinality(m), 0) < 20;
INSERT INTO t (id, t, j) VALUES (1000 + {n}, ARRAY['a{n}', 'b'], ARRAY[{n}, NULL]);
DELETE FROM t WHERE id = {1..204};
