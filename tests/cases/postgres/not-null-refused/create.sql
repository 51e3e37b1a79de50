CREATE TABLE t (id int PRIMARY KEY, v int, w int);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, 0);
INSERT INTO t VALUES (777, NULL, 0);
