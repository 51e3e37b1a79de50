CREATE TABLE t (id int PRIMARY KEY, v int);
-- repeat 200
INSERT INTO t VALUES ({n}, {n});
