CREATE TABLE t (id int PRIMARY KEY, a int, b int NOT NULL, e int, f int CONSTRAINT u_f UNIQUE, g int);
-- repeat 150
INSERT INTO t VALUES ({n}, {n}, {n}, {n}, {n}, {n});
