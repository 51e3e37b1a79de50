CREATE TABLE t (id int PRIMARY KEY, a int, b int, CONSTRAINT u_b UNIQUE NULLS NOT DISTINCT (b));
-- repeat 150
INSERT INTO t VALUES ({n}, {NULL|1}, {n});
