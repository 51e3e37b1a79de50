CREATE TABLE t (id int PRIMARY KEY, v int, w int NOT NULL);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, {n});
