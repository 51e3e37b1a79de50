UPDATE t SET a = {1..1000} WHERE id = {1..150};
INSERT INTO t (id, a) VALUES (1000 + {n}, {n});
DELETE FROM t WHERE id = {1..150};
