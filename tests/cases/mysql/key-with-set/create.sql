CREATE TABLE t (id INT, s SET('a','b','größe','d') CHARACTER SET latin1, e ENUM('x','y'), v INT, PRIMARY KEY (s, id, e));
-- repeat 60
INSERT INTO t VALUES ({n}, {n} % 16, 1 + {n} % 2, {n});
