INSERT INTO t (old, v) VALUES (1, 2), (3, 4);
