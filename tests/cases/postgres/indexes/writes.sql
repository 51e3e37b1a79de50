UPDATE t SET n = n + 1000, name = {NULL|'b'|'only too'} WHERE id = {1..150} AND n < 1000000;
UPDATE t SET doc = doc || '{"k": 1}', words = 'x', p = NULL WHERE id = {1..150};
INSERT INTO t (id, n, name) VALUES (1000 + {n}, {n}, 'new {n}');
DELETE FROM t WHERE id = {1..150};
UPDATE t SET id = id + 100000 WHERE id = {1..150};
