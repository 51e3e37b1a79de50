INSERT INTO t VALUES (1000 + {n}, {n});
INSERT INTO child VALUES (1000 + {n}, {n});
