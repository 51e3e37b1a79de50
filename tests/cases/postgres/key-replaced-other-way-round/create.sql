CREATE TABLE t (id int PRIMARY KEY, tenant int NOT NULL, v int);
-- repeat 150
INSERT INTO t VALUES ({n}, {1..9}, {n});
