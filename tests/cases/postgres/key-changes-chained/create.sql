CREATE TABLE t (id int PRIMARY KEY, v int);
-- repeat 150
INSERT INTO t VALUES ({n}, {n});
