UPDATE t SET n = {1..9}, price = {0.333|NULL|100} WHERE id = {1..150};
UPDATE t SET at = {'infinity'|NULL|'2024-01-01 00:00+14'}, doc = {'[]'|'["x"]'} WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, {n}, 1, NULL, '[]');
DELETE FROM t WHERE id = {1..150};
