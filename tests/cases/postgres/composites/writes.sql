UPDATE t SET p = {ROW(1, 'x')::pair|ROW(NULL, NULL)::pair|NULL}, kept = {ROW(NULL, '')::pair|ROW(NULL, NULL)::pair|NULL} WHERE id = {1..204};
UPDATE t SET n.n = {1.005|NULL}, n.p.b = '{n}' WHERE id = {1..204};
INSERT INTO t (id, p) VALUES (1000 + {n}, ROW({n}, 'é 😀'));
DELETE FROM t WHERE id = {1..204};
UPDATE t SET id = id + 100000 WHERE id = {1..204};
