UPDATE t SET v = v + 1 WHERE id = {1..150};
DELETE FROM p WHERE id = {100..300};
UPDATE p SET id = id + 1000 WHERE id = {2..99} AND NOT EXISTS (SELECT FROM t WHERE p.id IN (n, d));
UPDATE t SET n = NULL, d = DEFAULT, a = NULL, b = NULL WHERE id = {1..150};
INSERT INTO t (id, c, v) VALUES (1000 + {n}, {2..300}, {n});
DELETE FROM q WHERE a = {1..100};
UPDATE t SET c = {2..99} WHERE id = {1..150};
