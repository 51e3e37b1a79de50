CREATE TABLE t (id int PRIMARY KEY, a int CONSTRAINT u_old UNIQUE, b int);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, 0);
