UPDATE t SET a = {1..99} WHERE id = {1..150};
INSERT INTO t (id, a, b) VALUES (1000 + {n}, 1, {n});
DELETE FROM t WHERE id = {1..150};
