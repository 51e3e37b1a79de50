INSERT INTO t (id, c3, c6, c7) VALUES (9001, 'c3', 'c6', 1);
