UPDATE t SET a = repeat('A', {1..9000}) WHERE id = {1..100};
UPDATE t SET n = n + 1, e = {NULL|'f'} WHERE id = {1..100};
INSERT INTO t (id, b) VALUES (1000 + {n}, repeat('{n}', 3000));
DELETE FROM t WHERE id = {1..100};
