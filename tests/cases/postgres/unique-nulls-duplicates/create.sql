CREATE TABLE t (id int PRIMARY KEY, a int, v int);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, 0);
INSERT INTO t VALUES (201, NULL, 0), (202, NULL, 0);
