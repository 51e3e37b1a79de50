UPDATE t SET v = v + 1, s = '' WHERE id = {1..150};
INSERT INTO t (id, v, s) VALUES (1000 + {n}, 0, 'x');
DELETE FROM t WHERE id = {1..150};
