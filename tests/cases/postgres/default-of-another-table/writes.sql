INSERT INTO other (n) VALUES ({n});
INSERT INTO t VALUES (1000 + {n}, {n});
DELETE FROM t WHERE id = {1..150};
