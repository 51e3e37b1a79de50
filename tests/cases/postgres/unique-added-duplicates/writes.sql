UPDATE t SET n = n + 1 WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 'new{n}@example.org', 0);
