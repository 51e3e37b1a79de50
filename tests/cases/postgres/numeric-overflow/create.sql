CREATE TABLE t (id int PRIMARY KEY, v numeric, s int);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}.55, {n});
INSERT INTO t VALUES (777, 1000, 1);
