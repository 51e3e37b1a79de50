INSERT INTO t VALUES (1000 + {n}, {n});
